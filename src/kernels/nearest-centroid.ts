import { ceilDiv } from '../util/math.ts';
import { nearestCentroidTwin } from './cpu/nearest-centroid.ts';
import { defineKernel, reads, splitGrid, writes } from './kernel.ts';

/** Rows of a workgroup, all against one subquantiser. */
const WORKGROUP = 64;

/**
 * For each row and subquantiser the centroid with the smallest terms − weight · (row · centroid); of equal ones the
 * first. Assigns rows in training (m = 1 for lists), and encodes them; which list a row joins is found by nearest-lists.
 * Shapes: shaders/nearest-centroid.wgsl; layouts: pq.ts.
 */
export const nearestCentroid = defineKernel({
  name: 'nearest-centroid',
  bindings: { rows: reads('u32'), centroids: reads('u32'), terms: reads('i32'), nearest: writes('u32') },
  params: ['n', 'm', 'pairs', 'ksub', 'weight'],
  items: ({ n }) => n,
  terms: ({ n, m, pairs, ksub }) => n * m * pairs * 2 * ksub,
  plan({ n, m }, limits) {
    const y = Math.min(m, limits.maxComputeWorkgroupsPerDimension);
    return { constants: { WORKGROUP }, grid: splitGrid(ceilDiv(n, WORKGROUP), y, limits) };
  },
  twin: nearestCentroidTwin,
});
