import { ceilDiv } from '../util/math.ts';
import { sq8FilterTwin } from './cpu/sq8-filter.ts';
import { defineKernel, reads, splitGrid, writes } from './kernel.ts';
import { BLOCK_ROWS } from './panels.ts';
import { matrixExperiment } from './sq8-filter-matrices.ts';

/** Which bound the epilogue tests: squared L2 over codes, or inner products. */
export const FORM_L2 = 0;
export const FORM_IP = 1;

/** Slacks and thresholds saturate here; a row whose slack is saturated is never dropped. */
export const SATURATED = 65535;

/**
 * The tiled scan with the threshold epilogue: appends every (query, row) whose certified lower bound does not pass the
 * query's threshold. Shapes and the two tests: shaders/sq8-filter.wgsl; their proof: docs/identity.md.
 */
export const sq8Filter = defineKernel({
  name: 'sq8-filter',
  bindings: {
    queries: reads('i8'),
    codes: reads('i8'),
    rowTerms: reads('i32'),
    slacks: reads('u32'),
    mask: reads('u32'),
    bounds: reads('u32'),
    pairs: writes('u32'),
    count: writes('u32'),
  },
  params: ['nq', 'words', 'form', 'step', 'skip', 'first', 'blocks', 'capacity'],
  items: ({ blocks }) => blocks,
  terms: ({ nq, words, blocks }) => nq * blocks * BLOCK_ROWS * words * 4,
  plan({ nq, blocks }, limits) {
    // Four queries by eight rows to a thread; few queries leave room for more blocks in one workgroup.
    const QUERY_PANELS = Math.min(16, 2 ** Math.ceil(Math.log2(ceilDiv(nq, 4))));
    const threads = Math.min(256, limits.maxComputeInvocationsPerWorkgroup);
    const BLOCKS = Math.max(1, Math.min(4, Math.floor(threads / (8 * QUERY_PANELS))));
    return {
      constants: { QUERY_PANELS, BLOCKS },
      grid: splitGrid(ceilDiv(blocks, BLOCKS), ceilDiv(nq, 4 * QUERY_PANELS), limits),
    };
  },
  experiment: matrixExperiment,
  twin: sq8FilterTwin,
});
