/**
 * Inserts rows into an HNSW graph, in batches that depend on nothing but the rows (prefix doubling: Dobson et al., Scaling
 * Graph-Based ANNS Algorithms to Billion-Size Datasets, PPoPP 2024): each new node searches the graph as it was before its
 * batch, chooses its links by the heuristic, and is linked back, all targets at once. Every step is a function of the graph
 * before it, so threads, engines and time change nothing.
 */
import type { HostEngine } from '../host/engine.ts';
import { Breather, type TaskOptions } from '../util/tasks.ts';
import type { CodecPlan } from './graph-codec.ts';
import type { LinkWriter } from './graph-pages.ts';
import type { GraphState } from './graph-state.ts';
import type { GraphView, Walker } from './graph-walk.ts';
import { insertionOrder } from './hnsw-levels.ts';
import { queriesOf } from './host-linker.ts';
import type { Linker } from './linker.ts';

/**
 * A batch is at most this share of the graph that it will be part of: nodes of a batch do not see one another, and a share of
 * 2 %, as in ParlayANN, costs recall (docs/performance.md) …
 */
const BATCH_SHARE = 400;
/** … or so many rows, which keep a few threads busy … */
const FULL_BATCH = 32;
/** … and while the graph is small, this share of what is there already. */
const GROWTH = 4;
/** Rows of a batch, which bounds its memory: rows · efConstruction · 8 bytes. */
const MOST_BATCH = 2 ** 15;

/** A graph that grows: `blocks` and `plan` are those of its nodes, `efConstruction` how wide the nearest are looked for. */
export interface BuildSettings {
  readonly host: HostEngine;
  readonly walker: Walker;
  readonly plan: CodecPlan;
  readonly efConstruction: number;
  readonly writer: LinkWriter;
  readonly blocks: Pick<GraphState, 'codes' | 'upperRows'>;
  /** Nodes there will be. */
  readonly count: number;
  /** Looked at by walks that take several steps. */
  readonly signal?: AbortSignal | undefined;
}

/** Rows to insert: their codes and levels are in place. */
export interface Insertion extends TaskOptions {
  /** The first new node. */
  readonly first: number;
  /** u8 [new nodes] */
  readonly levels: Uint8Array;
}

export class GraphBuilder {
  private readonly settings: BuildSettings;
  /** Nodes in the graph so far. */
  private inserted: number;
  entry: number;
  entryLevel: number;

  constructor(settings: BuildSettings, from: Pick<GraphState, 'count' | 'entry' | 'entryLevel'> | undefined) {
    this.settings = settings;
    this.inserted = from?.count ?? 0;
    this.entry = from?.entry ?? 0;
    this.entryLevel = from?.entryLevel ?? 0;
  }

  get writer(): LinkWriter {
    return this.settings.writer;
  }

  get count(): number {
    return this.settings.count;
  }

  async insertAll(linker: Linker, insertion: Insertion): Promise<void> {
    const { first, levels, signal, onProgress } = insertion;
    const breather = new Breather(signal);
    const order = insertionOrder(first, levels.length);
    for (let done = 0; done < levels.length; ) {
      const size = Math.min(this.batchSize(), levels.length - done);
      const batch = order.subarray(done, done + size);
      if (this.inserted > 0) await this.insert(linker, batch, insertion);
      this.enter(batch, insertion);
      done += size;
      onProgress?.(done, levels.length);
      await breather.breathe();
    }
    await linker.finish();
  }

  /** The nodes of the graph that are nearest to given ones: u32 [nodes, width], NONE behind the last. */
  async nearestTo(nodes: Uint32Array): Promise<{ ids: Uint32Array; width: number }> {
    const { host, walker, efConstruction: width, signal } = this.settings;
    const view = this.view();
    using queries = await queriesOf(host, view, nodes);
    using found = await walker.walk(view, { nq: nodes.length, queries, level: 0, ef: width, signal });
    return { ids: host.view(found.ids).slice(), width };
  }

  /** The graph so far, as walks take it. */
  view(): GraphView {
    const { entry, entryLevel } = this;
    const { plan, writer, count, blocks } = this.settings;
    const { codes, upperRows } = blocks;
    const { degree, basePages, links, pages, table, stamps } = writer;
    const tables = { links, pages, basePages, table, stamps };
    return { plan, degree, count, entry, entryLevel, codes, upperRows, ...tables };
  }

  private batchSize(): number {
    const share = Math.max(FULL_BATCH, Math.floor(this.count / BATCH_SHARE));
    return Math.max(1, Math.min(share, Math.floor(this.inserted / GROWTH), MOST_BATCH));
  }

  /** Links a batch into the graph, level by level from below: what lies above is still as it was when a level is searched. */
  private async insert(linker: Linker, batch: Uint32Array, { first, levels }: Insertion): Promise<void> {
    for (let level = 0; level <= this.entryLevel; level++) {
      const nodes = batch.filter((node) => levels[node - first]! >= level).sort();
      if (nodes.length === 0) break;
      await linker.link(this.view(), nodes, level);
    }
  }

  /** From here on the batch is part of the graph. */
  private enter(batch: Uint32Array, { first, levels }: Insertion): void {
    for (const node of batch) {
      const level = levels[node - first]!;
      if (this.inserted === 0 || level > this.entryLevel) {
        this.entry = node;
        this.entryLevel = level;
      }
      this.inserted++;
    }
  }
}
