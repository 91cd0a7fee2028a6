/**
 * One query at a time, on the calling thread: the same three kernels as for many (coding, walk, canonical distances), in blocks and with
 * a recording that are kept from one query to the next. What a query otherwise leaves for the garbage collector costs a tenth of its
 * time on average, and all of the time of one in a hundred.
 */
import { allocAll, disposeAll } from '../host/alloc-all.ts';
import type { Block } from '../host/block.ts';
import type { HostEngine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { isSq8 } from '../kernels/graph.ts';
import { graphSearch } from '../kernels/graph-search.ts';
import { refineScratchWords } from '../kernels/refine-lists.ts';
import type { GraphCodec } from './graph-codec.ts';
import { scansAll } from './graph-queries.ts';
import type { GraphState } from './graph-state.ts';
import { recordWalk, scratchWordsOf } from './graph-walk.ts';
import type { HnswTask } from './hnsw-search.ts';
import { lookedAt, recordRefining, writePadded } from './list-refiner.ts';
import type { Neighbors } from './vector-index.ts';

/** Terms of a walk that is worth a thread of its own: the caller should be able to do something else meanwhile. */
const MOST_TERMS = 2 ** 24;

/** Kept for the last state and way of searching that was asked for. */
export class SingleQueries {
  private readonly host: HostEngine;
  private prepared: Prepared | undefined;

  constructor(host: HostEngine) {
    this.host = host;
  }

  /**
   * The answer to one query, or undefined where this is not the way to it: several queries, rows that may not be returned, vectors on disk,
   * a beam so wide that the caller should not wait for it, an index so small that all rows are compared, or too few found.
   */
  async nearest(task: HnswTask, k: number, withStats: boolean): Promise<Omit<Neighbors, 'engine'> | undefined> {
    const { graph, queries, snapshot, admission, efSearch } = task;
    const wanted = Math.min(k, admission.count);
    const ef = Math.max(efSearch, wanted);
    const isOne = queries.length === snapshot.originals.dim;
    if (!isOne || !graph || admission.count !== snapshot.count || scansAll(task, ef)) return undefined;
    if (!this.prepared?.fits(graph, ef, wanted)) {
      if (!isFor(task, graph, ef)) return undefined;
      const prepared = await Prepared.open(this.host, { ...task, graph }, ef, wanted);
      this.close();
      this.prepared = prepared;
    }
    return this.prepared.answer(queries, k, withStats); // without waiting, lest another call takes its place
  }

  /** What is kept goes. */
  close(): void {
    this.prepared?.dispose();
    this.prepared = undefined;
  }
}

/** Whether a graph is walked in short time, and what it finds is compared in memory. */
function isFor({ store }: HnswTask, graph: GraphState, ef: number): boolean {
  const { plan, degree, count } = store.view(graph);
  const shape = { nq: 1, n: count, stride: plan.stride, form: plan.form, degree, basePages: 0, entry: 0, entryLevel: 0, level: 0 };
  const terms = graphSearch.terms({ ...shape, ef, filtered: 0, slots: 1, slotWords: 0 });
  return terms < MOST_TERMS && (graph.vectors !== undefined || store.settings.codesOnly);
}

/** Blocks of one query. */
interface Blocks {
  /** As the codec reads it; none where the graph is walked by canonical distances. */
  readonly coding: Awaited<ReturnType<GraphCodec['codingBlocks']>> | undefined;
  readonly codes: Block<'i8'>;
  readonly padded: Block<'f32'>;
  readonly stats: Block<'u32'>;
  readonly best: Block<'i32'>;
  readonly distances: Block<'f32'>;
}

/** One state, searched in one way. */
class Prepared {
  private readonly host: HostEngine;
  private readonly task: HnswTask & { readonly graph: GraphState };
  private readonly ef: number;
  private readonly wanted: number;
  private readonly blocks: Blocks;
  private readonly all: readonly Block[];
  private readonly recording: Recording;

  private constructor(
    host: HostEngine,
    task: HnswTask & { readonly graph: GraphState },
    { ef, wanted }: { readonly ef: number; readonly wanted: number },
    blocks: Blocks,
    all: readonly Block[],
    recording: Recording,
  ) {
    this.host = host;
    this.task = task;
    this.ef = ef;
    this.wanted = wanted;
    this.blocks = blocks;
    this.all = all;
    this.recording = recording;
  }

  static async open(host: HostEngine, task: HnswTask & { readonly graph: GraphState }, ef: number, wanted: number): Promise<Prepared> {
    const { store, graph, width } = task;
    const codec = store.codec!;
    const view = store.view(graph);
    const coding = isSq8(codec.plan.form) ? await codec.codingBlocks(1) : undefined;
    const own = await allocAll(host, [
      ['i8', codec.plan.stride, 'query: codes'],
      ['f32', width, 'query: padded'],
      ['i32', ef, 'query: keys'],
      ['u32', ef, 'query: ids'],
      ['u32', 2, 'query: stats'],
      ['i32', wanted, 'query: best'],
      ['f32', wanted, 'query: distances'],
      ['u32', scratchWordsOf(view, { ef }), 'query: scratch of the walk'],
      ['u32', refineScratchWords(width, wanted), 'query: scratch of distances'],
    ]);
    const [codes, padded, keys, ids, stats, best, distances, walkScratch, refineScratch] = own;
    const recording = new Recording();
    if (coding) codec.recordCoding(recording, coding, codes);
    recordWalk(recording, view, { nq: 1, queries: codes, level: 0, ef }, { keys, ids, stats }, walkScratch, 1);
    const lists = { ids, stride: ef, length: lookedAt(ef, wanted) };
    recordRefining(recording, task, lists, wanted, { queries: padded, best, distances, scratch: refineScratch }, 1);
    return new Prepared(
      host,
      task,
      { ef, wanted },
      { coding, codes, padded, stats, best, distances },
      [...(coding ?? []), ...own],
      recording,
    );
  }

  fits(graph: GraphState, ef: number, wanted: number): boolean {
    return graph === this.task.graph && ef === this.ef && wanted === this.wanted;
  }

  /** Undefined where it found fewer than are wanted. Nothing is waited for, so no other query comes between. */
  answer(query: Float32Array, k: number, withStats: boolean): Omit<Neighbors, 'engine'> | undefined {
    const { host, blocks, wanted, task } = this;
    const { codec, settings } = task.store;
    if (blocks.coding) {
      host.write(blocks.coding[0], query);
      codec!.setScales(blocks.coding, query, false);
    } else writePadded(floatsOf(host.view(blocks.codes)), query, query.length, task.width);
    writePadded(host.view(blocks.padded), query, query.length, task.width);
    host.runNow(this.recording);
    const best = host.view(blocks.best);
    if (best[wanted - 1]! < 0) return undefined;
    const labels = new Int32Array(k).fill(-1);
    const distances = new Float32Array(k).fill(Infinity);
    labels.set(best);
    distances.set(host.view(blocks.distances));
    const distancesOf = settings.codesOnly ? 'codes' : 'vectors';
    if (!withStats) return { k, labels, distances, distancesOf };
    const [hops, scored] = host.view(blocks.stats);
    return { k, labels, distances, distancesOf, stats: { hops: Uint32Array.of(hops!), distances: Uint32Array.of(scored!) } };
  }

  dispose(): void {
    disposeAll(this.all);
  }
}

function floatsOf(bytes: Int8Array): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
