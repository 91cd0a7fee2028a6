/**
 * Walks with the whole way on a device: the kernel graph-beam, one query a workgroup. The host sends queries and reads what was found,
 * once for as many as the device can bind.
 */
import { allocAll, disposeAll } from '../host/alloc-all.ts';
import { type Block, rangeOf } from '../host/block.ts';
import type { Engine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { beamCapacityOf, foundWords, graphBeam, spills, visitedPlaces } from '../kernels/graph-beam.ts';
import { BYTES } from '../kernels/kernel.ts';
import { runInFlight } from '../util/tasks.ts';
import type { DeviceGraph, DeviceGraphs } from './device-graph.ts';
import { type Found, type GraphView, type Heads, openFound, type Sought, type Walk, type Walker } from './graph-walk.ts';
import { recordNarrowing } from './narrowing.ts';

/** Milliseconds that one dispatch should take: systems stop those that take seconds. */
const DISPATCH_MS = 250;
/** Parts of a walk under way at once: the device goes on with one while the other is read. */
const IN_FLIGHT = 2;

export class ResidentWalker implements Walker {
  private readonly engine: Engine;
  private readonly graphs: DeviceGraphs;

  constructor(engine: Engine, graphs: DeviceGraphs) {
    this.engine = engine;
    this.graphs = graphs;
  }

  async walk(view: GraphView, walk: Walk): Promise<Found> {
    const found = await openFound(this.engine.host, walk.nq, walk.ef);
    return this.filled(found, view, walk, undefined, (words, first) => this.keep(words, walk.ef, first, found));
  }

  async search(view: GraphView, walk: Walk, sought: Sought): Promise<Heads> {
    const { host } = this.engine;
    const { length } = sought;
    const stride = listWords(length);
    const ids = await host.alloc('u32', walk.nq * stride, 'graph: lists');
    const heads = { ids, stride, length, stats: ids, statsAt: length, statsStride: stride, [Symbol.dispose]: () => ids[Symbol.dispose]() };
    return this.filled(heads, view, walk, sought, (words, first) => host.view(ids).set(words, first * stride));
  }

  /** Walks part by part, and has `keep` take what the queries from the `first` on found. */
  private async filled<T extends Disposable>(
    out: T,
    view: GraphView,
    walk: Walk,
    sought: Sought | undefined,
    keep: (words: Uint32Array, first: number) => void,
  ): Promise<T> {
    try {
      await this.graphs.hold(this.engine, view, (graph) => runInFlight(IN_FLIGHT, this.parts(graph, view, walk, sought, keep)));
      return out;
    } catch (error) {
      out[Symbol.dispose]();
      throw error;
    }
  }

  private *parts(
    graph: DeviceGraph,
    view: GraphView,
    walk: Walk,
    sought: Sought | undefined,
    keep: (words: Uint32Array, first: number) => void,
  ): Generator<() => Promise<void>> {
    const most = queriesThatFit(this.engine, view, walk);
    for (let first = 0; first < walk.nq; first += most) {
      yield async () => {
        keep(await this.onDevice(graph, view, walk, sought, first, Math.min(most, walk.nq - first)), first);
        walk.signal?.throwIfAborted();
      };
    }
  }

  /** What queries [first, first + n) find: u32 [n, foundWords(ef)], or lists u32 [n, listWords(length)]. */
  private async onDevice(
    graph: DeviceGraph,
    view: GraphView,
    walk: Walk,
    sought: Sought | undefined,
    first: number,
    n: number,
  ): Promise<Uint32Array> {
    const { engine } = this;
    const { stride } = view.plan;
    const own = await allocAll(engine, [
      ['i8', n * stride, 'walk: queries'],
      ['u32', n * foundWords(walk.ef), 'walk: found'],
      ['u32', beamWords(graph, walk, n), 'walk: beams'],
      ['i8', sought?.limbs ? n * stride : 0, 'walk: limbs'],
      ['u32', sought ? n * listWords(sought.length) : 0, 'walk: lists'],
    ]);
    try {
      const [queries, found, spill, limbsOfQueries, lists] = own;
      const queryLimbs = sought?.limbs ? limbsOfQueries : queries;
      const part = (block: Block<'i8'>) => engine.host.view(block).subarray(first * stride, (first + n) * stride);
      engine.write(queries, part(walk.queries));
      if (sought?.limbs) engine.write(queryLimbs, part(sought.limbs));
      let begun = 0; // once the device has all of the graph
      await graph.inTurn(view, walk.signal, async () => {
        const limbs = sought?.limbs && (await graph.limbsOf(view, walk.signal));
        begun = performance.now();
        if (walk.admitted) engine.write(graph.tables, engine.host.view(walk.admitted), graph.admittedAt);
        const recording = new Recording();
        recordBeams(recording, graph, view, walk, { queries, found, spill }, n);
        if (sought) recordNarrowing(recording, graph, view, walk.ef, sought, limbs, { queries, queryLimbs, found, lists }, n);
        await engine.run(recording);
      });
      const [words] = await engine.read([rangeOf(sought ? lists : found)]);
      graph.pace.noteDone(n, walk.ef, begun, performance.now());
      return words;
    } finally {
      disposeAll(own);
    }
  }

  /** Puts what queries found from the `first` on where walks have it. */
  private keep(words: Uint32Array, ef: number, first: number, found: Found): void {
    const { host } = this.engine;
    const [keys, ids, stats] = [host.view(found.keys), host.view(found.ids), host.view(found.stats)];
    const keyWords = new Uint32Array(keys.buffer, keys.byteOffset, keys.length);
    const width = foundWords(ef);
    for (let i = 0, q = first; i < words.length; i += width, q++) {
      keyWords.set(words.subarray(i, i + ef), q * ef);
      ids.set(words.subarray(i + ef, i + 2 * ef), q * ef);
      stats.set(words.subarray(i + 2 * ef, i + width), 2 * q);
    }
  }
}

/** Queries whose codes, results and beams fit into what a kernel can bind. */
export function queriesThatFit({ maxBlockBytes }: Engine, { plan }: GraphView, walk: Pick<Walk, 'ef' | 'admitted'>): number {
  const bytes = Math.max(plan.stride, BYTES.u32 * foundWords(walk.ef), BYTES.u32 * spillOf(walk));
  return Math.max(1, Math.floor(maxBlockBytes / bytes));
}

/** What a walk on a device reads, and where it writes. */
interface BeamBlocks {
  /** i8 [n, stride] */
  readonly queries: Block<'i8'>;
  /** u32 [n, foundWords(ef)] */
  readonly found: Block<'u32'>;
  /** u32 [beamWords] */
  readonly spill: Block<'u32'>;
}

/** A walk for n queries, as dispatches that should take DISPATCH_MS each. */
export function recordBeams(
  recording: Recording,
  graph: DeviceGraph,
  view: GraphView,
  walk: Omit<Walk, 'queries' | 'nq'>,
  { queries, found, spill }: BeamBlocks,
  n: number,
): void {
  const { plan, degree, entry, entryLevel } = view;
  const { ef, level, admitted } = walk;
  const blocks = { queries, ...graph.blocks, found, spill };
  const capacity = capacityOf(walk);
  const shape = { n: view.count, quads: plan.stride / 16, form: plan.form, degree, ...graph.places };
  const course = { entry, entryLevel, level, ef, capacity, filtered: admitted ? 1 : 0, visited: visitedPlaces(capacity, degree) };
  // What was learned since the beams got their room may ask for more than fit into it.
  const own = spillOf(walk);
  const size = Math.min(dispatchSize(graph, ef, n), own > 0 ? Math.floor(spill.length / own) : n);
  for (let first = 0; first < n; first += size) {
    recording.dispatch(graphBeam, blocks, { nq: Math.min(size, n - first), first, ...shape, ...course });
  }
}

/** u32s of the beams of one dispatch of a walk for n queries, where they do not fit into workgroups; never 0. */
export function beamWords(graph: DeviceGraph, walk: Pick<Walk, 'ef' | 'admitted'>, n: number): number {
  return Math.max(1, dispatchSize(graph, walk.ef, n) * spillOf(walk));
}

/** Queries of a dispatch that should take DISPATCH_MS. */
export function dispatchSize({ pace }: DeviceGraph, ef: number, n: number): number {
  return Math.min(n, pace.queriesIn(DISPATCH_MS, ef));
}

function capacityOf({ ef, admitted }: Pick<Walk, 'ef' | 'admitted'>): number {
  return beamCapacityOf(ef, admitted !== undefined);
}

/** u32s of a query's list. */
function listWords(length: number): number {
  return length + 2;
}

/** u32s of a query's beam, where it does not fit into a workgroup. */
function spillOf(walk: Pick<Walk, 'ef' | 'admitted'>): number {
  const capacity = capacityOf(walk);
  return spills(capacity) ? 2 * capacity : 0;
}
