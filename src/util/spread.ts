/** At most `most` of the rows [n, dim], evenly spaced. */
export function spread<T extends Float32Array | Uint32Array>(rows: T, dim: number, most: number): T {
  const n = rows.length / dim;
  if (n <= most) return rows;
  const out = new (rows.constructor as new (length: number) => T)(most * dim);
  for (let i = 0; i < most; i++) {
    const row = Math.floor((i * n) / most);
    out.set(rows.subarray(row * dim, (row + 1) * dim), i * dim);
  }
  return out;
}
