import type { Skipped } from '../session.ts';

/** Of the time that is left a build on a GPU gets so much: the CPU must still be able to build, and searches to be measured. */
const SHARE_OF_BUILD = 0.4;

/** The time that the whole bench may take; what does not fit is skipped, and told. */
export class Budget {
  readonly skipped: Skipped[] = [];
  private readonly started = performance.now();
  private readonly seconds: number;

  constructor(seconds: number | undefined) {
    this.seconds = seconds ?? Infinity;
  }

  get left(): number {
    return this.seconds - (performance.now() - this.started) / 1000;
  }

  /** Whether there is time for something; notes it as skipped where there is none. */
  allows(what: string): boolean {
    if (this.left > 0) return true;
    this.skip(what, `the ${this.seconds} s of --budget had gone by`);
    return false;
  }

  skip(what: string, reason: string): void {
    this.skipped.push({ what, reason });
  }

  /** Aborts a build that would take more than its share. */
  buildSignal(): AbortSignal | undefined {
    return Number.isFinite(this.left) ? AbortSignal.timeout(Math.max(0, Math.ceil(1000 * SHARE_OF_BUILD * this.left))) : undefined;
  }
}
