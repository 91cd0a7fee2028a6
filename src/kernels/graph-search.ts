import { graphSearchTwin } from './cpu/graph-search.ts';
import { isPq } from './graph.ts';
import { defineKernel, reads, scratches, writes } from './kernel.ts';

/** Distances that a search computes for each entry of its beam, by and large: what cost models count with. */
const DISTANCES_PER_ENTRY = 16;
/** A lookup takes as long as so many multiply-adds, which SIMD does side by side. */
const TERMS_OF_LOOKUP = 6;

/**
 * Beam search over one level of a graph, one whole query an item: HNSW's search (Malkov, Yashunin, TPAMI 2020, alg. 2 and 5)
 * on integer keys. From `entry` it steps greedily down the levels above `level`, then keeps a beam on it (cpu/beam.ts)
 * and returns the `ef` nearest nodes that may be returned, by (key, id). Layouts: graph.ts. Host only.
 *
 *   queries  i8  [nq, queryStride], the last four bytes 0 in SQ8 forms; in PQ forms tables u16 [m, ksub], of which no sum
 *                passes 65535
 *   admitted u32 [⌈n / 32⌉]: which nodes may be returned; looked at only where `filtered` is 1
 *   keys     i32 [nq, ef]   ids u32 [nq, ef], NONE behind the last
 *   stats    u32 [nq, 2]: nodes whose links were followed, and keys computed (the latter is no part of the identity)
 *   scratch  u32 [slots, slotWords]: a thread takes a slot while it works; zeroed
 */
export const graphSearch = defineKernel({
  name: 'graph-search',
  bindings: {
    queries: reads('i8'),
    codes: reads('i8'),
    links: reads('u32'),
    pages: reads('u32'),
    upperRows: reads('u32'),
    admitted: reads('u32'),
    keys: writes('i32'),
    ids: writes('u32'),
    stats: writes('u32'),
    scratch: scratches('u32'),
  },
  params: ['nq', 'n', 'stride', 'form', 'degree', 'basePages', 'entry', 'entryLevel', 'level', 'ef', 'filtered', 'slots', 'slotWords'],
  items: ({ nq }) => nq,
  terms: ({ nq, ef, degree, stride, form }) =>
    nq * (ef + 8) * Math.max(DISTANCES_PER_ENTRY, degree / 2) * stride * (isPq(form) ? TERMS_OF_LOOKUP : 1),
  twin: graphSearchTwin,
});
