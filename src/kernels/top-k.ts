import { ceilDiv } from '../util/math.ts';
import { topKTwin } from './cpu/top-k.ts';
import { defineKernel, reads, splitGrid, writes } from './kernel.ts';

/** The largest k of one selection on the device; beyond it the host selects. */
export const TOP_K_MOST = 256;

/** Keys that one selection looks at: at least four times k, so that each merge shrinks the lists fourfold. */
const SEGMENT = 1024;

/** Key of the filler of short lists, whose id is 0xffffffff: behind every real (key, id). */
export const NO_KEY = 0x7fffffff;

/** How many segments of SEGMENT keys `m` keys fall into. */
export function segmentsOf(m: number): number {
  return ceilDiv(m, SEGMENT);
}

/**
 * Partial top-k: from each segment of each query's keys the k smallest (key, id), in order. Running it again over its
 * own output merges; one segment left is the answer. Shapes: shaders/top-k.wgsl.
 */
export const topK = defineKernel({
  name: 'top-k',
  bindings: { keys: reads('i32'), ids: reads('u32'), topKeys: writes('i32'), topIds: writes('u32') },
  params: ['nq', 'm', 'k', 'implicit'],
  items: ({ nq, m }) => nq * segmentsOf(m),
  terms: ({ nq, m }) => nq * m * 4,
  plan({ nq, m }, limits) {
    const THREADS = Math.min(256, limits.maxComputeInvocationsPerWorkgroup);
    return { constants: { THREADS }, grid: splitGrid(nq * segmentsOf(m), 1, limits) };
  },
  twin: topKTwin,
});
