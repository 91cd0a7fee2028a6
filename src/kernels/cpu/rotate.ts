import { pairDot } from '../pq.ts';

/** Specification of the kernel `rotate`. */
export function rotateTwin(
  { rows, matrix, rotated }: { rows: Uint32Array; matrix: Uint32Array; rotated: Int32Array },
  { n, dout, words }: Record<'n' | 'dout' | 'words', number>,
): void {
  for (let i = 0; i < n; i++) {
    for (let o = 0; o < dout; o++) rotated[i * dout + o] = pairDot(rows, i * words, matrix, o * words, words);
  }
}
