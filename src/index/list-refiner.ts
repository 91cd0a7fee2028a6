import { allocAll, disposeAll } from '../host/alloc-all.ts';
import type { Block } from '../host/block.ts';
import type { HostEngine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { METRIC_CODES } from '../kernels/canonical-distances.ts';
import { fromOrderedBits } from '../kernels/cpu/graph-score.ts';
import { NONE } from '../kernels/graph.ts';
import { refineLists, refineScratchWords } from '../kernels/refine-lists.ts';
import { BestList } from './best-list.ts';
import { Candidates } from './candidates.ts';
import type { GraphState } from './graph-state.ts';
import type { GraphStore } from './graph-store.ts';
import type { Found } from './graph-walk.ts';
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

/** Takes query i's labels and distances, nearest first. */
export type TakeRefined = (i: number, labels: Int32Array, distances: Float32Array) => void;

/** How many of a beam's `ef` entries are refined when `k` are wanted: codes order rows nearly as vectors do (docs/performance.md). */
function refinedOf(ef: number, k: number): number {
  return Math.min(ef, Math.max(2 * k, 16, ef >> 3));
}

/** Canonical distances of what walks with a beam of `ef` found: of the `k` best, or, where k is undefined, of all. */
export class ListRefiner {
  private readonly task: Refinable;
  readonly ef: number;
  readonly k: number;
  /** Entries of a beam that are looked at. */
  readonly length: number;

  constructor(task: Refinable, ef: number, k: number | undefined) {
    this.task = task;
    this.ef = ef;
    this.k = k ?? ef;
    this.length = k === undefined ? ef : refinedOf(ef, k);
  }

  /** Refines what queries f32 [nq, dim] found. */
  async refine(queries: Float32Array, found: Found, take: TakeRefined): Promise<void> {
    const { graph, store } = this.task;
    if (graph.vectors || store.settings.codesOnly) await this.onHost(queries, found, take);
    else await this.fromDisk(queries, found, take);
  }

  /** In one dispatch, where the vectors, or the codes in their place, are in the host's memory. */
  private async onHost(rows: Float32Array, found: Found, take: TakeRefined): Promise<void> {
    const { engine, store, width } = this.task;
    const { host } = engine;
    const { dim } = store.codec!.plan;
    const nq = rows.length / dim;
    const slots = Math.min(nq, host.info.threads);
    const slotWords = refineScratchWords(width);
    const own = await allocAll(host, [
      ['f32', nq * width, 'search: queries'],
      ['u32', 2 * nq * this.k, 'search: best'],
      ['u32', slots * slotWords, 'search: scratch'],
    ]);
    const [queries, best, scratch] = own;
    writePadded(host.view(queries), rows, dim, width);
    const recording = new Recording();
    this.record(recording, found.ids, { queries, best, scratch }, nq, slots);
    let pairs: Uint32Array;
    try {
      await host.run(recording);
      pairs = host.view(best).slice();
    } finally {
      disposeAll(own);
    }
    for (let q = 0; q < nq; q++) takePairs(pairs.subarray(2 * q * this.k, 2 * (q + 1) * this.k), q, take);
  }

  /** Where the vectors, or the codes in their place, are in the host's memory: canonical distances of the lists `ids` as a dispatch. */
  record(
    recording: Recording,
    ids: Block<'u32'>,
    { queries, best, scratch }: { readonly queries: Block<'f32'>; readonly best: Block<'u32'>; readonly scratch: Block<'u32'> },
    nq: number,
    slots: number,
  ): void {
    const { graph, store, width } = this.task;
    const { dim, stride, grid } = store.codec!.plan;
    const rows = { vectors: graph.vectors ?? queries, codes: graph.codes, shift: store.codec!.shiftBlock, labels: graph.labels };
    const lists = { listStride: this.ef, listLength: this.length, k: this.k };
    const coded = { coded: graph.vectors ? 0 : 1, dim, stride, step: bitsOf(1 / (grid?.scale ?? 1)) };
    const params = {
      nq,
      width,
      metric: METRIC_CODES[store.settings.metric],
      ...lists,
      ...coded,
      slots,
      slotWords: refineScratchWords(width),
    };
    recording.dispatch(refineLists, { queries, ...rows, lists: ids, best, scratch }, params);
  }

  /** Through the rows as they are read from the file. */
  private async fromDisk(rows: Float32Array, found: Found, take: TakeRefined): Promise<void> {
    const { engine, store, snapshot, width } = this.task;
    const refiner = new Refiner(engine.host, snapshot.originals, store.settings.metric, width, rows);
    await refineBeams(refiner, engine.host.view(found.ids).slice(), this, snapshot, take);
  }
}

/** Refines the first `length` entries of beams, ids u32 [nq, ef] with NONE behind the last, and gives out the k best. */
export async function refineBeams(
  refiner: Refiner,
  ids: Uint32Array,
  { ef, length, k }: { readonly ef: number; readonly length: number; readonly k: number },
  { labels }: Snapshot,
  take: TakeRefined,
): Promise<void> {
  const candidates = new Candidates();
  const lists = Array.from({ length: ids.length / ef }, () => new BestList(k));
  for (const q of lists.keys()) {
    for (const id of ids.subarray(q * ef, q * ef + length)) if (id !== NONE) candidates.push(q, id);
  }
  await refiner.refine(candidates, (q, row, distance) => lists[q]!.push(distance, labels[row]!));
  for (const [q, list] of lists.entries()) {
    const best = { labels: new Int32Array(list.size), distances: new Float32Array(list.size) };
    list.writeTo(best.labels, best.distances, 0);
    take(q, best.labels, best.distances);
  }
}

/** Pairs of label and ordered bits, up to NONE. */
function takePairs(pairs: Uint32Array, q: number, take: TakeRefined): void {
  let n = pairs.length / 2;
  while (n > 0 && pairs[2 * n - 2] === NONE) n--;
  const labels = new Int32Array(n);
  const distances = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    labels[i] = pairs[2 * i]!;
    distances[i] = fromOrderedBits(pairs[2 * i + 1]! | 0);
  }
  take(q, labels, distances);
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
