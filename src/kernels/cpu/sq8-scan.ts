import { BLOCK_ROWS, panelWord, passBlock } from '../panels.ts';

/** Key of a row that the mask leaves out: behind every real one. */
const MASKED_KEY = 0x7fffffff;

/** Specification of the kernel `sq8-scan`. */
export function sq8ScanTwin(
  { queries, codes, rowTerms, mask, keys }: Sq8ScanViews,
  { nq, words, weight, step, skip, first, blocks }: Record<'nq' | 'words' | 'weight' | 'step' | 'skip' | 'first' | 'blocks', number>,
): void {
  const width = blocks * BLOCK_ROWS;
  for (let i = 0; i < width; i++) {
    const row = passBlock(first + Math.floor(i / BLOCK_ROWS), step, skip) * BLOCK_ROWS + (i % BLOCK_ROWS);
    const live = (mask[row >>> 5]! >>> (row & 31)) & 1;
    for (let q = 0; q < nq; q++) {
      keys[q * width + i] = live ? rowTerms[row]! - weight * panelDot(queries, q, codes, row, words) : MASKED_KEY;
    }
  }
}

interface Sq8ScanViews {
  queries: Int8Array;
  codes: Int8Array;
  rowTerms: Int32Array;
  mask: Uint32Array;
  keys: Int32Array;
}

/** Σ over all dimensions of query · code; both in the panel layout. */
export function panelDot(queries: Int8Array, q: number, codes: Int8Array, row: number, words: number): number {
  let sum = 0;
  for (let word = 0; word < words; word++) {
    const a = panelWord(q, word, words) * 4;
    const b = panelWord(row, word, words) * 4;
    for (let byte = 0; byte < 4; byte++) sum += queries[a + byte]! * codes[b + byte]!;
  }
  return sum;
}
