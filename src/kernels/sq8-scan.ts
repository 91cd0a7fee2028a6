import { ceilDiv } from '../util/math.ts';
import { sq8ScanTwin } from './cpu/sq8-scan.ts';
import { defineKernel, reads, splitGrid, writes } from './kernel.ts';
import { BLOCK_ROWS } from './panels.ts';

/**
 * Integer keys of a batch of queries against a range of rows: key = rowTerms[row] − weight · Σ query · code.
 * Shapes, and what the key means for each metric: shaders/sq8-scan.wgsl.
 */
export const sq8Scan = defineKernel({
  name: 'sq8-scan',
  bindings: {
    queries: reads('i8'),
    codes: reads('i8'),
    rowTerms: reads('i32'),
    mask: reads('u32'),
    keys: writes('i32'),
  },
  params: ['nq', 'words', 'weight', 'step', 'skip', 'first', 'blocks'],
  items: ({ blocks }) => blocks,
  terms: ({ nq, words, blocks }) => nq * blocks * BLOCK_ROWS * words * 4,
  plan({ nq, blocks }, limits) {
    return { constants: { QUERIES: nq === 1 ? 1 : 4 }, grid: splitGrid(blocks, ceilDiv(nq, 16), limits) };
  },
  twin: sq8ScanTwin,
});
