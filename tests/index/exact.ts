/**
 * Exact arithmetic on doubles: every finite f64 is an integer times 2^-1074, so sums, products and comparisons are those of
 * integers. Nothing here rounds but square roots, which say which way.
 */
const UNIT = 1074n;
const view = new DataView(new ArrayBuffer(8));

/** x · 2^1074 */
export function exact(x: number): bigint {
  if (!Number.isFinite(x)) throw new Error(`exact: ${x}`);
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = bits & 0xfffffffffffffn;
  const size = exponent === 0n ? fraction : (fraction | 0x10000000000000n) << (exponent - 1n);
  return bits >> 63n ? -size : size;
}

/** Σ a[j] · b[j], times 2^2148. */
export function exactDot(a: Float32Array, b: Float32Array): bigint {
  let sum = 0n;
  for (let j = 0; j < a.length; j++) if (a[j] !== 0 && b[j] !== 0) sum += exact(a[j]!) * exact(b[j]!);
  return sum;
}

/** Σ (a[j] − b[j])², times 2^2148. */
export function exactSquaredDistance(a: Float32Array, b: Float32Array): bigint {
  let sum = 0n;
  for (let j = 0; j < a.length; j++) {
    const difference = exact(a[j]!) - exact(b[j]!);
    sum += difference * difference;
  }
  return sum;
}

/** ⌊√x⌋: of a number times 2^2148, its root times 2^1074. */
export function rootDown(x: bigint): bigint {
  if (x < 2n) return x;
  let root = 1n << BigInt((x.toString(16).length * 4 + 1) >> 1);
  for (;;) {
    const next = (root + x / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

export function rootUp(x: bigint): bigint {
  const root = rootDown(x);
  return root * root === x ? root : root + 1n;
}

/** x · 2^2148 of a number times 2^1074, to compare with products. */
export function asProduct(x: bigint): bigint {
  return x << UNIT;
}
