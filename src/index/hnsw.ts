import type { Engine } from '../host/engine.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { admit } from './filter.ts';
import type { GraphState } from './graph-state.ts';
import { type GraphSettings, GraphStore } from './graph-store.ts';
import { HostWalker } from './graph-walk.ts';
import { searchHnsw } from './hnsw-search.ts';
import { RowIndex, type RowState } from './row-index.ts';
import type { Snapshot } from './rows.ts';
import { States } from './states.ts';
import type { Neighbors, RangeNeighbors, RangeSearchOptions, SearchOptions } from './vector-index.ts';

export interface HnswConfig {
  readonly M: number;
  readonly efConstruction: number;
  readonly efSearch: number;
  readonly codesOnly: boolean;
}

interface HnswState {
  readonly snapshot: Snapshot;
  readonly graph: GraphState | undefined;
}

export class HnswIndex extends RowIndex {
  readonly description: string;
  protected readonly addReports = 'commit';
  readonly config: HnswConfig;
  private readonly store: GraphStore;
  private readonly states: States<HnswState>;

  constructor(engine: Engine, state: RowState & HnswConfig, onClose?: () => void) {
    super(engine, state, onClose);
    this.config = state;
    this.description = `HNSW${state.M}${state.codesOnly ? ',SQ8' : ''}`;
    const settings: GraphSettings = { ...state, dim: this.dim, metric: this.metric, seed: this.seed };
    this.store = new GraphStore(engine.host, settings);
    this.states = new States({ snapshot: state.snapshot, graph: undefined });
  }

  async prepare(_options: TaskOptions = {}): Promise<void> {
    this.checkOpen();
  }

  protected async nearest(queries: Float32Array, k: number, options: SearchOptions & { efSearch?: number }): Promise<Neighbors> {
    const { engine, metric, width, store } = this;
    const { state, release } = this.states.acquire();
    try {
      const { snapshot, graph } = state;
      const nq = queries.length / this.dim;
      if (!graph) {
        return { k, labels: new Int32Array(nq * k).fill(-1), distances: new Float32Array(nq * k).fill(Infinity), engine: engine.host.kind };
      }
      const admission = admit(snapshot, options.filter);
      const efSearch = options.efSearch ?? this.config.efSearch;
      const task = {
        engine,
        snapshot,
        admission,
        metric,
        width,
        queries,
        options,
        graph,
        codec: store.codec!,
        degree: store.degree,
        k,
        efSearch,
      };
      const { labels, distances, stats, engine: on } = await searchHnsw(task, new HostWalker(engine.host));
      return { k, labels, distances, engine: on.kind, stats } as Neighbors;
    } finally {
      release();
    }
  }

  protected async within(_queries: Float32Array, _radius: number, _options: RangeSearchOptions): Promise<RangeNeighbors> {
    throw new Error('not yet');
  }

  protected async commit(next: Snapshot, options: TaskOptions): Promise<void> {
    const { graph: from } = this.states.current;
    if (next.count === (from?.count ?? 0)) {
      this.states.replace({ snapshot: next, graph: from }, []);
      return this.swap(next);
    }
    const { graph, garbage } = await this.store.extend(next, from, new HostWalker(this.engine.host), options);
    this.states.replace({ snapshot: next, graph }, garbage);
    this.swap(next);
  }

  protected pieces(_options: TaskOptions): AsyncIterable<Uint8Array> {
    throw new Error('not yet');
  }

  protected release(): void {
    this.store[Symbol.dispose]();
  }
}
