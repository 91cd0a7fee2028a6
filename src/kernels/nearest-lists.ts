import { roundUp } from '../util/math.ts';
import { nearestListsTwin } from './cpu/nearest-lists.ts';
import { defineKernel, reads, scratches, writes } from './kernel.ts';

/** Queries that go against the same centroids together. */
const TOGETHER = 4;

/**
 * For each query the `keep` centroids with the smallest (key, number), key = terms − weight · (query · centroid), wrapping i32: which
 * lists a search probes. Layouts: pq.ts, with m = 1. Host only.
 *
 *   queries u32 [n, pairs]   centroids u32 [pairs, ksub]   terms i32 [ksub]
 *   keys i32 [n, keep]       ids u32 [n, keep], keep ≤ ksub
 *   scratch u32 [slots, slotWords]: a thread takes a slot while it works (`nearestListsScratchWords`); zeroed
 */
export const nearestLists = defineKernel({
  name: 'nearest-lists',
  bindings: {
    queries: reads('u32'),
    centroids: reads('u32'),
    terms: reads('i32'),
    keys: writes('i32'),
    ids: writes('u32'),
    scratch: scratches('u32'),
  },
  params: ['n', 'pairs', 'ksub', 'weight', 'keep', 'slots', 'slotWords'],
  items: ({ n }) => n,
  terms: ({ n, pairs, ksub }) => n * pairs * 2 * ksub,
  twin: nearestListsTwin,
});

/** Words of a slot: a lock, and what each of the queries that go together keeps. */
export function nearestListsScratchWords(keep: number): number {
  return (64 + TOGETHER * roundUp(8 * (keep + 1), 64)) / 4;
}
