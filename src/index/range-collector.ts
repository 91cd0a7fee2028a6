import { badArgument } from '../util/errors.ts';
import type { Collector } from './collectors.ts';
import type { RangeNeighbors } from './vector-index.ts';

/** Collects everything within a radius of each query. */
export class RangeCollector implements Collector {
  readonly k = undefined;
  private readonly radius: number;
  private readonly maxResults: number;
  private readonly found: { label: number; distance: number }[][];
  private total = 0;

  constructor(nq: number, radius: number, maxResults = Infinity) {
    if (!(maxResults > 0)) throw badArgument(`maxResults is ${maxResults}; give a number ≥ 1, or leave it out`);
    this.radius = radius;
    this.maxResults = maxResults;
    this.found = Array.from({ length: nq }, () => []);
  }

  threshold(): number {
    return this.radius;
  }

  take(q: number, label: number, distance: number): void {
    if (distance > this.radius) return;
    if (++this.total > this.maxResults) {
      throw badArgument(
        `more than maxResults = ${this.maxResults} rows lie within radius ${this.radius}; ask for a smaller radius or more results`,
      );
    }
    this.found[q]!.push({ label, distance });
  }

  results(): Pick<RangeNeighbors, 'offsets' | 'labels' | 'distances'> {
    const offsets = new Uint32Array(this.found.length + 1);
    const labels = new Int32Array(this.total);
    const distances = new Float32Array(this.total);
    let at = 0;
    for (const [q, list] of this.found.entries()) {
      list.sort((a, b) => a.distance - b.distance || a.label - b.label);
      for (const { label, distance } of list) {
        labels[at] = label;
        distances[at++] = distance;
      }
      offsets[q + 1] = at;
    }
    return { offsets, labels, distances };
  }
}
