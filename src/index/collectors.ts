/** What becomes of rows that are looked at: the k best of each query, or all within a radius (range-collector.ts). */
import { BestList } from './best-list.ts';

/** What becomes of candidates: the k best, or all within a radius. */
export interface Collector {
  /** Neighbours wanted, for seeds; undefined when τ is known from the start. */
  readonly k: number | undefined;
  /** Canonical distance beyond which query q takes nothing more. */
  threshold(q: number): number;
  take(q: number, label: number, distance: number): void;
}

/** Collects the k best of each query. */
export class BestCollector implements Collector {
  readonly k: number;
  readonly lists: BestList[];

  constructor(nq: number, k: number) {
    this.k = k;
    this.lists = Array.from({ length: nq }, () => new BestList(k));
  }

  threshold(q: number): number {
    return this.lists[q]!.threshold;
  }

  take(q: number, label: number, distance: number): void {
    this.lists[q]!.push(distance, label);
  }
}
