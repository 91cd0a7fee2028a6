/** What the tests of linear algebra measure with, in plain sums. */

/** A · Aᵀ for a [n, k]. */
export function gramOf(a: ArrayLike<number>, n: number, k: number): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) for (let x = 0; x < k; x++) out[i * n + j]! += a[i * k + x]! * a[j * k + x]!;
  }
  return out;
}

/** The largest |R Rᵀ − I| for r [n, k]. */
export function looseness(r: ArrayLike<number>, n: number, k: number): number {
  return gramOf(r, n, k).reduce((most, value, at) => Math.max(most, Math.abs(value - (at % (n + 1) === 0 ? 1 : 0))), 0);
}

export const largest = (values: ArrayLike<number>) => Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
