// Tiles of 2 × 4 dot products, a register of four partial sums for each: eight chains hide the latency of additions, and
// with what they load they fit the sixteen registers of x86. Rows of `b` are taken in blocks that stay in the cache.
const BLOCK_BYTES: i32 = 98304;

export function matmul(
  a: usize, b: usize, c: usize,
  first: i32, n: i32, m: i32, k: i32,
  begin: i32, end: i32,
): void {
  const bytes = <usize>k << 2;
  const block = max(4, (BLOCK_BYTES / max(16, <i32>bytes)) & ~3);
  for (let from = 0; from < m; from += block) {
    const to = min(from + block, m);
    for (let i = first + begin; i < first + end; i += 2) {
      const other = min(i + 1, first + end - 1);
      for (let j = from; j < to; j += 4) tile(a, b, c, i, other, j, m, bytes);
    }
  }
}

/** Rows i and `other` of `a` with rows j … j+3 of `b`; past the end the last row is taken again. */
// @ts-ignore: decorator
@inline
function tile(a: usize, b: usize, c: usize, i: i32, other: i32, j: i32, m: i32, bytes: usize): void {
  let a0 = a + <usize>i * bytes, a1 = a + <usize>other * bytes;
  let b0 = b + <usize>j * bytes, b1 = b + <usize>min(j + 1, m - 1) * bytes;
  let b2 = b + <usize>min(j + 2, m - 1) * bytes, b3 = b + <usize>min(j + 3, m - 1) * bytes;
  let s00 = f32x4.splat(0), s01 = f32x4.splat(0), s02 = f32x4.splat(0), s03 = f32x4.splat(0);
  let s10 = f32x4.splat(0), s11 = f32x4.splat(0), s12 = f32x4.splat(0), s13 = f32x4.splat(0);
  for (const stop = a0 + bytes; a0 < stop; a0 += 16) {
    const x0 = v128.load(a0), x1 = v128.load(a1);
    const y0 = v128.load(b0), y1 = v128.load(b1), y2 = v128.load(b2), y3 = v128.load(b3);
    s00 = f32x4.add(s00, f32x4.mul(x0, y0));
    s01 = f32x4.add(s01, f32x4.mul(x0, y1));
    s02 = f32x4.add(s02, f32x4.mul(x0, y2));
    s03 = f32x4.add(s03, f32x4.mul(x0, y3));
    s10 = f32x4.add(s10, f32x4.mul(x1, y0));
    s11 = f32x4.add(s11, f32x4.mul(x1, y1));
    s12 = f32x4.add(s12, f32x4.mul(x1, y2));
    s13 = f32x4.add(s13, f32x4.mul(x1, y3));
    a1 += 16, b0 += 16, b1 += 16, b2 += 16, b3 += 16;
  }
  const count = min(4, m - j);
  put(c + ((<usize>i * <usize>m + <usize>j) << 2), sums(s00, s01, s02, s03), count);
  put(c + ((<usize>other * <usize>m + <usize>j) << 2), sums(s10, s11, s12, s13), count);
}

/** Stores the first `count` lanes. */
// @ts-ignore: decorator
@inline
function put(at: usize, x: v128, count: i32): void {
  if (count == 4) {
    v128.store(at, x);
    return;
  }
  store<f32>(at, f32x4.extract_lane(x, 0));
  if (count > 1) store<f32>(at, f32x4.extract_lane(x, 1), 4);
  if (count > 2) store<f32>(at, f32x4.extract_lane(x, 2), 8);
}

/** (0+1)+(2+3) of each, side by side. */
// @ts-ignore: decorator
@inline
function sums(s0: v128, s1: v128, s2: v128, s3: v128): v128 {
  const a = f32x4.add(v128.shuffle<f32>(s0, s1, 0, 2, 4, 6), v128.shuffle<f32>(s0, s1, 1, 3, 5, 7));
  const b = f32x4.add(v128.shuffle<f32>(s2, s3, 0, 2, 4, 6), v128.shuffle<f32>(s2, s3, 1, 3, 5, 7));
  return f32x4.add(v128.shuffle<f32>(a, b, 0, 2, 4, 6), v128.shuffle<f32>(a, b, 1, 3, 5, 7));
}
