// Two rows against four rows of the matrix, eight values at a time: eight sums for six loads. A block of rows stays in the
// nearest cache while the matrix passes by.

const BLOCK: i32 = 16;

export function rotate(
  rows: usize, matrix: usize, rotated: usize,
  n: i32, dout: i32, words: i32,
  begin: i32, end: i32,
): void {
  const bytes = <usize>words << 2;
  for (let first = begin; first < end; first += BLOCK) {
    const last = min(first + BLOCK, end) - 1;
    // four outputs, the last of them the last four: what is written twice is written the same
    for (let at = 0; at < dout; at += 4) {
      const o = min(at, max(0, dout - 4));
      const p = matrix + <usize>o * bytes;
      const q = matrix + <usize>min(o + 1, dout - 1) * bytes;
      const r = matrix + <usize>min(o + 2, dout - 1) * bytes;
      const s = matrix + <usize>min(o + 3, dout - 1) * bytes;
      for (let i = first; i <= last; i += 2) {
        const j = min(i + 1, last);
        const outA = rotated + ((<usize>i * <usize>dout + <usize>o) << 2);
        const outB = rotated + ((<usize>j * <usize>dout + <usize>o) << 2);
        twoRows(rows + <usize>i * bytes, rows + <usize>j * bytes, p, q, r, s, bytes, outA, outB, dout);
      }
    }
  }
}

function twoRows(a: usize, b: usize, p: usize, q: usize, r: usize, s: usize, bytes: usize, outA: usize, outB: usize, dout: i32): void {
  let ap = i32x4.splat(0), aq = ap, ar = ap, az = ap, bp = ap, bq = ap, br = ap, bs = ap;
  for (let w: usize = 0; w < bytes; w += 16) {
    const x = v128.load(a + w), y = v128.load(b + w);
    const vp = v128.load(p + w);
    ap = i32x4.add(ap, i32x4.dot_i16x8_s(x, vp));
    bp = i32x4.add(bp, i32x4.dot_i16x8_s(y, vp));
    const vq = v128.load(q + w);
    aq = i32x4.add(aq, i32x4.dot_i16x8_s(x, vq));
    bq = i32x4.add(bq, i32x4.dot_i16x8_s(y, vq));
    const vr = v128.load(r + w);
    ar = i32x4.add(ar, i32x4.dot_i16x8_s(x, vr));
    br = i32x4.add(br, i32x4.dot_i16x8_s(y, vr));
    const vs = v128.load(s + w);
    az = i32x4.add(az, i32x4.dot_i16x8_s(x, vs));
    bs = i32x4.add(bs, i32x4.dot_i16x8_s(y, vs));
  }
  storeSums(outA, fourSums(ap, aq, ar, az), dout);
  storeSums(outB, fourSums(bp, bq, br, bs), dout);
}

/** The first min(4, dout) of four sums. */
// @ts-ignore: decorator
@inline
function storeSums(out: usize, sums: v128, dout: i32): void {
  if (dout >= 4) {
    v128.store(out, sums);
    return;
  }
  store<i32>(out, i32x4.extract_lane(sums, 0));
  if (dout > 1) store<i32>(out, i32x4.extract_lane(sums, 1), 4);
  if (dout > 2) store<i32>(out, i32x4.extract_lane(sums, 2), 8);
}

/** The sums over lanes of four vectors. */
// @ts-ignore: decorator
@inline
function fourSums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7)); // a b a b
  const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return i32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7));
}
