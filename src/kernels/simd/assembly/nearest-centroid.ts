// Lanes run over centroids: a word of the row, splatted, meets the same word of four centroids. Four rows go against eight
// centroids at a time, so that each load serves several products. A block of rows stays with one subquantiser while its
// centroids are in the nearest cache.

const BLOCK: i32 = 64;
const TILE: i32 = 8;
const MOST: i32 = 0x7fffffff;

export function nearestCentroid(
  rows: usize, centroids: usize, terms: usize, nearest: usize,
  n: i32, m: i32, pairs: i32, ksub: i32, weight: i32,
  begin: i32, end: i32,
): void {
  const rowBytes = (<usize>m * <usize>pairs) << 2;
  const bookBytes = (<usize>pairs * <usize>ksub) << 2;
  for (let first = begin; first < end; first += BLOCK) {
    const last = min(first + BLOCK, end) - 1;
    for (let s = 0; s < m; s++) {
      const book = centroids + <usize>s * bookBytes;
      const bookTerms = terms + ((<usize>s * <usize>ksub) << 2);
      const column = rows + ((<usize>s * <usize>pairs) << 2);
      const out = nearest + (<usize>s << 2);
      for (let i = first; i <= last; i += 4) {
        // rows past the last are the last again: the same answer is written twice
        const i1 = min(i + 1, last), i2 = min(i + 2, last), i3 = min(i + 3, last);
        const a = column + <usize>i * rowBytes;
        const b = column + <usize>i1 * rowBytes;
        const c = column + <usize>i2 * rowBytes;
        const d = column + <usize>i3 * rowBytes;
        const outA = out + ((<usize>i * <usize>m) << 2);
        const outB = out + ((<usize>i1 * <usize>m) << 2);
        const outC = out + ((<usize>i2 * <usize>m) << 2);
        const outD = out + ((<usize>i3 * <usize>m) << 2);
        if (ksub >= TILE) {
          fourRows(a, b, c, d, book, bookTerms, pairs, ksub, weight, outA, outB, outC, outD);
        } else {
          store<i32>(outA, fewCentroids(a, book, bookTerms, pairs, ksub, weight));
          store<i32>(outB, fewCentroids(b, book, bookTerms, pairs, ksub, weight));
          store<i32>(outC, fewCentroids(c, book, bookTerms, pairs, ksub, weight));
          store<i32>(outD, fewCentroids(d, book, bookTerms, pairs, ksub, weight));
        }
      }
    }
  }
}

/** Four rows against all centroids. The last tile may overlap the one before it: a centroid seen twice changes nothing. */
function fourRows(
  a: usize, b: usize, c: usize, d: usize, book: usize, bookTerms: usize, pairs: i32, ksub: i32, weight: i32,
  outA: usize, outB: usize, outC: usize, outD: usize,
): void {
  const weights = i32x4.splat(weight);
  const stride = <usize>ksub << 2;
  const words = <usize>pairs << 2;
  let leastA = i32x4.splat(MOST), leastB = leastA, leastC = leastA, leastD = leastA;
  // where every score is MOST, none is below it, and the first centroid is right
  let bestA = i32x4.splat(0), bestB = bestA, bestC = bestA, bestD = bestA;
  for (let at = 0; at < ksub; at += TILE) {
    const first = min(at, ksub - TILE);
    let tile = book + (<usize>first << 2);
    let a0 = i32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
    for (let w: usize = 0; w < words; w += 4) {
      const x = v128.load(tile), y = v128.load(tile, 16);
      const wordA = v128.load32_splat(a + w);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x, wordA));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(y, wordA));
      const wordB = v128.load32_splat(b + w);
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(x, wordB));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(y, wordB));
      const wordC = v128.load32_splat(c + w);
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(x, wordC));
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(y, wordC));
      const wordD = v128.load32_splat(d + w);
      d0 = i32x4.add(d0, i32x4.dot_i16x8_s(x, wordD));
      d1 = i32x4.add(d1, i32x4.dot_i16x8_s(y, wordD));
      tile += stride;
    }
    const t0 = v128.load(bookTerms + (<usize>first << 2)), t1 = v128.load(bookTerms + (<usize>first << 2), 16);
    const index = i32x4.add(i32x4.splat(first), i32x4(0, 1, 2, 3));

    a0 = i32x4.sub(t0, i32x4.mul(weights, a0));
    a1 = i32x4.sub(t1, i32x4.mul(weights, a1));
    bestA = v128.bitselect(nearer(a0, a1, index), bestA, i32x4.lt_s(i32x4.min_s(a0, a1), leastA));
    leastA = i32x4.min_s(leastA, i32x4.min_s(a0, a1));

    b0 = i32x4.sub(t0, i32x4.mul(weights, b0));
    b1 = i32x4.sub(t1, i32x4.mul(weights, b1));
    bestB = v128.bitselect(nearer(b0, b1, index), bestB, i32x4.lt_s(i32x4.min_s(b0, b1), leastB));
    leastB = i32x4.min_s(leastB, i32x4.min_s(b0, b1));

    c0 = i32x4.sub(t0, i32x4.mul(weights, c0));
    c1 = i32x4.sub(t1, i32x4.mul(weights, c1));
    bestC = v128.bitselect(nearer(c0, c1, index), bestC, i32x4.lt_s(i32x4.min_s(c0, c1), leastC));
    leastC = i32x4.min_s(leastC, i32x4.min_s(c0, c1));

    d0 = i32x4.sub(t0, i32x4.mul(weights, d0));
    d1 = i32x4.sub(t1, i32x4.mul(weights, d1));
    bestD = v128.bitselect(nearer(d0, d1, index), bestD, i32x4.lt_s(i32x4.min_s(d0, d1), leastD));
    leastD = i32x4.min_s(leastD, i32x4.min_s(d0, d1));
  }
  store<i32>(outA, firstOfLeast(leastA, bestA));
  store<i32>(outB, firstOfLeast(leastB, bestB));
  store<i32>(outC, firstOfLeast(leastC, bestC));
  store<i32>(outD, firstOfLeast(leastD, bestD));
}

/** For each lane the index of the smaller score: `index` of the first vector's, four more for the second's. */
// @ts-ignore: decorator
@inline
function nearer(first: v128, second: v128, index: v128): v128 {
  return i32x4.sub(index, v128.and(i32x4.lt_s(second, first), i32x4.splat(-4)));
}

/** The lowest index among the lanes that hold the least score. */
// @ts-ignore: decorator
@inline
function firstOfLeast(least: v128, best: v128): i32 {
  const all = leastLane(least);
  return i32x4.extract_lane(leastLane(v128.bitselect(best, i32x4.splat(MOST), i32x4.eq(least, all))), 0);
}

/** The smallest lane, in every lane. */
// @ts-ignore: decorator
@inline
function leastLane(x: v128): v128 {
  const halves = i32x4.min_s(x, v128.shuffle<i32>(x, x, 2, 3, 0, 1));
  return i32x4.min_s(halves, v128.shuffle<i32>(halves, halves, 1, 0, 3, 2));
}

function fewCentroids(row: usize, book: usize, bookTerms: usize, pairs: i32, ksub: i32, weight: i32): i32 {
  let least = MOST, best = 0;
  for (let c = 0; c < ksub; c++) {
    let dot = 0;
    for (let p = 0; p < pairs; p++) {
      dot += wordDot(load<i32>(row + (<usize>p << 2)), load<i32>(book + (<usize>(p * ksub + c) << 2)));
    }
    const score = load<i32>(bookTerms + (<usize>c << 2)) - weight * dot;
    if (score < least) {
      least = score;
      best = c;
    }
  }
  return best;
}

/** Product of two words of two i16 each. */
// @ts-ignore: decorator
@inline
function wordDot(a: i32, b: i32): i32 {
  return ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16);
}
