import { graphSelectTwin } from './cpu/graph-select.ts';
import { defineKernel, reads, scratches, writes } from './kernel.ts';

/**
 * Chooses the links of new nodes among what a search found: the heuristic of HNSW (alg. 4) without extendCandidates and
 * without keepPrunedConnections, as hnswlib has it. Candidates by (key, id), nearest first; one is taken unless a taken one
 * is nearer to it than the node is, or both are copies of the node. Host only; layouts in graph.ts.
 *
 *   nodes  u32 [m]   keys i32 [m, ef]   candidates u32 [m, ef], NONE behind the last: keys as graph-search gives them
 *   chosen u32 [m, most], NONE behind the last
 */
export const graphSelect = defineKernel({
  name: 'graph-select',
  bindings: {
    codes: reads('i8'),
    nodes: reads('u32'),
    keys: reads('i32'),
    candidates: reads('u32'),
    chosen: writes('u32'),
    scratch: scratches('u32'),
  },
  params: ['m', 'stride', 'form', 'ef', 'most', 'slots', 'slotWords'],
  items: ({ m }) => m,
  terms: ({ m, ef, most, stride }) => m * ef * (most / 2) * stride,
  twin: graphSelectTwin,
});
