import { NONE } from './graph-links';
import { termOf } from './graph-score';
import { isAdmitted, termAt } from './list-rows';
import { pqSum, pqSumOfHalves } from './pq-sum';

const PQ8: i32 = 5;
const NO_KEY: i32 = 0x7fffffff;
/** Bytes of a job: first position, first key, term of the probe, shift of row terms. */
const JOB: usize = 16;

export function probeScan(
  queries: usize, codes: usize, rowTerms: usize, rows: usize, mask: usize, jobs: usize, keys: usize, ids: usize,
  nq: i32, nprobe: i32, form: i32, stride: i32, queryWords: i32, withTerms: i32, m: i32,
  begin: i32, end: i32,
): void {
  const bytes = <usize>stride;
  for (let q = <usize>begin; q < <usize>end; q++) {
    const query = queries + ((q * <usize>queryWords) << 2);
    const outKeys = keys + ((q * <usize>m) << 2);
    const outIds = ids + ((q * <usize>m) << 2);
    let job = jobs + q * <usize>(nprobe + 1) * JOB;
    let at = load<i32>(job, 4);
    for (let p = 0; p < nprobe; p++, job += JOB) {
      let position = load<u32>(job);
      const term = load<i32>(job, 8);
      const shift = withTerms ? load<i32>(job, 12) : -1;
      for (const stop = load<i32>(job + JOB, 4); at < stop; at++, position++) {
        let id = load<u32>(rows + (<usize>position << 2));
        let key = NO_KEY;
        if (isAdmitted(mask, id)) {
          const row = codes + <usize>position * bytes;
          key = term + termAt(rowTerms, position, shift) + score(query, codes, row, bytes, form, position);
        } else id = NONE;
        store<i32>(outKeys + (<usize>at << 2), key);
        store<u32>(outIds + (<usize>at << 2), id);
      }
    }
    for (; at < m; at++) {
      store<i32>(outKeys + (<usize>at << 2), NO_KEY);
      store<u32>(outIds + (<usize>at << 2), NONE);
    }
  }
}

// @ts-ignore: decorator
@inline
function score(query: usize, codes: usize, row: usize, bytes: usize, form: i32, position: u32): i32 {
  if (form == PQ8) return pqSum(query, row, bytes);
  if (form > PQ8) return pqSumOfHalves(query, row, bytes);
  const product = rowDot(query, row, bytes);
  return form == 1 ? -product : termOf(codes, <i32>bytes, form, position) - 2 * product;
}

/** The term at the end of a row meets zeros; rows are multiples of 16 bytes. */
function rowDot(query: usize, row: usize, bytes: usize): i32 {
  let low = i32x4.splat(0), high = i32x4.splat(0);
  for (let j: usize = 0; j < bytes; j += 16) {
    low = i32x4.add(low, i32x4.dot_i16x8_s(v128.load8x8_s(query + j), v128.load8x8_s(row + j)));
    high = i32x4.add(high, i32x4.dot_i16x8_s(v128.load8x8_s(query + j, 8), v128.load8x8_s(row + j, 8)));
  }
  low = i32x4.add(low, high);
  return i32x4.extract_lane(low, 0) + i32x4.extract_lane(low, 1) + i32x4.extract_lane(low, 2) + i32x4.extract_lane(low, 3);
}
