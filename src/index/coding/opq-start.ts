/** Where optimised product quantisation starts: principal directions, dealt out to subspaces (Ge, He, Ke, Sun, TPAMI 2014, section 3.2). */
import type { PqShape } from './product-quantizer.ts';

/** Halvings of the interval in which the water level lies. */
const LEVEL_STEPS = 60;

/**
 * Principal directions, the strongest first, each to the subspace whose variances so far have the smallest product and that has
 * room: f32 [shape.dim, dim]. Variances count as multiples of what gets no bits, so that the many faint directions do not hide how
 * the few strong ones are shared out.
 */
export function dealtOut(values: Float64Array, vectors: Float64Array, dim: number, { dim: dimOut, M, nBits }: PqShape): Float32Array {
  const dsub = dimOut / M;
  const floor = waterLevel(values, M * nBits);
  const products = Array.from({ length: M }, () => ({ mantissa: 1, exponent: 0, used: 0 }));
  const rotation = new Float32Array(dimOut * dim);
  for (let i = 0; i < dimOut; i++) {
    let best = -1;
    for (let s = 0; s < M; s++) {
      if (products[s]!.used < dsub && (best < 0 || isSmaller(products[s]!, products[best]!))) best = s;
    }
    const chosen = products[best]!;
    const row = best * dsub + chosen.used++;
    rotation.set(vectors.subarray(i * dim, (i + 1) * dim), row * dim);
    multiply(chosen, Math.max(values[i]!, floor) / floor);
  }
  return rotation;
}

/**
 * The variance below which a direction gets no bits, if `bits` are shared out so that the least is lost (reverse water-filling:
 * Cover, Thomas, Elements of Information Theory, 10.3.3): ∏ max(1, λ / level) = 4^bits.
 */
function waterLevel(values: Float64Array, bits: number): number {
  let low = Math.max(values[0]! * 2 ** -40, 2 ** -1000);
  let high = Math.max(values[0]!, 2 * low);
  for (let step = 0; step < LEVEL_STEPS; step++) {
    const level = (low + high) / 2;
    const product: Product = { mantissa: 1, exponent: 0 };
    for (const value of values) if (value > level) multiply(product, value / level);
    if (product.exponent < 2 * bits) high = level;
    else low = level;
  }
  return high;
}

/** Products would leave the range of f64, so they are kept as mantissa · 2^exponent, 1 ≤ mantissa < 2. */
interface Product {
  mantissa: number;
  exponent: number;
}

/** By a factor of at least 1. */
function multiply(product: Product, by: number): void {
  product.mantissa *= by;
  for (; product.mantissa >= 2; product.exponent++) product.mantissa /= 2;
}

function isSmaller(a: Product, b: Product): boolean {
  return a.exponent < b.exponent || (a.exponent === b.exponent && a.mantissa < b.mantissa);
}
