/**
 * Recall as ann-benchmarks defines it: by distances alone, with some slack. A returned row is a hit when its distance is not above a
 * threshold made of that of the true k-th row, and hits are counted out of k, whatever was to be found. Our own recall (recall.ts) has no
 * slack, for canonical distances need none.
 */

/** What recall allows beyond the k-th distance. */
const SLACK = 1e-3;

/** Distance of two vectors, as the set that they belong to names it. */
export type PairDistance = (a: Float32Array, b: Float32Array) => number;

export const PAIR_DISTANCES: Readonly<Record<'euclidean' | 'angular' | 'hamming' | 'dot', PairDistance>> = {
  euclidean: (a, b) => Math.sqrt(sumOver(a, (value, i) => (value - b[i]!) ** 2)),
  angular: (a, b) => 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)),
  /** The share of values of which one is zero and the other is not. */
  hamming: (a, b) => sumOver(a, (value, i) => Number((value !== 0) !== (b[i] !== 0))) / a.length,
  dot: (a, b) => -dot(a, b),
};

function dot(a: Float32Array, b: Float32Array): number {
  return sumOver(a, (value, i) => value * b[i]!);
}

function sumOver(values: Float32Array, term: (value: number, i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += term(values[i]!, i);
  return sum;
}

/** Distances of what was found, f32 [nq, k], +Infinity where there was less; and of the true neighbours, f32 [nq, columns ≥ k], sorted. */
export interface ComparedDistances {
  readonly k: number;
  readonly found: Float32Array;
  readonly truth: Float32Array;
  readonly columns: number;
}

export interface AnnRecall {
  /** Up to 0.001 beyond the k-th true distance: the recall of its plots. */
  readonly recall: number;
  /** Up to 1 % beyond. */
  readonly epsilon01: number;
  /** Up to 10 % beyond. */
  readonly epsilon10: number;
}

export function annRecall(distances: ComparedDistances): AnnRecall {
  return {
    recall: shareWithin(distances, (kth) => kth + SLACK),
    epsilon01: shareWithin(distances, (kth) => kth * 1.01),
    epsilon10: shareWithin(distances, (kth) => kth * 1.1),
  };
}

function shareWithin({ k, found, truth, columns }: ComparedDistances, threshold: (kth: number) => number): number {
  let hits = 0;
  for (let i = 0; i < found.length; i++) if (found[i]! <= threshold(truth[Math.floor(i / k) * columns + k - 1]!)) hits++;
  return hits / found.length;
}
