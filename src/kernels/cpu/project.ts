const { fround } = Math;

/** Specification of the kernel `project`. */
export function projectTwin(
  {
    vectors,
    mean,
    basis,
    projected,
    norms,
  }: { vectors: Float32Array; mean: Float32Array; basis: Float32Array; projected: Float32Array; norms: Float64Array },
  { n, dim, p }: Record<'n' | 'dim' | 'p', number>,
): void {
  const width = Math.ceil(dim / 4) * 4;
  const centred = new Float32Array(width);
  for (let row = 0; row < n; row++) {
    for (let j = 0; j < dim; j++) centred[j] = vectors[row * dim + j]! - mean[j]!;
    const out = projected.subarray(row * (p + 4), (row + 1) * (p + 4));
    for (let c = 0; c < p; c++) out[c] = dotOfFour(centred, basis.subarray(c * width, (c + 1) * width));
    const whole = squaredNorm(centred);
    const kept = squaredNorm(out.subarray(0, p));
    out[p] = Math.sqrt(Math.max(0, whole - kept));
    out.fill(0, p + 1);
    norms[2 * row] = whole;
    norms[2 * row + 1] = kept;
  }
}

function dotOfFour(a: Float32Array, b: Float32Array): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let j = 0; j < a.length; j += 4) {
    s0 = fround(s0 + fround(a[j]! * b[j]!));
    s1 = fround(s1 + fround(a[j + 1]! * b[j + 1]!));
    s2 = fround(s2 + fround(a[j + 2]! * b[j + 2]!));
    s3 = fround(s3 + fround(a[j + 3]! * b[j + 3]!));
  }
  return fround(fround(s0 + s2) + fround(s1 + s3));
}

function squaredNorm(a: Float32Array): number {
  const sums = [0, 0, 0, 0];
  for (let j = 0; j < a.length; j++) sums[j & 3]! += a[j]! * a[j]!;
  return sums[0]! + sums[2]! + (sums[1]! + sums[3]!);
}
