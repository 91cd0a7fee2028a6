import { FORMS } from '../graph.ts';

/**
 * Σ of the table entries that the codes of a row name. `tables` holds u16 [m, ksub] from byte `table` on; a row is `stride`
 * bytes: in form pq8 a code each, with ksub 256; in form pq4 two, the first in the low half, with ksub 16.
 */
export function pqSum(tables: DataView, table: number, codes: Int8Array, row: number, stride: number, form: number): number {
  const entry = (m: number, ksub: number, code: number) => tables.getUint16(table + 2 * (m * ksub + code), true);
  let sum = 0;
  for (let i = 0; i < stride; i++) {
    const byte = codes[row * stride + i]! & 0xff;
    sum += form === FORMS.pq8 ? entry(i, 256, byte) : entry(2 * i, 16, byte & 15) + entry(2 * i + 1, 16, byte >> 4);
  }
  return sum;
}
