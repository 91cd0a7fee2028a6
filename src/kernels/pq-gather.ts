import { ceilDiv } from '../util/math.ts';
import { pqGatherTwin } from './cpu/pq-gather.ts';
import { defineKernel, reads, splitGrid, writes } from './kernel.ts';

const WORKGROUP = 64;

/**
 * Keys of a batch of queries against per-query candidate lists, given as (query, row) pairs, by lookups: key = Σ of the table entries
 * that the row's codes name (cpu/pq-sum.ts; forms pq8 and pq4). Shapes: shaders/pq-gather.wgsl.
 */
export const pqGather = defineKernel({
  name: 'pq-gather',
  bindings: { tables: reads('i8'), codes: reads('i8'), pairs: reads('u32'), count: reads('u32'), keys: writes('i32') },
  params: ['words', 'form', 'capacity'],
  items: ({ capacity }) => capacity,
  // Lists are bounded by `capacity` and mostly far from full.
  terms: ({ words, capacity }) => (capacity * words * 4) / 16,
  plan({ capacity }, limits) {
    return { constants: { WORKGROUP }, grid: splitGrid(ceilDiv(capacity, WORKGROUP), 1, limits) };
  },
  twin: pqGatherTwin,
});
