import { graphGroupTwin } from './cpu/graph-group.ts';
import { defineKernel, reads, splitGrid, writes } from './kernel.ts';

const THREADS = 256;

/** Phases of the kernel, one dispatch each, in this order. */
export const GROUP_PHASES = { count: 0, place: 1, fill: 2, clear: 3 } as const;
/** Words of `groups` before its groups, and of each group. */
export const GROUP_HEAD = 2;
export const GROUP_WORDS = 4;

/** Groups the links that new nodes chose by where they lead, on a device. Shapes: shaders/graph-group.wgsl. */
export const graphGroup = defineKernel({
  name: 'graph-group',
  deviceOnly: true,
  bindings: { edges: reads('u32'), nodes: reads('u32'), sizes: writes('u32'), groups: writes('u32'), lists: writes('u32') },
  params: ['edges', 'most', 'phase'],
  items: ({ edges }) => edges,
  terms: ({ edges }) => edges,
  plan: ({ edges }, limits) => ({ constants: { THREADS }, grid: splitGrid(Math.ceil(edges / THREADS), 1, limits) }),
  twin: graphGroupTwin,
});
