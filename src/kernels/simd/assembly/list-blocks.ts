// Rows of the form lvq against a query: see src/kernels/cpu/block-dot.ts. Numbers of 4, 2 or 1 bits are brought into eight i16 lanes of
// four numbers each, so that four shifts and masks take them out, and the same four vectors of weights serve all three.
import { blockDot, sumsOfLanes } from './list-nibbles';

/** Bytes of a query's block: weights, what is added, bits. */
const BLOCK: usize = 72;
const ADDED: usize = 64;
const BITS: usize = 68;

/** Keys of four listed rows. */
export function blocksOfFour(query: usize, queryStride: i32, codes: usize, stride: i32, list: usize): v128 {
  const bytes = <usize>stride;
  let r0 = codes + <usize>load<u32>(list) * bytes;
  let r1 = codes + <usize>load<u32>(list, 4) * bytes;
  let r2 = codes + <usize>load<u32>(list, 8) * bytes;
  let r3 = codes + <usize>load<u32>(list, 12) * bytes;
  const end = query + <usize>queryStride;
  let scales: usize = 0;
  for (let block = query; block < end; block += BLOCK) scales += <usize>load<i32>(block, BITS) << 2;
  let p0 = r0 + scales, p1 = r1 + scales, p2 = r2 + scales, p3 = r3 + scales;
  let s0 = i32x4.splat(0), s1 = i32x4.splat(0), s2 = i32x4.splat(0), s3 = i32x4.splat(0);
  for (let block = query; block < end; block += BLOCK) {
    const w0 = v128.load(block), w1 = v128.load(block, 16), w2 = v128.load(block, 32), w3 = v128.load(block, 48);
    const bits = load<i32>(block, BITS);
    const added = v128.load32_zero(block + ADDED);
    s0 = i32x4.add(s0, i32x4.mul(i32x4.add(added, dotOf(r0, bits, w0, w1, w2, w3)), i32x4.splat(<i32>load<u8>(p0++))));
    s1 = i32x4.add(s1, i32x4.mul(i32x4.add(added, dotOf(r1, bits, w0, w1, w2, w3)), i32x4.splat(<i32>load<u8>(p1++))));
    s2 = i32x4.add(s2, i32x4.mul(i32x4.add(added, dotOf(r2, bits, w0, w1, w2, w3)), i32x4.splat(<i32>load<u8>(p2++))));
    s3 = i32x4.add(s3, i32x4.mul(i32x4.add(added, dotOf(r3, bits, w0, w1, w2, w3)), i32x4.splat(<i32>load<u8>(p3++))));
    const passed = <usize>bits << 2;
    r0 += passed, r1 += passed, r2 += passed, r3 += passed;
  }
  return i32x4.neg(sumsOfLanes(s0, s1, s2, s3));
}

/** The dot product, in four lanes, of weights and the numbers of the block at an address. */
// @ts-ignore: decorator
@inline
function dotOf(at: usize, bits: i32, w0: v128, w1: v128, w2: v128, w3: v128): v128 {
  let sum = i32x4.splat(0);
  for (let left = bits >> 2; left > 0; left--, at += 16) {
    sum = i32x4.add(i32x4.shl(sum, 4), blockDot(v128.load(at), w0, w1, w2, w3));
  }
  if (bits & 2) {
    const x = v128.load64_zero(at);
    const y = v128.shuffle<i64>(x, i16x8.shr_u(x, 8), 0, 2);
    sum = i32x4.add(i32x4.shl(sum, 2), shiftedDot(y, 2, i16x8.splat(3), w0, w1, w2, w3));
    at += 8;
  }
  if (bits & 1) {
    const x = v128.load32_zero(at);
    const low = v128.shuffle<i32>(x, i16x8.shr_u(x, 4), 0, 4, 1, 1);
    const high = v128.shuffle<i32>(i16x8.shr_u(x, 8), i16x8.shr_u(x, 12), 0, 4, 1, 1);
    sum = i32x4.add(i32x4.shl(sum, 1), shiftedDot(v128.shuffle<i64>(low, high, 0, 2), 1, i16x8.splat(1), w0, w1, w2, w3));
  }
  return sum;
}

// @ts-ignore: decorator
@inline
function shiftedDot(y: v128, by: i32, mask: v128, w0: v128, w1: v128, w2: v128, w3: v128): v128 {
  const low = i32x4.add(i32x4.dot_i16x8_s(v128.and(y, mask), w0), i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(y, by), mask), w1));
  const high = i32x4.add(
    i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(y, 2 * by), mask), w2),
    i32x4.dot_i16x8_s(v128.and(i16x8.shr_u(y, 3 * by), mask), w3),
  );
  return i32x4.add(low, high);
}
