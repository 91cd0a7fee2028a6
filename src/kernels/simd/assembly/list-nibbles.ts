// Rows of the form sq4 against a query's weights: see src/kernels/cpu/nibble-dot.ts. Sixteen bytes are eight i16 lanes, and a shift
// and a mask take one number out of each: the s-th of lane k is number 4 k + s. Weights are laid out once in that order. The last
// sixteen bytes of a row may overlap those before; what was counted there has weight 0.

/** Bytes of opened weights. */
// @ts-ignore: decorator
@inline
export function nibblesBytes(stride: i32): usize {
  return <usize>((stride + 15) & ~15) << 2;
}

/** Lays out the weights i16 [2 stride] of a query. */
export function openNibbles(weights: usize, opened: usize, stride: i32): void {
  for (let block = 0; block < stride; block += 16) {
    const first = min(block, stride - 16);
    for (let s = 0; s < 4; s++) {
      for (let lane = 0; lane < 8; lane++, opened += 2) {
        const byte = first + 2 * lane + (s >> 1);
        store<i16>(opened, byte < block ? 0 : load<i16>(weights + ((<usize>byte << 2) + (<usize>(s & 1) << 1))));
      }
    }
  }
}

/** Keys of four listed rows. */
export function nibblesOfFour(opened: usize, codes: usize, stride: i32, list: usize): v128 {
  const bytes = <usize>stride;
  const r0 = codes + <usize>load<u32>(list) * bytes;
  const r1 = codes + <usize>load<u32>(list, 4) * bytes;
  const r2 = codes + <usize>load<u32>(list, 8) * bytes;
  const r3 = codes + <usize>load<u32>(list, 12) * bytes;
  let s0 = i32x4.splat(0), s1 = i32x4.splat(0), s2 = i32x4.splat(0), s3 = i32x4.splat(0);
  for (let block: usize = 0; block < bytes; block += 16, opened += 64) {
    const at = min(block, bytes - 16);
    const w0 = v128.load(opened), w1 = v128.load(opened, 16), w2 = v128.load(opened, 32), w3 = v128.load(opened, 48);
    s0 = i32x4.add(s0, blockDot(v128.load(r0 + at), w0, w1, w2, w3));
    s1 = i32x4.add(s1, blockDot(v128.load(r1 + at), w0, w1, w2, w3));
    s2 = i32x4.add(s2, blockDot(v128.load(r2 + at), w0, w1, w2, w3));
    s3 = i32x4.add(s3, blockDot(v128.load(r3 + at), w0, w1, w2, w3));
  }
  return i32x4.neg(sumsOfLanes(s0, s1, s2, s3));
}

/** The sum of each vector's lanes. */
// @ts-ignore: decorator
@inline
export function sumsOfLanes(s0: v128, s1: v128, s2: v128, s3: v128): v128 {
  const a = i32x4.add(v128.shuffle<i32>(s0, s1, 0, 1, 4, 5), v128.shuffle<i32>(s0, s1, 2, 3, 6, 7));
  const b = i32x4.add(v128.shuffle<i32>(s2, s3, 0, 1, 4, 5), v128.shuffle<i32>(s2, s3, 2, 3, 6, 7));
  return i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7));
}

// @ts-ignore: decorator
@inline
export function blockDot(x: v128, w0: v128, w1: v128, w2: v128, w3: v128): v128 {
  const mask = i16x8.splat(15);
  const low = i32x4.add(i32x4.dot_i16x8_s(v128.and(x, mask), w0), i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(x, 4), mask), w1));
  const high = i32x4.add(i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(x, 8), mask), w2), i32x4.dot_i16x8_s(i16x8.shr_u(x, 12), w3));
  return i32x4.add(low, high);
}
