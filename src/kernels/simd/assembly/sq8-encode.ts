export function sq8Encode(
  vectors: usize, shift: usize, scales: usize, steps: usize, codes: usize, sums: usize, errors: usize,
  n: i32, dim: i32, words: i32, layout: i32, low: i32, high: i32, bias: i32,
  begin: i32, end: i32,
): void {
  const lows = f32x4.splat(<f32>low);
  const highs = f32x4.splat(<f32>high);
  const biases = i32x4.splat(bias);
  const wordStep: usize = layout ? 16 : 4;
  for (let row = begin; row < end; row++) {
    const scale = v128.load32_splat(scales + (<usize>row << 2));
    const step = v128.load64_splat(steps + (<usize>row << 3));
    let at = vectors + ((<usize>row * <usize>dim) << 2);
    let out = codes + (layout
      ? (<usize>(row >> 2) * <usize>words) * 16 + (<usize>(row & 3) << 2)
      : (<usize>row * <usize>words) << 2);
    let lost01 = f64x2.splat(0), lost23 = f64x2.splat(0);
    let squares = i32x4.splat(0), sum = i32x4.splat(0);
    for (let j = 0; j < words << 2; j += 4) {
      const left = dim - j;
      const real = left >= 4;
      const x = real ? v128.load(at) : loadFew(at, left);
      const s = real ? v128.load(shift + (<usize>j << 2)) : loadFew(shift + (<usize>j << 2), left);
      const scaled = f32x4.mul(f32x4.sub(x, s), scale);
      const code = f32x4.nearest(f32x4.max(lows, f32x4.min(highs, scaled)));
      const c = i32x4.trunc_sat_f32x4_s(code);
      const e01 = f64x2.sub(f64x2.promote_low_f32x4(x), f64x2.add(f64x2.promote_low_f32x4(s), f64x2.mul(f64x2.convert_low_i32x4_s(c), step)));
      const x23 = f64x2.promote_low_f32x4(upper(x));
      const e23 = f64x2.sub(x23, f64x2.add(f64x2.promote_low_f32x4(upper(s)), f64x2.mul(f64x2.convert_low_i32x4_s(upper(c)), step)));
      lost01 = f64x2.add(lost01, f64x2.mul(e01, e01));
      lost23 = f64x2.add(lost23, f64x2.mul(e23, e23));
      squares = i32x4.add(squares, i32x4.mul(c, c));
      sum = i32x4.add(sum, c);
      const wide = i16x8.narrow_i32x4_s(i32x4.add(c, biases), biases);
      v128.store32_lane(out, i8x16.narrow_i16x8_s(wide, wide), 0);
      at += 16;
      out += wordStep;
    }
    store<i32>(sums + (<usize>row << 3), lanes(squares));
    store<i32>(sums + (<usize>row << 3), lanes(sum), 4);
    const pairs = f64x2.add(lost01, lost23);
    store<f64>(errors + (<usize>row << 3), sqrt<f64>(f64x2.extract_lane(pairs, 0) + f64x2.extract_lane(pairs, 1)));
  }
}

/** The last `left` < 4 floats of a row, then zeros: the row's end may be the memory's. */
// @ts-ignore: decorator
@inline
export function loadFew(at: usize, left: i32): v128 {
  let x = f32x4.splat(0);
  if (left > 0) x = f32x4.replace_lane(x, 0, load<f32>(at));
  if (left > 1) x = f32x4.replace_lane(x, 1, load<f32>(at, 4));
  if (left > 2) x = f32x4.replace_lane(x, 2, load<f32>(at, 8));
  return x;
}

// @ts-ignore: decorator
@inline
export function upper(x: v128): v128 {
  return v128.shuffle<f32>(x, x, 2, 3, 0, 1);
}

// @ts-ignore: decorator
@inline
function lanes(x: v128): i32 {
  return i32x4.extract_lane(x, 0) + i32x4.extract_lane(x, 1) + i32x4.extract_lane(x, 2) + i32x4.extract_lane(x, 3);
}
