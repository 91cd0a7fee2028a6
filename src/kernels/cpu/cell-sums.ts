const CHUNK = 32;

/** Specification of the kernel `cell-sums`. */
export function cellSumsTwin(
  { rows, cells, sums }: { rows: Float32Array; cells: Uint32Array; sums: Float32Array },
  { n, chunks, m, M, ksub }: Record<'n' | 'chunks' | 'm' | 'M' | 'ksub', number>,
): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < chunks * CHUNK; j++) {
      for (let sub = 0; sub < M; sub++) {
        const cell = (Math.floor(j / CHUNK) * M + sub) * ksub + cells[i * m + sub]!;
        sums[cell * CHUNK + (j % CHUNK)]! += rows[i * chunks * CHUNK + j]!;
      }
    }
  }
}
