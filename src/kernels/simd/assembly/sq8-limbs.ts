import { loadFew, upper } from './sq8-encode';

/** 1.5 · 2^52: adding it rounds to integers, ties to even. */
const BIG: f64 = 6755399441055744;

export function sq8Limbs(
  vectors: usize, shift: usize, scales: usize, steps: usize, codes: usize, limbs: usize, lengths: usize,
  n: i32, dim: i32, stride: i32,
  begin: i32, end: i32,
): void {
  for (let row = begin; row < end; row++) {
    const step = v128.load64_splat(steps + (<usize>row << 3));
    const fineScale = f64x2.splat(<f64>load<f32>(scales + (<usize>row << 2)) * 256);
    const fineStep = f64x2.mul(step, f64x2.splat(0.00390625));
    const inRow = vectors + ((<usize>row * <usize>dim) << 2);
    const code = codes + <usize>row * <usize>stride;
    const out = limbs + <usize>row * <usize>stride;
    let lost01 = f64x2.splat(0), lost23 = f64x2.splat(0), squares = f64x2.splat(0);
    for (let j = 0; j < dim; j += 4) {
      const left = dim - j;
      const at = inRow + (<usize>j << 2);
      const x = left >= 4 ? v128.load(at) : loadFew(at, left);
      const s = left >= 4 ? v128.load(shift + (<usize>j << 2)) : loadFew(shift + (<usize>j << 2), left);
      const c = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(code + <usize>j)));
      const c01 = f64x2.convert_low_i32x4_s(c);
      const c23 = f64x2.convert_low_i32x4_s(upper(c));
      const left01 = f64x2.sub(f64x2.promote_low_f32x4(x), f64x2.add(f64x2.promote_low_f32x4(s), f64x2.mul(c01, step)));
      const left23 = f64x2.sub(f64x2.promote_low_f32x4(upper(x)), f64x2.add(f64x2.promote_low_f32x4(upper(s)), f64x2.mul(c23, step)));
      const big01 = limbOf(left01, fineScale);
      const big23 = limbOf(left23, fineScale);
      const limb01 = f64x2.sub(big01, f64x2.splat(BIG));
      const limb23 = f64x2.sub(big23, f64x2.splat(BIG));
      const e01 = f64x2.sub(left01, f64x2.mul(limb01, fineStep));
      const e23 = f64x2.sub(left23, f64x2.mul(limb23, fineStep));
      lost01 = f64x2.add(lost01, f64x2.mul(e01, e01));
      lost23 = f64x2.add(lost23, f64x2.mul(e23, e23));
      const v01 = f64x2.add(f64x2.mul(c01, f64x2.splat(256)), limb01);
      const v23 = f64x2.add(f64x2.mul(c23, f64x2.splat(256)), limb23);
      squares = f64x2.add(squares, f64x2.add(f64x2.mul(v01, v01), f64x2.mul(v23, v23)));
      const words = v128.shuffle<i32>(big01, big23, 0, 2, 4, 6);
      const wide = i16x8.narrow_i32x4_s(words, words);
      v128.store32_lane(out + <usize>j, i8x16.narrow_i16x8_s(wide, wide), 0);
    }
    const written = <usize>((dim + 3) & ~3);
    memory.fill(out + written, 0, <usize>stride - written);
    const pairs = f64x2.add(lost01, lost23);
    store<f64>(lengths + (<usize>row << 4), sqrt<f64>(f64x2.extract_lane(pairs, 0) + f64x2.extract_lane(pairs, 1)));
    store<f64>(lengths + (<usize>row << 4), f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1), 8);
  }
}

/** The limbs plus BIG, whose low words are the limbs as i32. */
// @ts-ignore: decorator
@inline
function limbOf(left: v128, fineScale: v128): v128 {
  return f64x2.add(f64x2.pmax(f64x2.splat(-128), f64x2.pmin(f64x2.splat(127), f64x2.mul(left, fineScale))), f64x2.splat(BIG));
}
