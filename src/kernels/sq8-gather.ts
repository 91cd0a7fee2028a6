import { ceilDiv } from '../util/math.ts';
import { sq8GatherTwin } from './cpu/sq8-gather.ts';
import { defineKernel, reads, splitGrid, writes } from './kernel.ts';

const WORKGROUP = 64;

/**
 * Integer keys of a batch of queries against per-query candidate lists, given as (query, row) pairs:
 * key = rowTerms[row] − weight · Σ query · code. Shapes: shaders/sq8-gather.wgsl.
 */
export const sq8Gather = defineKernel({
  name: 'sq8-gather',
  bindings: {
    queries: reads('i8'),
    codes: reads('i8'),
    rowTerms: reads('i32'),
    pairs: reads('u32'),
    count: reads('u32'),
    keys: writes('i32'),
  },
  params: ['words', 'weight', 'capacity'],
  items: ({ capacity }) => capacity,
  // Lists are bounded by `capacity` and mostly far from full.
  terms: ({ words, capacity }) => (capacity * words * 4) / 16,
  plan({ capacity }, limits) {
    return { constants: { WORKGROUP }, grid: splitGrid(ceilDiv(capacity, WORKGROUP), 1, limits) };
  },
  twin: sq8GatherTwin,
});
