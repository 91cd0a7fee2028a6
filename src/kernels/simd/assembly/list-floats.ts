// Rows of 16-bit floats against a query f32: see src/kernels/cpu/half-distance.ts. The order of sums is that of canonical distances.
import { tree } from './canonical-distances';
import { orderedBits } from './graph-score';

/** Keys of four listed rows; `squared` for l2, else inner products. */
export function floatsOfFour(query: usize, codes: usize, stride: i32, squared: bool, list: usize): v128 {
  const bytes = <usize>stride;
  return i32x4(
    keyOf(query, codes + <usize>load<u32>(list) * bytes, bytes, squared),
    keyOf(query, codes + <usize>load<u32>(list, 4) * bytes, bytes, squared),
    keyOf(query, codes + <usize>load<u32>(list, 8) * bytes, bytes, squared),
    keyOf(query, codes + <usize>load<u32>(list, 12) * bytes, bytes, squared),
  );
}

function keyOf(query: usize, row: usize, bytes: usize, squared: bool): i32 {
  let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
  for (const end = row + bytes; row < end; row += 32, query += 64) {
    const a = v128.load(row), b = v128.load(row, 16);
    s0 = f32x4.add(s0, productOf(v128.load(query), widened(i32x4.extend_low_i16x8_u(a)), squared));
    s1 = f32x4.add(s1, productOf(v128.load(query, 16), widened(i32x4.extend_high_i16x8_u(a)), squared));
    s2 = f32x4.add(s2, productOf(v128.load(query, 32), widened(i32x4.extend_low_i16x8_u(b)), squared));
    s3 = f32x4.add(s3, productOf(v128.load(query, 48), widened(i32x4.extend_high_i16x8_u(b)), squared));
  }
  const sum = tree(s0, s1, s2, s3);
  return orderedBits((squared ? sum : <f32>0 - sum) + <f32>0);
}

/** Four 16-bit floats as f32: their exponents and fractions in place, times 2^112, which is exact. */
// @ts-ignore: decorator
@inline
function widened(halves: v128): v128 {
  const size = i32x4.shl(v128.and(halves, i32x4.splat(0x7fff)), 13);
  const sign = i32x4.shl(v128.and(halves, i32x4.splat(0x8000)), 16);
  return v128.or(f32x4.mul(size, f32x4.splat(reinterpret<f32>(0x77800000))), sign);
}

// @ts-ignore: decorator
@inline
function productOf(a: v128, b: v128, squared: bool): v128 {
  const apart = f32x4.sub(a, b);
  return squared ? f32x4.mul(apart, apart) : f32x4.mul(a, b);
}
