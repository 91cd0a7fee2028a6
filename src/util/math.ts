/** ⌈a / b⌉ for non-negative integers. */
export function ceilDiv(a: number, b: number): number {
  return Math.floor((a + b - 1) / b);
}

/** The smallest multiple of `step` that is ≥ `value`. */
export function roundUp(value: number, step: number): number {
  return ceilDiv(value, step) * step;
}

/** Rounds to the nearest integer, ties to even, as WASM's `f32x4.nearest` does. Exact for |x| < 2^51. */
export function roundTiesToEven(x: number): number {
  const big = 6755399441055744; // 1.5 · 2^52: adding it leaves no fraction bits
  return x + big - big;
}
