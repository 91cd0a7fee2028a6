/** Canonical distances of what walks found, and the best of it by (distance, label). */
import { allocAll, disposeAll } from '../host/alloc-all.ts';
import type { Block } from '../host/block.ts';
import type { HostEngine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { METRIC_CODES } from '../kernels/canonical-distances.ts';
import { NONE } from '../kernels/graph.ts';
import { refineLists, refineScratchWords } from '../kernels/refine-lists.ts';
import { BestList } from './best-list.ts';
import { Candidates } from './candidates.ts';
import type { GraphState } from './graph-state.ts';
import type { GraphStore } from './graph-store.ts';
import type { Lists } from './graph-walk.ts';
import { Refiner } from './refiner.ts';
import type { Snapshot } from './rows.ts';

/** What is refined of: the state of the call. */
interface Refinable {
  readonly engine: { readonly host: HostEngine };
  readonly store: GraphStore;
  readonly graph: GraphState;
  readonly snapshot: Snapshot;
  /** dim padded to the canonical lanes. */
  readonly width: number;
}

/** What queries found, nearest first: [nq, k], −1 and Infinity behind the last. */
export interface Refined {
  readonly k: number;
  readonly labels: Int32Array;
  readonly distances: Float32Array;
}

/** Takes what queries found, at once: it may lie in the engine's memory. */
export type TakeRefined = (refined: Refined) => void;

/**
 * How many of a beam's `ef` entries are compared canonically when `k` are wanted: codes order rows nearly as vectors do
 * (docs/performance.md). All, where k is undefined.
 */
export function lookedAt(ef: number, k: number | undefined): number {
  return k === undefined ? ef : Math.min(ef, Math.max(2 * k, 16, ef >> 3));
}

/** Gives out the `k` best of the lists of queries f32 [nq, dim]. */
export async function refineFound(task: Refinable, queries: Float32Array, lists: Lists, k: number, take: TakeRefined): Promise<void> {
  const { engine, store, graph, snapshot, width } = task;
  if (graph.vectors || store.settings.codesOnly) return refineOnHost(task, queries, lists, k, take);
  await refineBeams(new Refiner(engine.host, snapshot.originals, store.settings.metric, width, queries), lists, k, snapshot, take);
}

/** In one dispatch, where the vectors, or the codes in their place, are in the host's memory. */
async function refineOnHost(task: Refinable, rows: Float32Array, lists: Lists, k: number, take: TakeRefined): Promise<void> {
  const { engine, store, width } = task;
  const { host } = engine;
  const { dim } = store.codec!.plan;
  const nq = rows.length / dim;
  const slots = Math.min(nq, host.info.threads);
  const own = await allocAll(host, [
    ['f32', nq * width, 'search: queries'],
    ['i32', nq * k, 'search: best'],
    ['f32', nq * k, 'search: distances'],
    ['u32', slots * refineScratchWords(width, k), 'search: scratch'],
  ]);
  try {
    const [queries, best, distances, scratch] = own;
    writePadded(host.view(queries), rows, dim, width);
    const recording = new Recording();
    recordRefining(recording, task, lists, k, { queries, best, distances, scratch }, slots);
    await host.run(recording);
    take({ k, labels: host.view(best), distances: host.view(distances) });
  } finally {
    disposeAll(own);
  }
}

interface RefiningBlocks {
  /** f32 [nq, width] */
  readonly queries: Block<'f32'>;
  /** [nq, k] */
  readonly best: Block<'i32'>;
  readonly distances: Block<'f32'>;
  readonly scratch: Block<'u32'>;
}

/** The `k` best of lists as a dispatch, where the vectors, or the codes in their place, are in the host's memory. */
export function recordRefining(
  recording: Recording,
  { graph, store, width }: Omit<Refinable, 'engine' | 'snapshot'>,
  { ids, stride: listStride, length: listLength }: Lists,
  k: number,
  blocks: RefiningBlocks,
  slots: number,
): void {
  const { dim, stride, grid } = store.codec!.plan;
  const rows = { vectors: graph.vectors ?? blocks.queries, codes: graph.codes, shift: store.codec!.shiftBlock, labels: graph.labels };
  const coded = { coded: graph.vectors ? 0 : 1, dim, stride, step: bitsOf(1 / (grid?.scale ?? 1)) };
  const params = {
    nq: blocks.queries.length / width,
    width,
    metric: METRIC_CODES[store.settings.metric],
    ...{ listStride, listLength, k },
    ...coded,
    slots,
    slotWords: refineScratchWords(width, k),
  };
  recording.dispatch(refineLists, { ...blocks, ...rows, lists: ids }, params);
}

/** Gives out the `k` best of lists whose rows another refiner reads. */
export async function refineBeams(
  refiner: Refiner,
  { ids, stride, length }: Lists,
  k: number,
  { labels }: Snapshot,
  take: TakeRefined,
): Promise<void> {
  const candidates = new Candidates();
  const words = refiner.host.view(ids);
  const nq = words.length / stride;
  for (let q = 0; q < nq; q++) {
    for (let i = q * stride; i < q * stride + length && words[i] !== NONE; i++) candidates.push(q, words[i]!);
  }
  const best = Array.from({ length: nq }, () => new BestList(k));
  await refiner.refine(candidates, (q, row, distance) => best[q]!.push(distance, labels[row]!));
  const refined = { k, labels: new Int32Array(nq * k), distances: new Float32Array(nq * k) };
  for (const [q, list] of best.entries()) list.writeTo(refined.labels, refined.distances, q * k);
  take(refined);
}

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

function bitsOf(value: number): number {
  float[0] = value;
  return word[0]!;
}

/** Queries f32 [n, dim] as f32 [n, width]. */
export function writePadded(view: Float32Array, rows: Float32Array, dim: number, width: number): void {
  if (dim === width) view.set(rows);
  else for (let q = 0; q < rows.length / dim; q++) view.set(rows.subarray(q * dim, (q + 1) * dim), q * width);
}
