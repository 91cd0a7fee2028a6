import { graphPruneTwin } from './cpu/graph-prune.ts';
import { defineKernel, reads, splitGrid, writes } from './kernel.ts';

const THREADS = 64;

/**
 * Link rows by the heuristic of HNSW where graph and candidates lie on a device: of new nodes among what `graph-beam` found, or, with
 * `back` 1, of those that `graph-group` says were chosen. Shapes: shaders/graph-prune.wgsl. No host runs it: there graph-select and
 * graph-join do the same.
 */
export const graphPrune = defineKernel({
  name: 'graph-prune',
  deviceOnly: true,
  bindings: {
    codesA: reads('i8'),
    codesB: reads('i8'),
    linksA: writes('u32'),
    linksB: writes('u32'),
    tables: reads('u32'),
    lists: writes('u32'),
    groups: reads('u32'),
    edges: writes('u32'),
  },
  params: ['items', 'skip', 'first', 'back', 'quads', 'form', 'degree', 'split', 'linkSplit', 'upperBase', 'level', 'ef', 'most'],
  items: ({ items }) => items,
  terms: ({ items, ef, most, quads }) => items * ef * (most / 2) * quads * 16,
  plan: ({ items }, limits) => ({ constants: { THREADS }, grid: splitGrid(items, 1, limits) }),
  twin: graphPruneTwin,
});
