import type { Block } from '../host/block.ts';
import type { Recording } from '../host/recording.ts';
import { LANES } from '../kernels/canonical-distances.ts';
import { graphNarrow } from '../kernels/graph-narrow.ts';
import { roundUp } from '../util/math.ts';
import { narrowRoom } from './bounds.ts';
import type { DeviceGraph } from './device-graph.ts';
import type { DeviceLimbs } from './device-limbs.ts';
import type { GraphView, Sought } from './graph-walk.ts';

/** What narrowing reads of n queries and of what they found, and where it writes. */
interface NarrowBlocks {
  /** i8 [n, stride] */
  readonly queries: Block<'i8'>;
  /** The same; any block where there are no limbs. */
  readonly queryLimbs: Block<'i8'>;
  /** u32 [n, 2 ef + 2], as graph-beam leaves it */
  readonly found: Block<'u32'>;
  /** u32 [n, length + 2] */
  readonly lists: Block<'u32'>;
}

/** Lists of what n queries found, without what limbs rule out; where there are none, whole. */
export function recordNarrowing(
  recording: Recording,
  graph: DeviceGraph,
  { plan }: GraphView,
  ef: number,
  { length, k }: Sought,
  limbs: DeviceLimbs | undefined,
  blocks: NarrowBlocks,
  n: number,
): void {
  const [codesA, codesB] = graph.codes.blocks;
  const [limbsA, limbsB] = limbs?.rows.blocks ?? graph.codes.blocks;
  const shape = { nq: n, quads: plan.stride / 16, form: plan.form, split: graph.places.split, ef, length };
  const room = narrowRoom(plan.metric, roundUp(plan.dim, LANES), plan.grid?.scale ?? 1);
  recording.dispatch(graphNarrow, { ...blocks, codesA, codesB, limbsA, limbsB }, { ...shape, k: limbs ? k : length, ...room });
}
