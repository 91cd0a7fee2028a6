import { pqSum, pqSumOfHalves } from './pq-sum';

const PQ8: i32 = 5;

export function pqGather(
  tables: usize, codes: usize, pairs: usize, count: usize, keys: usize,
  words: i32, form: i32, capacity: i32,
  begin: i32, end: i32,
): void {
  const stop = min(end, <i32>min<u32>(load<u32>(count), <u32>capacity));
  const stride = <usize>words << 2;
  const queryBytes = form == PQ8 ? stride << 9 : stride << 6;
  for (let i = begin; i < stop; i++) {
    const pair = pairs + (<usize>i << 3);
    const table = tables + <usize>load<u32>(pair) * queryBytes;
    const row = codes + <usize>load<u32>(pair, 4) * stride;
    store<i32>(keys + (<usize>i << 2), form == PQ8 ? pqSum(table, row, stride) : pqSumOfHalves(table, row, stride));
  }
}
