/**
 * Recall with ties as hits: a returned row is a hit when its canonical distance is not above that of the true k-th row, so
 * that which of several equally near rows a search returns does not matter. Closed over arrays; see tests/tune/recall.test.ts.
 */

export interface Found {
  /** Neighbours of each query. */
  readonly k: number;
  /** [nq, k], −1 for padding. */
  readonly labels: Int32Array;
  /** [nq, k], canonical. */
  readonly distances: Float32Array;
}

export interface Recall {
  /** hits / possible; 1 when nothing was to be found. */
  readonly recall: number;
  readonly hits: number;
  /** True neighbours of all queries: nq·k, less where an index has fewer rows. */
  readonly possible: number;
  /** Queries that missed at least one neighbour. */
  readonly missed: number;
}

/**
 * Compares results with the canonical distances of the true k nearest rows, f32 [nq, k], +Infinity where there are fewer
 * rows. The bound of a query is the largest finite one: a truth that was computed in other arithmetic may order near-equal
 * rows otherwise, but its k rows are k rows, so an exact search never falls outside. A label counts once.
 */
export function recallOf({ k, labels, distances }: Found, truth: Float32Array): Recall {
  if (truth.length !== labels.length) throw new Error(`truth has ${truth.length} distances for ${labels.length} results`);
  let hits = 0;
  let possible = 0;
  let missed = 0;
  for (let at = 0; at < labels.length; at += k) {
    const { bound, count } = boundOf(truth.subarray(at, at + k));
    const within = new Set<number>();
    for (let i = at; i < at + k; i++) if (labels[i]! >= 0 && distances[i]! <= bound) within.add(labels[i]!);
    const found = Math.min(within.size, count);
    hits += found;
    possible += count;
    if (found < count) missed++;
  }
  return { recall: possible === 0 ? 1 : hits / possible, hits, possible, missed };
}

/**
 * Recall by labels alone, of i32 [nq, columns] of true neighbours, −1 for padding: for distances that cannot be compared with
 * the truth's. Of several equally near rows only those that the truth names are hits.
 */
export function recallOfLabels({ k, labels }: Found, truth: { readonly labels: Int32Array; readonly k: number }): Recall {
  let hits = 0;
  let possible = 0;
  let missed = 0;
  for (let q = 0; q < labels.length / k; q++) {
    const wanted = new Set([...truth.labels.subarray(q * truth.k, q * truth.k + k)].filter((label) => label >= 0));
    const found = new Set([...labels.subarray(q * k, (q + 1) * k)].filter((label) => wanted.has(label))).size;
    hits += found;
    possible += wanted.size;
    if (found < wanted.size) missed++;
  }
  return { recall: possible === 0 ? 1 : hits / possible, hits, possible, missed };
}

function boundOf(truth: Float32Array): { bound: number; count: number } {
  let bound = -Infinity;
  let count = 0;
  for (const distance of truth) {
    if (distance === Infinity) continue;
    bound = Math.max(bound, distance);
    count++;
  }
  return { bound, count };
}

/** The value that the share `p` (0 to 1) of the values does not exceed, by nearest rank. */
export function percentile(values: readonly number[], p: number): number {
  if (values.length === 0) throw new Error('a percentile of no values');
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)]!;
}
