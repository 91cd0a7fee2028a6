/** At most `most` of the rows f32 [n, dim], evenly spaced. */
export function spread(rows: Float32Array, dim: number, most: number): Float32Array {
  const n = rows.length / dim;
  if (n <= most) return rows;
  const out = new Float32Array(most * dim);
  for (let i = 0; i < most; i++) {
    const row = Math.floor((i * n) / most);
    out.set(rows.subarray(row * dim, (row + 1) * dim), i * dim);
  }
  return out;
}
