import type { ParamsOf } from '../kernel.ts';
import { pqSum } from './pq-sum.ts';

/** Key of a row that the mask leaves out: behind every real one. */
const MASKED_KEY = 0x7fffffff;

interface PqScanViews {
  tables: Uint32Array;
  codes: Int8Array;
  mask: Uint32Array;
  keys: Int32Array;
}

/** Specification of the kernel `pq-scan`. */
export function pqScanTwin(
  { tables, codes, mask, keys }: PqScanViews,
  { nq, form, stride, tableWords, first, count }: ParamsOf<'nq' | 'form' | 'stride' | 'tableWords' | 'first' | 'count'>,
): void {
  const entries = new DataView(tables.buffer, tables.byteOffset, tables.byteLength);
  for (let i = 0; i < count; i++) {
    const row = first + i;
    const live = (mask[row >>> 5]! >>> (row & 31)) & 1;
    for (let q = 0; q < nq; q++) {
      keys[q * count + i] = live ? pqSum(entries, 4 * q * tableWords, codes, row, stride, form) : MASKED_KEY;
    }
  }
}
