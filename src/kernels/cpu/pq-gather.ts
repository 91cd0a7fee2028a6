import { queryStride } from '../graph.ts';
import { pqSum } from './pq-sum.ts';

interface PqGatherViews {
  tables: Int8Array;
  codes: Int8Array;
  pairs: Uint32Array;
  count: Uint32Array;
  keys: Int32Array;
}

/** Specification of the kernel `pq-gather`. */
export function pqGatherTwin(
  { tables, codes, pairs, count, keys }: PqGatherViews,
  { words, form, capacity }: Record<'words' | 'form' | 'capacity', number>,
): void {
  const stride = 4 * words;
  const entries = new DataView(tables.buffer, tables.byteOffset, tables.byteLength);
  const used = Math.min(count[0]!, capacity);
  for (let i = 0; i < used; i++)
    keys[i] = pqSum(entries, pairs[2 * i]! * queryStride(form, stride), codes, pairs[2 * i + 1]!, stride, form);
}
