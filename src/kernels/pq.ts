/**
 * What kernels of the product quantiser share. Values are i16 on an integer grid, two to a u32 word, the first in the
 * low half. A vector falls into m subvectors of `pairs` words each (an odd last value has 0 beside it).
 *
 *   rows, queries  u32 [n, m · pairs]
 *   centroids      u32 [m, pairs, ksub]: for each word all centroids side by side, so that SIMD lanes run over centroids
 *   terms          i32 [m, ksub]: |centroid|² for l2, 0 for inner products
 *
 * The score of a centroid is terms − weight · (query · centroid), weight 2 for l2 and 1 for ip. All of it is i32 that
 * wraps, so the order of sums is free and every engine gives the same bits; callers scale values so that nothing wraps.
 */

/** Two i16 values as a word, `a` in the low half. */
export function packPair(a: number, b: number): number {
  return ((a & 0xffff) | (b << 16)) >>> 0;
}

/** The low half of a word, with its sign. */
function low(word: number): number {
  return (word << 16) >> 16;
}

/** The high half of a word, with its sign. */
function high(word: number): number {
  return word >> 16;
}

/** Dot product of the words a[atA …] with b[atB …], i32; the words of `b` lie `strideB` apart. */
export function pairDot(a: Uint32Array, atA: number, b: Uint32Array, atB: number, words: number, strideB = 1): number {
  let sum = 0;
  for (let i = 0; i < words; i++) {
    const x = a[atA + i]!;
    const y = b[atB + i * strideB]!;
    sum = (sum + Math.imul(low(x), low(y)) + Math.imul(high(x), high(y))) | 0;
  }
  return sum;
}

export interface Codebooks {
  readonly centroids: Uint32Array;
  readonly terms: Int32Array;
}

/** Score of centroid `c` of subquantiser `sub` for the row or query `i` of `rows`, i32: terms − weight · dot. */
export function centroidScore(
  rows: Uint32Array,
  i: number,
  { centroids, terms }: Codebooks,
  sub: number,
  c: number,
  { m, pairs, ksub, weight }: Record<'m' | 'pairs' | 'ksub' | 'weight', number>,
): number {
  const dot = pairDot(rows, (i * m + sub) * pairs, centroids, sub * pairs * ksub + c, pairs, ksub);
  return (terms[sub * ksub + c]! - Math.imul(weight, dot)) | 0;
}
