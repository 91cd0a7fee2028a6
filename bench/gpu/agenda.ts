import type { Skipped } from '../session.ts';

/** Of the time that is left a build on a GPU gets so much: the CPU must still be able to build, and searches to be measured. */
const SHARE_OF_BUILD = 0.4;

/** What a run does, one thing after the other: what no longer fits into its time is skipped, what fails is told, and the rest goes on. */
export class Agenda {
  readonly skipped: Skipped[] = [];
  readonly failed: Skipped[] = [];
  private readonly started = performance.now();
  private readonly seconds: number;
  private readonly say: (line: string) => void;

  constructor(seconds: number | undefined, say: (line: string) => void) {
    this.seconds = seconds ?? Infinity;
    this.say = say;
  }

  get secondsLeft(): number {
    return this.seconds - (performance.now() - this.started) / 1000;
  }

  /** Does something, if there is time for it. */
  async attempt(what: string, work: () => Promise<unknown>): Promise<void> {
    if (this.secondsLeft <= 0) return this.skip(what, `the ${this.seconds} s of --budget had gone by`);
    try {
      await work();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.say(`${what} failed: ${reason}`);
      this.failed.push({ what, reason });
    }
  }

  skip(what: string, reason: string): void {
    this.skipped.push({ what, reason });
  }

  /** Aborts a build that would take more than its share. */
  buildSignal(): AbortSignal | undefined {
    if (!Number.isFinite(this.secondsLeft)) return undefined;
    return AbortSignal.timeout(Math.max(0, Math.ceil(1000 * SHARE_OF_BUILD * this.secondsLeft)));
  }
}
