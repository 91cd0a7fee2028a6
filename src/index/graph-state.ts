import type { Block } from '../host/block.ts';
import type { LinkPages } from './graph-pages.ts';
import type { GraphView } from './graph-walk.ts';

/** A graph as one committed state; blocks are on the host engine. */
export interface GraphState {
  /** Nodes, which are the rows of the snapshot that it belongs to. */
  readonly count: number;
  /** The node where searches begin, on its level: the highest, the first inserted of those. Meaningless while count is 0. */
  readonly entry: number;
  readonly entryLevel: number;
  /** i8 [≥ count, stride] */
  readonly codes: Block<'i8'>;
  /** f32 [≥ count, width] where the vectors are in memory. */
  readonly vectors: Block<'f32'> | undefined;
  /** i32 [≥ count] */
  readonly labels: Block<'i32'>;
  /** u32 [≥ count]: a node's first upper link row, or NONE. */
  readonly upperRows: Block<'u32'>;
  /** Link rows above level 0. */
  readonly upperCount: number;
  readonly pages: LinkPages;
  /** Rows added since nodes out of reach were last looked for. */
  readonly sinceRepair: number;
}

/** A graph as kernels take it; `degree` is u32s in a link row. */
export function viewOf(
  { count, entry, entryLevel, codes, upperRows, pages }: Omit<GraphState, 'labels' | 'vectors'>,
  plan: GraphView['plan'],
  degree: number,
): GraphView {
  const { arena, block, basePages, table, stamps } = pages;
  const links = { links: arena.block, pages: block, basePages, table, stamps, upperRows };
  return { plan, degree, count, entry, entryLevel, codes, ...links };
}
