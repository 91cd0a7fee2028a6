/** Compares answers as `verify` must: labels, the bits of distances, and the hops that led to them where they were counted. */
import type { Neighbors } from '../node.ts';

/** The queries whose labels, distance bits or hops differ: −0 is not +0 here, and a NaN equals its own bits. */
export function differingQueries(a: Neighbors, b: Neighbors): number[] {
  if (a.k !== b.k || a.labels.length !== b.labels.length) throw new Error('the answers have different shapes');
  const { k } = a;
  const [bitsA, bitsB] = [bitsOf(a.distances), bitsOf(b.distances)];
  const differs = (i: number) => a.labels[i] !== b.labels[i] || bitsA[i] !== bitsB[i];
  const found: number[] = [];
  for (let q = 0; q < a.labels.length / k; q++) {
    let same = a.stats?.hops[q] === b.stats?.hops[q];
    for (let i = q * k; same && i < (q + 1) * k; i++) same = !differs(i);
    if (!same) found.push(q);
  }
  return found;
}

function bitsOf(distances: Float32Array): Uint32Array {
  return new Uint32Array(distances.buffer, distances.byteOffset, distances.length);
}
