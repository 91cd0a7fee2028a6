import type { Engine } from '../host/engine.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { blocksUnder } from './block-originals.ts';
import { EngineWalker } from './engine-walker.ts';
import { admit } from './filter.ts';
import { blocksOf } from './graph-pages.ts';
import { nearestInGraph, withinInGraph } from './graph-queries.ts';
import type { GraphState } from './graph-state.ts';
import { GraphStore } from './graph-store.ts';
import { checkEf, describeHnsw, type HnswConfig } from './hnsw-config.ts';
import { writeHnsw } from './hnsw-file.ts';
import type { HnswContent } from './hnsw-read.ts';
import { type HnswTask, hnswQueries, searchedView } from './hnsw-search.ts';
import { RangeCollector } from './range-collector.ts';
import { type Circumstances, RowIndex } from './row-index.ts';
import { compacted, emptySnapshot, type Snapshot } from './rows.ts';
import { SingleQueries } from './single-query.ts';
import { States } from './states.ts';
import type { Neighbors, RangeNeighbors, RangeSearchOptions, SearchOptions, Settings } from './vector-index.ts';

interface HnswState {
  readonly snapshot: Snapshot;
  readonly store: GraphStore;
  /** Undefined until rows were added. */
  readonly graph: GraphState | undefined;
}

/** An empty graph index, before any row. */
export function emptyHnsw(engine: Engine, settings: Settings, config: HnswConfig): HnswContent {
  const store = new GraphStore(engine.host, { ...settings, ...config });
  return { config, store, snapshot: emptySnapshot(store.newOriginals()), graph: undefined };
}

/** What a state holds on the host engine. */
function everythingOf({ snapshot, store, graph }: HnswState): Disposable[] {
  return [store, ...(graph ? blocksOf(graph.pages) : []), ...blocksUnder(snapshot.originals)];
}

/**
 * Hierarchical navigable small worlds (Malkov, Yashunin, TPAMI 2020): approximate search over a graph that is the same, bit
 * for bit, on every engine. Removed rows are never returned; their nodes still carry searches until `compact`.
 */
export class HnswIndex extends RowIndex {
  readonly description: string;
  readonly config: HnswConfig;
  protected readonly addReports = 'commit';
  private readonly states: States<HnswState>;
  /** On a host; a device answers single queries as it answers many. */
  private readonly singles: SingleQueries | undefined;

  constructor(engine: Engine, { config, store, snapshot, graph }: HnswContent, circumstances?: Circumstances) {
    super(engine, { ...store.settings, snapshot }, circumstances);
    this.config = config;
    this.description = describeHnsw(config);
    this.states = new States<HnswState>({ snapshot, store, graph });
    this.singles = engine.kind === 'gpu' ? undefined : new SingleQueries(engine.host);
  }

  /** Bytes held by vectors, labels, codes, links, and by what else nodes need. */
  override get memory() {
    const { store, graph } = this.states.current;
    const links = graph ? graph.pages.arena.block.length * 4 : 0;
    const nodes = store.memory.nodes + (graph ? graph.pages.table.byteLength * 2 : 0);
    return { ...super.memory, codes: store.memory.codes, links, nodes };
  }

  /** Sends the codes to the device, where searches use one. */
  async prepare(options: TaskOptions = {}): Promise<void> {
    this.checkOpen();
    const { state, release } = this.states.acquire();
    try {
      const { graph } = state;
      if (graph) await this.whileOpen(this.walkerOver(state.store).prepare(searchedView({ ...state, graph }), options.signal));
    } finally {
      release();
    }
  }

  async compact(options: TaskOptions = {}): Promise<void> {
    await this.write(async () => {
      const { snapshot, store } = this.states.current;
      if (snapshot.liveCount === snapshot.count) return;
      const fresh = new GraphStore(store.host, store.settings);
      const originals = fresh.newOriginals();
      try {
        // Codes in place of vectors keep their grid: coding what they say gives the same codes again.
        if (store.codec && store.settings.codesOnly && snapshot.liveCount > 0) await fresh.use(store.codec.plan);
        const next = await compacted(snapshot, originals);
        const built = next.count > 0 ? await fresh.extend(next, undefined, this.walkerOver(fresh), this.whileOpenToo(options)) : undefined;
        this.replace({ snapshot: next, store: fresh, graph: built?.graph }, everythingOf(this.states.current));
      } catch (error) {
        for (const thing of [fresh, ...blocksUnder(originals)]) thing[Symbol.dispose]();
        throw error;
      }
    });
  }

  protected async nearest(queries: Float32Array, k: number, options: SearchOptions): Promise<Neighbors> {
    using reading = this.read(queries, options);
    const single = await this.singles?.nearest(reading.task, k, options.stats === true);
    if (single) return { ...single, engine: this.engine.host.kind };
    const walker = this.walkerOver(reading.task.store);
    const answer = await nearestInGraph(hnswQueries(reading.task), k, options.stats === true, walker);
    return { ...answer, engine: walker.answered.kind };
  }

  protected async within(queries: Float32Array, radius: number, options: RangeSearchOptions): Promise<RangeNeighbors> {
    using reading = this.read(queries, options);
    const collector = new RangeCollector(queries.length / this.dim, radius, options.maxResults);
    const walker = this.walkerOver(reading.task.store);
    await withinInGraph(hnswQueries(reading.task), radius, collector, walker);
    return { ...collector.results(), engine: walker.answered.kind, distancesOf: this.config.codesOnly ? 'codes' : 'vectors' };
  }

  protected async commit(next: Snapshot, options: TaskOptions): Promise<void> {
    const { graph: from, store } = this.states.current;
    if (next.count === (from?.count ?? 0)) return this.replace({ snapshot: next, store, graph: from }, []);
    if (from && (await store.outgrownBy(next, from.count))) return this.retrain(next, options);
    const { graph, garbage } = await store.extend(next, from, this.walkerOver(store), this.whileOpenToo(options));
    this.replace({ snapshot: next, store, graph }, garbage);
  }

  /** Makes a state the current one with a codec that is trained on all its rows, and so with a graph built anew. */
  private async retrain(next: Snapshot, options: TaskOptions): Promise<void> {
    const { store, graph: from } = this.states.current;
    const fresh = new GraphStore(store.host, store.settings);
    try {
      const { graph, garbage } = await fresh.extend(next, undefined, this.walkerOver(fresh), this.whileOpenToo(options));
      this.replace({ snapshot: next, store: fresh, graph }, [store, ...blocksOf(from!.pages), ...garbage]);
    } catch (error) {
      fresh[Symbol.dispose]();
      throw error;
    }
  }

  protected pieces(options: TaskOptions): AsyncIterable<Uint8Array> & Disposable {
    const { state, release } = this.states.acquire();
    return RowIndex.disposable(writeHnsw(this.config, state.store, state.snapshot, state.graph, options), release);
  }

  /** Searches and a writer under way finish first: memory that they still read must not become somebody else's. */
  protected release(): void {
    void this.idle().then(() => {
      this.singles?.close();
      const { current } = this.states;
      const store = new GraphStore(current.store.host, current.store.settings);
      this.states.replace({ snapshot: emptySnapshot(store.newOriginals()), store, graph: undefined }, everythingOf(current));
    });
  }

  private replace(next: HnswState, garbage: readonly Disposable[]): void {
    this.singles?.close();
    this.states.replace(next, garbage);
    this.swap(next.snapshot);
  }

  private walkerOver(store: GraphStore): EngineWalker {
    return new EngineWalker(this.engine, store.device);
  }

  /** The current state as a search takes it, held until it is disposed of. */
  private read(queries: Float32Array, options: SearchOptions | RangeSearchOptions): { readonly task: HnswTask } & Disposable {
    const { engine, metric, width } = this;
    const efSearch = options.efSearch === undefined ? this.config.efSearch : checkEf(options.efSearch, 'efSearch');
    const { state, release } = this.states.acquire();
    try {
      const admission = admit(state.snapshot, options.filter);
      return { task: { ...state, engine, admission, metric, width, queries, options, efSearch }, [Symbol.dispose]: release };
    } catch (error) {
      release();
      throw error;
    }
  }
}
