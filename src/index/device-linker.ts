/**
 * Links new nodes where the graph lies on a device: a batch is searched for, prunes, is grouped by what it chose and linked back, all
 * in dispatches that follow one another; the host sends who is new and waits until all is done. Only when the last batch is linked do
 * the links come to the host, so an index keeps its old state whatever happens before.
 */
import { type Block, rangeOf } from '../host/block.ts';
import type { Engine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { foundWords } from '../kernels/graph-beam.ts';
import { GROUP_HEAD, GROUP_PHASES, GROUP_WORDS, graphGroup } from '../kernels/graph-group.ts';
import { graphPrune } from '../kernels/graph-prune.ts';
import type { Dtype } from '../kernels/kernel.ts';
import { DeviceGraph, type DeviceGraphs } from './device-graph.ts';
import type { GraphView } from './graph-walk.ts';
import { type Linker, type LinkJob, putQueries } from './linker.ts';
import { beamWords, dispatchSize, queriesThatFit, recordBeams } from './resident-walker.ts';

/** Pages of links that are read at a time. */
const PIECE_PAGES = 1024;

export class DeviceLinker implements Linker {
  private readonly engine: Engine;
  private readonly graphs: DeviceGraphs;
  private readonly graph: DeviceGraph;
  private readonly job: LinkJob;
  private readonly rooms: Rooms;
  /** The graph as it was linked last: what `finish` reads of. */
  private view: GraphView;

  private constructor(engine: Engine, graphs: DeviceGraphs, graph: DeviceGraph, view: GraphView, job: LinkJob) {
    this.engine = engine;
    this.graphs = graphs;
    this.graph = graph;
    this.view = view;
    this.job = job;
    this.rooms = new Rooms(engine);
  }

  /** Sends the graph: one of its own, so that searches meanwhile have the state that they ask for. `graphs` takes it over at the end. */
  static async open(engine: Engine, graphs: DeviceGraphs, view: GraphView, job: LinkJob): Promise<DeviceLinker> {
    const graph = await DeviceGraph.open(engine, view);
    try {
      await graph.update(view, job.signal);
      return new DeviceLinker(engine, graphs, graph, view, job);
    } catch (error) {
      graph.release();
      throw error;
    }
  }

  async link(view: GraphView, nodes: Uint32Array, level: number): Promise<void> {
    this.view = view;
    const { engine, graph, rooms, job } = this;
    const { M: most, efConstruction: ef, signal } = job;
    const started = performance.now();
    const edges = nodes.length * most;
    const own = {
      nodes: await rooms.get('u32', 'nodes', nodes.length),
      edges: await rooms.get('u32', 'edges', 2 * edges),
      sizes: await rooms.get('u32', 'sizes', view.count),
      groups: await rooms.get('u32', 'groups', GROUP_HEAD + GROUP_WORDS * Math.min(edges, view.count)),
      lists: await rooms.get('u32', 'lists', 2 * edges),
    };
    engine.write(own.nodes, nodes);
    engine.write(own.groups, new Uint32Array(GROUP_HEAD));
    const part = queriesThatFit(engine, view, { ef });
    for (let first = 0; first < nodes.length; first += part) {
      await this.choose(nodes.subarray(first, first + part), first, level, own);
      signal?.throwIfAborted();
    }
    const { groups, lists } = own;
    const recording = new Recording();
    for (const phase of Object.values(GROUP_PHASES)) recording.dispatch(graphGroup, own, { edges, most, phase });
    const back = { first: 0, back: 1, level, most: level === 0 ? view.degree : most };
    this.prune(recording, { lists, groups, edges: own.edges }, back, Math.min(edges, view.count));
    await engine.run(recording);
    await engine.read([rangeOf(groups, 0, 1)]); // so that a cancelled build ends soon, and what waits stays little
    graph.pace.note(nodes.length, ef, performance.now() - started);
  }

  async finish(): Promise<void> {
    const { graph, job, engine, view } = this;
    const { writer, signal } = job;
    const { basePages, stamps } = writer;
    for (let first = 0; first < stamps.length; ) {
      const end = Math.min(first + PIECE_PAGES, first < basePages ? basePages : stamps.length);
      await writer.putPages(first, await graph.readPages(basePages, first, end), view.count);
      signal?.throwIfAborted();
      first = end;
    }
    graph.isAs(writer);
    this.graphs.offer(engine, graph);
  }

  [Symbol.dispose](): void {
    this.rooms[Symbol.dispose]();
    this.graph.release();
  }

  /** What nodes of a batch, from number `first` on, are linked to: into their rows, and into `edges`. */
  private async choose(nodes: Uint32Array, first: number, level: number, own: Chosen): Promise<void> {
    const { engine, graph, rooms, view } = this;
    const { M: most, efConstruction: ef } = this.job;
    const n = nodes.length;
    const queries = await rooms.get('i8', 'queries', n * view.plan.stride);
    const found = await rooms.get('u32', 'found', n * foundWords(ef));
    const spill = await rooms.get('u32', 'beams', beamWords(graph, { ef }, n));
    const codes = new Int8Array(n * view.plan.stride);
    putQueries(codes, engine.host, view, nodes);
    engine.write(queries, codes);
    const recording = new Recording();
    recordBeams(recording, graph, view, { level, ef }, { queries, found, spill }, n);
    this.prune(recording, { lists: found, groups: own.nodes, edges: own.edges }, { first, back: 0, level, most }, n);
    await engine.run(recording);
  }

  /** Prunes so many rows, in dispatches of as many as would be walked for in one: none takes longer. */
  private prune(recording: Recording, own: PruneBlocks, params: PruneParams, items: number): void {
    const { graph, job } = this;
    const size = dispatchSize(graph, job.efConstruction, items);
    const [blocks, shape] = [
      { ...graph.blocks, ...own },
      { ...this.shape, ...params },
    ];
    for (let skip = 0; skip < items; skip += size) {
      recording.dispatch(graphPrune, blocks, { ...shape, items: Math.min(size, items - skip), skip });
    }
  }

  private get shape() {
    const { plan, degree } = this.view;
    const { split, linkSplit, upperBase } = this.graph.places;
    return { quads: plan.stride / 16, form: plan.form, degree, split, linkSplit, upperBase, ef: this.job.efConstruction };
  }
}

type PruneBlocks = Readonly<Record<'lists' | 'groups' | 'edges', Block<'u32'>>>;
type PruneParams = Readonly<Record<'first' | 'back' | 'level' | 'most', number>>;

/** What a batch chose. */
interface Chosen {
  readonly nodes: Block<'u32'>;
  readonly edges: Block<'u32'>;
}

/** Blocks by name, made anew where they have become too small: batches grow with the graph. Those that are made are zero. */
class Rooms implements Disposable {
  private readonly engine: Engine;
  private readonly blocks = new Map<string, Block>();

  constructor(engine: Engine) {
    this.engine = engine;
  }

  async get<D extends Dtype>(dtype: D, name: string, length: number): Promise<Block<D>> {
    const known = this.blocks.get(name);
    if (known && known.length >= length) return known as Block<D>;
    known?.[Symbol.dispose]();
    this.blocks.delete(name);
    const made = await this.engine.alloc(dtype, length, `build: ${name}`);
    this.blocks.set(name, made);
    return made;
  }

  [Symbol.dispose](): void {
    for (const block of this.blocks.values()) block[Symbol.dispose]();
  }
}
