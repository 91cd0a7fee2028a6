import { pqTablesTwin } from './cpu/pq-tables.ts';
import { defineKernel, reads, splitGrid, writes } from './kernel.ts';

/**
 * Tables of a product quantiser: for each query the scores of all centroids, less the least of each subquantiser and
 * shifted so far right that no sum over the subquantisers passes 65,535. ksub is 16 or 256, m ≤ 4,096.
 * Shapes: shaders/pq-tables.wgsl; layouts: pq.ts.
 */
export const pqTables = defineKernel({
  name: 'pq-tables',
  bindings: { queries: reads('u32'), centroids: reads('u32'), terms: reads('i32'), tables: writes('u32'), shifts: writes('u32') },
  params: ['nq', 'm', 'pairs', 'ksub', 'weight', 'leastShift'],
  items: ({ nq }) => nq,
  terms: ({ nq, m, pairs, ksub }) => nq * m * pairs * 2 * ksub,
  plan({ nq }, limits) {
    const WORKGROUP = Math.min(256, limits.maxComputeInvocationsPerWorkgroup);
    return { constants: { WORKGROUP }, grid: splitGrid(nq, 1, limits) };
  },
  twin: pqTablesTwin,
});
