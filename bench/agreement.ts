import type { DataSet } from './data-sets.ts';

/** How far a distance may lie above the other's k-th and still be a tie: a share of the distance itself … */
const TIE = 1e-5;
/** … and what ‖q‖² + ‖x‖² − 2 q·x in f32, which is how FAISS computes, may lose of the squared norms. */
const EXPANSION = 2 ** -22;

/**
 * The share of `mine` [nq, k] that is as near as `theirs` [nq, k]: among them, or a tie of their farthest by squared L2 in
 * f64. On normalised rows that orders as cosine does. Padding, label −1, is neither asked for nor counted.
 */
export function agreement({ base, queries, dim }: DataSet, mine: Int32Array, theirs: Int32Array, k: number): number {
  const squared = (q: number, row: number) => {
    let [sum, norms] = [0, 0];
    for (let j = 0; j < dim; j++) {
      const [a, b] = [queries[q * dim + j]!, base[row * dim + j]!];
      sum += (a - b) * (a - b);
      norms += a * a + b * b;
    }
    return { sum, norms };
  };
  const rowsIn = (labels: Int32Array, at: number) => labels.subarray(at, at + k).filter((label) => label >= 0);
  let [hits, wanted] = [0, 0];
  for (let at = 0, q = 0; at < mine.length; at += k, q++) {
    const known = new Set(rowsIn(theirs, at));
    const found = rowsIn(mine, at);
    const strangers = found.filter((label) => !known.has(label));
    hits += found.length - strangers.length;
    wanted += known.size;
    if (strangers.length === 0) continue;
    const farthest = Math.max(...[...known].map((label) => squared(q, label).sum));
    for (const label of strangers) {
      const { sum, norms } = squared(q, label);
      if (sum <= farthest * (1 + TIE) + EXPANSION * norms) hits++;
    }
  }
  return hits / wanted;
}

/** How many of the queries differ in a label or in a bit of a distance. */
export function differing(a: Answer, b: Answer, k: number): number {
  const [bitsA, bitsB] = [bits(a.distances), bits(b.distances)];
  let count = 0;
  for (let at = 0; at < a.labels.length; at += k) {
    let same = true;
    for (let i = at; i < at + k; i++) same &&= a.labels[i] === b.labels[i] && bitsA[i] === bitsB[i];
    if (!same) count++;
  }
  return count;
}

export interface Answer {
  readonly labels: Int32Array;
  readonly distances: Float32Array;
}

function bits(floats: Float32Array): Uint32Array {
  return new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
}
