import type { Engine } from '../host/engine.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { CodeOriginals } from './code-originals.ts';
import { candidatesFor, checkRefineFactor, keepsVectors } from './coded-config.ts';
import { type Growth, grow } from './coded-graph-build.ts';
import { writeCodedGraph } from './coded-graph-file.ts';
import { type CodedGraphTask, codedGraphQueries, lookupWalker } from './coded-graph-search.ts';
import { type CodedGraphContent, type CodedGraphState, CodedNodes, holdingsOf } from './coded-graph-state.ts';
import { originalsFor } from './coded-state.ts';
import type { Trained } from './coding/trained.ts';
import { DecodedRows } from './decoded-rows.ts';
import { admit } from './filter.ts';
import { blocksOf } from './graph-pages.ts';
import { nearestInGraph, withinInGraph } from './graph-queries.ts';
import { checkEf } from './hnsw-config.ts';
import { RangeCollector } from './range-collector.ts';
import { type Circumstances, RowIndex } from './row-index.ts';
import { compacted, liveRows, renumbered, type Snapshot } from './rows.ts';
import { TrainedIndex } from './trained-index.ts';
import type { Neighbors, RangeNeighbors, RangeSearchOptions, SearchOptions } from './vector-index.ts';

/**
 * A graph over product-quantiser codes, behind any transforms: the speed of a graph at the memory of codes and links. `train` comes
 * first. The graph is built on finer codes than it is searched with (coded-graph-build.ts), and walked by lookups. With RFlat the
 * vectors are kept too, in memory or in the file, and distances are theirs; otherwise they are what codes say.
 */
export class CodedGraphIndex extends TrainedIndex<CodedGraphState> {
  constructor(engine: Engine, { config, settings, ...state }: CodedGraphContent, circumstances?: Circumstances) {
    super(engine, { config, settings }, state, circumstances);
  }

  /** Bytes held by vectors (where they are kept), labels, codes, links, by what else nodes need, and by what does not grow with the rows. */
  override get memory() {
    const { nodes, graph, trained } = this.states.current;
    const held = nodes?.memory ?? { codes: 0, nodes: 0 };
    const links = graph ? graph.pages.arena.block.length * 4 : 0;
    const tables = graph ? graph.pages.table.byteLength * 2 : 0;
    return { ...super.memory, codes: held.codes, links, nodes: held.nodes + tables, fixed: trained?.bytes ?? 0 };
  }

  /** Builds the graph anew over the live rows, on their vectors or, where only codes are kept, on what these say. */
  async compact(options: TaskOptions = {}): Promise<void> {
    await this.write(async () => {
      const { current } = this.states;
      const { snapshot, trained, nodes, graph } = current;
      if (snapshot.liveCount === snapshot.count) return;
      const originals = originalsFor(this.config, this.dim);
      const next = keepsVectors(this.config) ? await compacted(snapshot, originals) : renumbered(snapshot, originals);
      const garbage = [nodes!, ...blocksOf(graph!.pages)];
      if (next.count === 0) return this.replace(this.emptyState(next, trained), garbage);
      const kept = await nodes!.picked(this.engine.host, liveRows(snapshot));
      try {
        const growth = { ...this.growth(trained!), snapshot: next, nodes: kept, coded: next.count, from: undefined };
        const { graph: built } = await grow(growth, this.whileOpenToo(options));
        this.replace({ snapshot: next, trained, nodes: kept, graph: built }, garbage);
      } catch (error) {
        kept[Symbol.dispose]();
        throw error;
      }
    });
  }

  protected async nearest(queries: Float32Array, k: number, options: SearchOptions): Promise<Neighbors> {
    using reading = this.read(queries, options, options.refineFactor);
    const walker = lookupWalker(this.engine, reading.nodes);
    const answer = await nearestInGraph(codedGraphQueries(reading.task), k, options.stats === true, walker);
    return { ...answer, engine: walker.answered.kind };
  }

  protected async within(queries: Float32Array, radius: number, options: RangeSearchOptions): Promise<RangeNeighbors> {
    using reading = this.read(queries, options, undefined);
    const collector = new RangeCollector(queries.length / this.dim, radius, options.maxResults);
    const walker = lookupWalker(this.engine, reading.nodes);
    await withinInGraph(codedGraphQueries(reading.task), radius, collector, walker);
    return { ...collector.results(), engine: walker.answered.kind, distancesOf: this.distancesOf };
  }

  protected async commit(next: Snapshot, options: TaskOptions): Promise<void> {
    const { trained, nodes, graph: from } = this.states.current;
    const coded = from?.count ?? 0;
    if (next.count === coded) return this.replace({ snapshot: next, trained, nodes, graph: from }, []);
    const grown = nodes ?? new CodedNodes(this.engine.host, trained!.codec.stride);
    try {
      const growth = { ...this.growth(trained!), snapshot: next, nodes: grown, coded, from };
      const { graph, garbage } = await grow(growth, this.whileOpenToo(options));
      this.replace({ snapshot: next, trained, nodes: grown, graph }, garbage);
    } catch (error) {
      if (!nodes) grown[Symbol.dispose]();
      throw error;
    }
  }

  protected pieces(options: TaskOptions): AsyncIterable<Uint8Array> & Disposable {
    const { state, release } = this.states.acquire();
    return RowIndex.disposable(writeCodedGraph(this.config, this.settings, this.engine.host, state, options), release);
  }

  protected emptyState(snapshot: Snapshot, trained: Trained | undefined): CodedGraphState {
    return { snapshot, trained, nodes: undefined, graph: undefined };
  }

  protected holdings(state: CodedGraphState): Disposable[] {
    return holdingsOf(state);
  }

  protected settle({ snapshot, trained, graph }: CodedGraphState): void {
    if (!(snapshot.originals instanceof CodeOriginals) || !graph || !trained) return;
    const dim = trained.dimOf(this.dim);
    const said = new DecodedRows(this.engine.host, trained.codec, graph.codes, dim, (position) => ({ list: 0, position }));
    const vector = new Float32Array(dim);
    snapshot.originals.settle((row, out) => {
      said.copyRows([row], vector, dim);
      trained.invert(vector, out);
    }, snapshot.count);
  }

  /** Links that a node chooses on each level. */
  private get M(): number {
    const { structure } = this.config.description;
    return structure.kind === 'HNSW' ? structure.M : 0;
  }

  private growth(trained: Trained): Pick<Growth, 'engine' | 'trained' | 'settings' | 'withVectors'> {
    const settings = { ...this.settings, M: this.M, efConstruction: this.config.efConstruction };
    return { engine: this.engine, trained, settings, withVectors: keepsVectors(this.config) };
  }

  /** The current state as a search takes it, held until it is disposed of. */
  private read(
    queries: Float32Array,
    options: SearchOptions | RangeSearchOptions,
    factor: number | undefined,
  ): { readonly task: CodedGraphTask; readonly nodes: CodedNodes | undefined } & Disposable {
    const { engine, metric, config, M } = this;
    const efSearch = options.efSearch === undefined ? config.efSearch : checkEf(options.efSearch, 'efSearch');
    const refineFactor = factor === undefined ? config.refineFactor : checkRefineFactor(factor);
    const { state, release } = this.states.acquire();
    try {
      const { snapshot, trained, nodes, graph } = state;
      if (!trained) throw this.untrained('search it');
      const admission = admit(snapshot, options.filter);
      const vectors = keepsVectors(config) ? snapshot.originals : undefined;
      const beams = { efSearch, candidatesFor: candidatesFor(config, refineFactor) };
      const task = { engine, trained, graph, M, snapshot, admission, metric, queries, options, vectors, ...beams };
      return { task, nodes, [Symbol.dispose]: release };
    } catch (error) {
      release();
      throw error;
    }
  }
}
