// Four directions at a time: the centred row is computed once for four dot products.
export function project(
  vectors: usize, mean: usize, basis: usize, projected: usize, norms: usize,
  n: i32, dim: i32, p: i32,
  begin: i32, end: i32,
): void {
  const width = (dim + 3) & ~3;
  const widthBytes = <usize>width << 2;
  for (let row = begin; row < end; row++) {
    const x = vectors + ((<usize>row * <usize>dim) << 2);
    const out = projected + (<usize>row * <usize>(p + 4) << 2);
    let keptA = f64x2.splat(0), keptB = f64x2.splat(0);
    for (let c = 0; c < p; c += 4) {
      const y = fourDots(x, mean, basis + <usize>c * widthBytes, widthBytes, dim);
      v128.store(out + (<usize>c << 2), y);
      const y01 = f64x2.promote_low_f32x4(y);
      const y23 = f64x2.promote_low_f32x4(v128.shuffle<f32>(y, y, 2, 3, 0, 1));
      keptA = f64x2.add(keptA, f64x2.mul(y01, y01));
      keptB = f64x2.add(keptB, f64x2.mul(y23, y23));
    }
    let wholeA = f64x2.splat(0), wholeB = f64x2.splat(0);
    for (let j = 0; j < dim; j += 4) {
      const t = centred(x, mean, j, dim);
      const t01 = f64x2.promote_low_f32x4(t);
      const t23 = f64x2.promote_low_f32x4(v128.shuffle<f32>(t, t, 2, 3, 0, 1));
      wholeA = f64x2.add(wholeA, f64x2.mul(t01, t01));
      wholeB = f64x2.add(wholeB, f64x2.mul(t23, t23));
    }
    const whole = sumOf(wholeA, wholeB);
    const kept = sumOf(keptA, keptB);
    store<f32>(out + (<usize>p << 2), <f32>sqrt<f64>(max<f64>(0, whole - kept)));
    store<f32>(out + (<usize>p << 2), 0, 4);
    store<f32>(out + (<usize>p << 2), 0, 8);
    store<f32>(out + (<usize>p << 2), 0, 12);
    store<f64>(norms + (<usize>row << 4), whole);
    store<f64>(norms + (<usize>row << 4), kept, 8);
  }
}

// @ts-ignore: decorator
@inline
function sumOf(a: v128, b: v128): f64 {
  const pairs = f64x2.add(a, b);
  return f64x2.extract_lane(pairs, 0) + f64x2.extract_lane(pairs, 1);
}

/** x[j … j+3] − mean, zeros past dim (the mean is padded with zeros). */
// @ts-ignore: decorator
@inline
function centred(x: usize, mean: usize, j: i32, dim: i32): v128 {
  const at = x + (<usize>j << 2);
  const left = dim - j;
  if (left >= 4) return f32x4.sub(v128.load(at), v128.load(mean + (<usize>j << 2)));
  let t = f32x4.splat(0);
  t = f32x4.replace_lane(t, 0, load<f32>(at));
  if (left > 1) t = f32x4.replace_lane(t, 1, load<f32>(at, 4));
  if (left > 2) t = f32x4.replace_lane(t, 2, load<f32>(at, 8));
  return f32x4.sub(t, v128.load(mean + (<usize>j << 2)));
}

// @ts-ignore: decorator
@inline
function fourDots(x: usize, mean: usize, basis: usize, widthBytes: usize, dim: i32): v128 {
  let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
  for (let j = 0; j < dim; j += 4) {
    const t = centred(x, mean, j, dim);
    const at = basis + (<usize>j << 2);
    s0 = f32x4.add(s0, f32x4.mul(t, v128.load(at)));
    s1 = f32x4.add(s1, f32x4.mul(t, v128.load(at + widthBytes)));
    s2 = f32x4.add(s2, f32x4.mul(t, v128.load(at + 2 * widthBytes)));
    s3 = f32x4.add(s3, f32x4.mul(t, v128.load(at + 3 * widthBytes)));
  }
  // (0+2)+(1+3) of each sum, four sums at once after a 4 × 4 transposition
  const a = f32x4.add(v128.shuffle<f32>(s0, s1, 0, 1, 4, 5), v128.shuffle<f32>(s0, s1, 2, 3, 6, 7));
  const b = f32x4.add(v128.shuffle<f32>(s2, s3, 0, 1, 4, 5), v128.shuffle<f32>(s2, s3, 2, 3, 6, 7));
  return f32x4.add(v128.shuffle<f32>(a, b, 0, 2, 4, 6), v128.shuffle<f32>(a, b, 1, 3, 5, 7));
}
