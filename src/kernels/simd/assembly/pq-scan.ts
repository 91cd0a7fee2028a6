import { BLOCK_ROWS } from './panels';
import { pqSum, pqSumOfHalves } from './pq-sum';

const PQ8: i32 = 5;
const MASKED_KEY: i32 = 0x7fffffff;

// A block of rows against all queries before the next block; a query's table is the larger of the two, and stays in the
// second-level cache.
export function pqScan(
  tables: usize, codes: usize, mask: usize, keys: usize,
  nq: i32, form: i32, stride: i32, tableWords: i32, first: i32, count: i32,
  begin: i32, end: i32,
): void {
  const bytes = <usize>stride;
  for (let block = begin; block < end; block++) {
    const from = block * BLOCK_ROWS;
    const to = min(count, from + BLOCK_ROWS);
    for (let q = 0; q < nq; q++) {
      const table = tables + ((<usize>q * <usize>tableWords) << 2);
      const out = keys + ((<usize>q * <usize>count) << 2);
      for (let i = from; i < to; i++) {
        const row = first + i;
        let key = MASKED_KEY;
        if ((load<u32>(mask + (<usize>(row >> 5) << 2)) >> (row & 31)) & 1) {
          const at = codes + <usize>row * bytes;
          key = form == PQ8 ? pqSum(table, at, bytes) : pqSumOfHalves(table, at, bytes);
        }
        store<i32>(out + (<usize>i << 2), key);
      }
    }
  }
}
