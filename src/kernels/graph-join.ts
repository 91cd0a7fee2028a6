import { graphJoinTwin } from './cpu/graph-join.ts';
import { defineKernel, reads, scratches, writes } from './kernel.ts';

/**
 * Links targets back to the nodes that chose them: the new link rows of a level. Where old and new links fit, the new ones
 * follow the old ones; else all of them are chosen from by graph-select's heuristic, sorted by (distance, id). Host only;
 * layouts in graph.ts.
 *
 *   targets u32 [t]   offsets u32 [t + 1]   sources u32 [offsets[t]]: who chose target i, ascending, none linked already
 *   joined  u32 [t, degree], NONE behind the last; at most `most` links
 */
export const graphJoin = defineKernel({
  name: 'graph-join',
  bindings: {
    codes: reads('i8'),
    links: reads('u32'),
    pages: reads('u32'),
    upperRows: reads('u32'),
    targets: reads('u32'),
    offsets: reads('u32'),
    sources: reads('u32'),
    joined: writes('u32'),
    scratch: scratches('u32'),
  },
  params: ['t', 'stride', 'form', 'degree', 'basePages', 'level', 'most', 'slots', 'slotWords'],
  items: ({ t }) => t,
  // Most rows have room; those that have not are pruned over again.
  terms: ({ t, most, stride }) => (t * most * most * stride) / 8,
  twin: graphJoinTwin,
});
