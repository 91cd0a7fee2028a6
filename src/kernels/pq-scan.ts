import { ceilDiv } from '../util/math.ts';
import { pqScanTwin } from './cpu/pq-scan.ts';
import { FORMS } from './graph.ts';
import { defineKernel, reads, splitGrid, writes } from './kernel.ts';
import { BLOCK_ROWS } from './panels.ts';

const WORKGROUP = 128;

/**
 * Integer keys of a batch of queries against a range of rows coded by a product quantiser (forms pq8 and pq4, graph.ts):
 * the sum of the table entries that the codes name. Shapes: shaders/pq-scan.wgsl.
 */
export const pqScan = defineKernel({
  name: 'pq-scan',
  bindings: {
    tables: reads('u32'),
    codes: reads('i8'),
    mask: reads('u32'),
    keys: writes('i32'),
  },
  params: ['nq', 'form', 'stride', 'tableWords', 'first', 'count'],
  items: ({ count }) => ceilDiv(count, BLOCK_ROWS),
  terms: ({ nq, form, stride, count }) => nq * count * (form === FORMS.pq4 ? 2 * stride : stride),
  plan({ nq, count }, limits) {
    return { constants: { WORKGROUP }, grid: splitGrid(ceilDiv(count, WORKGROUP), nq, limits) };
  },
  twin: pqScanTwin,
});
