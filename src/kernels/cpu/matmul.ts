const { fround } = Math;

/** Specification of the kernel `matmul`. */
export function matmulTwin(
  { a, b, c }: { a: Float32Array; b: Float32Array; c: Float32Array },
  { first, n, m, k }: Record<'first' | 'n' | 'm' | 'k', number>,
): void {
  for (let i = first; i < first + n; i++) {
    for (let j = 0; j < m; j++) c[i * m + j] = dotOfFour(a, i * k, b, j * k, k);
  }
}

function dotOfFour(a: Float32Array, atA: number, b: Float32Array, atB: number, k: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let x = 0; x < k; x += 4) {
    s0 = fround(s0 + fround(a[atA + x]! * b[atB + x]!));
    s1 = fround(s1 + fround(a[atA + x + 1]! * b[atB + x + 1]!));
    s2 = fround(s2 + fround(a[atA + x + 2]! * b[atB + x + 2]!));
    s3 = fround(s3 + fround(a[atA + x + 3]! * b[atB + x + 3]!));
  }
  return fround(fround(s0 + s1) + fround(s2 + s3));
}
