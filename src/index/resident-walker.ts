/**
 * Walks with the whole way on a device: the kernel graph-beam, one query a workgroup. The host sends queries and reads what was found,
 * once for as many as the device can bind.
 */
import { allocAll, disposeAll } from '../host/alloc-all.ts';
import { rangeOf } from '../host/block.ts';
import type { Engine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { beamCapacityOf, graphBeam, spills, visitedPlaces } from '../kernels/graph-beam.ts';
import { BYTES } from '../kernels/kernel.ts';
import type { DeviceGraph, DeviceGraphs } from './device-graph.ts';
import { type Found, type GraphView, openFound, type Walk, type Walker } from './graph-walk.ts';

/** Milliseconds that one dispatch should take: systems stop those that take seconds. */
const DISPATCH_MS = 250;

export class ResidentWalker implements Walker {
  private readonly engine: Engine;
  private readonly graphs: DeviceGraphs;

  constructor(engine: Engine, graphs: DeviceGraphs) {
    this.engine = engine;
    this.graphs = graphs;
  }

  async walk(view: GraphView, walk: Walk): Promise<Found> {
    const { host } = this.engine;
    const found = await openFound(host, walk.nq, walk.ef);
    try {
      await this.graphs.use(this.engine, view, walk.signal, async (graph) => {
        if (walk.admitted) this.engine.write(graph.tables, host.view(walk.admitted), graph.admittedAt);
        const most = this.mostQueries(view, walk);
        for (let first = 0; first < walk.nq; first += most) {
          const n = Math.min(most, walk.nq - first);
          this.keep(await this.onDevice(graph, view, walk, first, n), walk.ef, first, found);
          walk.signal?.throwIfAborted();
        }
      });
      return found;
    } catch (error) {
      found[Symbol.dispose]();
      throw error;
    }
  }

  /** Queries whose codes, results and beams fit into what a kernel can bind. */
  private mostQueries({ plan }: GraphView, walk: Walk): number {
    const bytes = Math.max(plan.stride, BYTES.u32 * wordsOf(walk.ef), BYTES.u32 * spillOf(walk));
    return Math.max(1, Math.floor(this.engine.maxBlockBytes / bytes));
  }

  /** What queries [first, first + n) find: u32 [n, wordsOf(ef)]. */
  private async onDevice(graph: DeviceGraph, view: GraphView, walk: Walk, first: number, n: number): Promise<Uint32Array> {
    const { engine } = this;
    const { plan, degree } = view;
    const { ef } = walk;
    const size = Math.min(n, graph.pace.queriesIn(DISPATCH_MS, ef));
    const own = await allocAll(engine, [
      ['i8', n * plan.stride, 'walk: queries'],
      ['u32', n * wordsOf(ef), 'walk: found'],
      ['u32', Math.max(1, size * spillOf(walk)), 'walk: beams'],
    ]);
    try {
      const [queries, found, spill] = own;
      engine.write(queries, engine.host.view(walk.queries).subarray(first * plan.stride, (first + n) * plan.stride));
      const [codesA, codesB] = graph.codes;
      const [linksA, linksB] = graph.links;
      const blocks = { queries, codesA, codesB, linksA, linksB, tables: graph.tables, found, spill };
      const shape = { n: view.count, quads: plan.stride / 16, form: plan.form, degree, ...graph.places };
      const capacity = capacityOf(walk);
      const course = { ef, capacity, level: walk.level, filtered: walk.admitted ? 1 : 0, visited: visitedPlaces(capacity, degree) };
      const entry = { entry: view.entry, entryLevel: view.entryLevel };
      const recording = new Recording();
      for (let at = 0; at < n; at += size) {
        recording.dispatch(graphBeam, blocks, { nq: Math.min(size, n - at), first: at, ...shape, ...course, ...entry });
      }
      const started = performance.now();
      await engine.run(recording);
      const [words] = await engine.read([rangeOf(found)]);
      graph.pace.note(n, ef, performance.now() - started);
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
    const width = wordsOf(ef);
    for (let i = 0, q = first; i < words.length; i += width, q++) {
      keyWords.set(words.subarray(i, i + ef), q * ef);
      ids.set(words.subarray(i + ef, i + 2 * ef), q * ef);
      stats.set(words.subarray(i + 2 * ef, i + width), 2 * q);
    }
  }
}

function capacityOf({ ef, admitted }: Walk): number {
  return beamCapacityOf(ef, admitted !== undefined);
}

/** u32s of a query's results. */
function wordsOf(ef: number): number {
  return 2 * ef + 2;
}

/** u32s of a query's beam, where it does not fit into a workgroup. */
function spillOf(walk: Walk): number {
  const capacity = capacityOf(walk);
  return spills(capacity) ? 2 * capacity : 0;
}
