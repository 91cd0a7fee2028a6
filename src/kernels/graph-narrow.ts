import { graphNarrowTwin, MOST_NARROWED } from './cpu/graph-narrow.ts';
import { defineKernel, reads, splitGrid, writes } from './kernel.ts';

const THREADS = 64;
/** Entries that workgroups have room for at least: few sizes, so that few pipelines are compiled. */
const LEAST = 64;

/**
 * What of the beams that `graph-beam` found must be compared canonically: of the first `length` ids of each query those that two limbs
 * of codes cannot rule out of the `k` nearest, in their order. Where k is `length` or the list longer than MOST_NARROWED, all of them.
 * Shapes and tests: shaders/graph-narrow.wgsl; their proof: docs/identity.md, part 13. No host runs it: there lists are taken as they are.
 */
export const graphNarrow = defineKernel({
  name: 'graph-narrow',
  deviceOnly: true,
  bindings: {
    queries: reads('i8'),
    queryLimbs: reads('i8'),
    codesA: reads('i8'),
    codesB: reads('i8'),
    limbsA: reads('i8'),
    limbsB: reads('i8'),
    found: reads('u32'),
    lists: writes('u32'),
  },
  params: ['nq', 'quads', 'form', 'split', 'ef', 'length', 'k', 'room', 'more'],
  items: ({ nq }) => nq,
  terms: ({ nq, length, quads }) => nq * length * quads * 16 * 8,
  plan({ nq, length }, limits) {
    const MOST = length > MOST_NARROWED ? LEAST : 2 ** Math.ceil(Math.log2(Math.max(LEAST, length)));
    return { constants: { THREADS, MOST }, grid: splitGrid(nq, 1, limits) };
  },
  twin: graphNarrowTwin,
});
