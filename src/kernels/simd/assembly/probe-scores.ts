import { NONE } from './graph-links';

export function probeScores(
  queries: usize, centroids: usize, probes: usize, scores: usize,
  nq: i32, nprobe: i32, words: i32, squared: i32,
  begin: i32, end: i32,
): void {
  const bytes = <usize>words << 2;
  for (let q = begin; q < end; q++) {
    const query = queries + <usize>q * bytes;
    for (let p = q * nprobe; p < (q + 1) * nprobe; p++) {
      const list = load<u32>(probes + (<usize>p << 2));
      const sum = list == NONE ? 0 : sumOf(query, centroids + <usize>list * bytes, bytes, squared);
      store<f64>(scores + (<usize>p << 3), <f64>sum);
    }
  }
}

/** Products of two pairs fit into 32 bits, sums of them need not. */
function sumOf(query: usize, centroid: usize, bytes: usize, squared: i32): i64 {
  let a = i64x2.splat(0), b = a;
  for (let at: usize = 0; at < bytes; at += 16) {
    const x = v128.load(query + at), y = v128.load(centroid + at);
    const left = i16x8.sub(x, y);
    const products = squared ? i32x4.dot_i16x8_s(left, left) : i32x4.dot_i16x8_s(x, y);
    a = i64x2.add(a, i64x2.extend_low_i32x4_s(products));
    b = i64x2.add(b, i64x2.extend_high_i32x4_s(products));
  }
  const sum = i64x2.add(a, b);
  const all = i64x2.extract_lane(sum, 0) + i64x2.extract_lane(sum, 1);
  return squared ? all : -all;
}
