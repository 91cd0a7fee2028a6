import { BLOCK_ROWS, panelDots, passBlock } from './panels';

const MASKED_KEY: i32 = 0x7fffffff;

export function sq8Scan(
  queries: usize, codes: usize, rowTerms: usize, mask: usize, keys: usize,
  nq: i32, words: i32, weight: i32, step: i32, skip: i32, first: i32, blocks: i32,
  begin: i32, end: i32,
): void {
  const width = blocks * BLOCK_ROWS;
  const panelBytes = <usize>words << 4;
  const weights = i32x4.splat(weight);
  for (let i = begin; i < end; i++) {
    const firstRow = passBlock(first + i, step, skip) * BLOCK_ROWS;
    for (let p = 0; p < BLOCK_ROWS; p += 4) {
      const row = firstRow + p;
      const panel = codes + <usize>(row >> 2) * panelBytes;
      const terms = v128.load(rowTerms + (<usize>row << 2));
      const live = <i32>(load<u32>(mask + (<usize>(row >> 5) << 2)) >> (row & 31));
      // 4 mask bits → 4 lanes of all ones where live
      const bits = i32x4.eq(v128.and(i32x4.splat(live), i32x4(1, 2, 4, 8)), i32x4(1, 2, 4, 8));
      for (let q = 0; q < nq; q++) {
        const dots = panelDots(queries + <usize>(q >> 2) * panelBytes, q & 3, panel, words);
        const key = i32x4.sub(terms, i32x4.mul(weights, dots));
        const out = keys + ((<usize>q * <usize>width + <usize>(i * BLOCK_ROWS + p)) << 2);
        v128.store(out, v128.bitselect(key, i32x4.splat(MASKED_KEY), bits));
      }
    }
  }
}
