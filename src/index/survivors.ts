/** What becomes of rows that a scan cannot rule out: bounds tighten τ at once, canonical distances are computed at the end. */
import type { Breather } from '../util/tasks.ts';
import { BestList } from './best-list.ts';
import { Candidates } from './candidates.ts';
import type { Findings } from './flat-scan.ts';

/** Pairs that may wait for their canonical distance: more are refined at once. */
const MOST_WAITING = 2 ** 17;

/** Computes the canonical distances of candidates. */
type Refine = (candidates: Candidates) => Promise<void>;

/**
 * Findings of a scan. Where codes bound canonical distances from above, the k-th of those bounds is a τ that needs no
 * refining, and most rows are ruled out by a later τ before their turn comes; where they do not, rows are refined after
 * each dispatch.
 */
export class Survivors implements Findings {
  private readonly known: (q: number) => number;
  private readonly refine: Refine;
  private readonly breather: Breather;
  /** The k smallest upper bounds of each query; no lists for a range search. */
  private readonly uppers: readonly BestList[];
  private readonly nq: number;
  private waiting = new Candidates();
  private leasts: number[] = [];
  private bounded = true;

  constructor(nq: number, k: number | undefined, known: (q: number) => number, refine: Refine, breather: Breather) {
    this.nq = nq;
    this.known = known;
    this.refine = refine;
    this.breather = breather;
    this.uppers = k === undefined ? [] : Array.from({ length: nq }, () => new BestList(k));
  }

  taus(): Float64Array {
    const taus = new Float64Array(this.nq);
    for (let q = 0; q < this.nq; q++) taus[q] = Math.min(this.known(q), this.uppers[q]?.threshold ?? Infinity);
    return taus;
  }

  readonly keep = (q: number, row: number, least: number, most: number): void => {
    this.waiting.push(q, row);
    this.leasts.push(least);
    if (most < Infinity) this.uppers[q]?.push(most, row);
    else this.bounded = false; // NaN bounds nothing
  };

  async settle(): Promise<void> {
    if (!this.bounded || this.waiting.length >= MOST_WAITING) await this.finish();
    await this.breather.breathe();
  }

  /** Refines what the present τ leaves of the waiting rows. */
  async finish(): Promise<void> {
    const { waiting, leasts } = this;
    this.waiting = new Candidates();
    this.leasts = [];
    const taus = this.taus();
    const left = new Candidates(waiting.length + 1);
    for (let i = 0; i < waiting.length; i++) {
      const q = waiting.queries[i]!;
      if (!(leasts[i]! > taus[q]!)) left.push(q, waiting.rows[i]!);
    }
    await this.refine(left);
  }
}

/** Seeds of a search: only their k-th canonical distance counts, or an upper bound of it; the passes find the rows again. */
export class Seeds {
  private readonly lists: readonly BestList[];
  private readonly unbounded = new Candidates();

  constructor(nq: number, k: number) {
    this.lists = Array.from({ length: nq }, () => new BestList(k));
  }

  readonly keep = (q: number, row: number, _least: number, most: number): void => {
    if (most < Infinity) this.lists[q]!.push(most, row);
    else this.unbounded.push(q, row);
  };

  /** Refines the seeds whose codes gave no bound. */
  async finish(refine: (candidates: Candidates, take: (q: number, row: number, distance: number) => void) => Promise<void>): Promise<void> {
    await refine(this.unbounded, (q, row, distance) => this.lists[q]!.push(distance, row));
  }

  threshold(q: number): number {
    return this.lists[q]!.threshold;
  }
}
