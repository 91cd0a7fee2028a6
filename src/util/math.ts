/** ⌈a / b⌉ for non-negative integers. */
export function ceilDiv(a: number, b: number): number {
  return Math.floor((a + b - 1) / b);
}

/** The smallest multiple of `step` that is ≥ `value`. */
export function roundUp(value: number, step: number): number {
  return ceilDiv(value, step) * step;
}

const floatBits = new Float32Array(1);
const wordBits = new Uint32Array(floatBits.buffer);

/** The bit pattern of an f32, as a u32: how a float travels in a kernel's integer parameters. */
export function bitsOfFloat(value: number): number {
  floatBits[0] = value;
  return wordBits[0]!;
}

/** The f32 whose bit pattern is `bits`. */
export function floatOfBits(bits: number): number {
  wordBits[0] = bits;
  return floatBits[0]!;
}

/** Rounds to the nearest integer, ties to even, as WASM's `f32x4.nearest` does. Exact for |x| < 2^51. */
export function roundTiesToEven(x: number): number {
  const big = 6755399441055744; // 1.5 · 2^52: adding it leaves no fraction bits
  return x + big - big;
}
