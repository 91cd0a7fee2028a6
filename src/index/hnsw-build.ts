/**
 * Inserts rows into an HNSW graph, in batches that depend on nothing but the rows (prefix doubling: Dobson et al., Scaling
 * Graph-Based ANNS Algorithms to Billion-Size Datasets, PPoPP 2024): each new node searches the graph as it was before its
 * batch, chooses its links by the heuristic, and is linked back, all targets at once. Every step is a function of the graph
 * before it, so threads, engines and time change nothing.
 */
import type { HostEngine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { NONE, selectScratchWords } from '../kernels/graph.ts';
import { graphJoin } from '../kernels/graph-join.ts';
import { graphSelect } from '../kernels/graph-select.ts';
import { Breather, type TaskOptions } from '../util/tasks.ts';
import type { CodecPlan } from './graph-codec.ts';
import type { LinkWriter } from './graph-pages.ts';
import { groupByTarget } from './graph-reverse.ts';
import type { GraphState } from './graph-state.ts';
import type { GraphView, Walker } from './graph-walk.ts';
import { insertionOrder } from './hnsw-levels.ts';

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

export interface BuildSettings {
  readonly plan: CodecPlan;
  readonly M: number;
  readonly efConstruction: number;
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
  readonly writer: LinkWriter;
  private readonly host: HostEngine;
  private readonly walker: Walker;
  private readonly settings: BuildSettings;
  private readonly blocks: Pick<GraphState, 'codes' | 'upperRows'>;
  /** Nodes there will be. */
  readonly count: number;
  /** Nodes in the graph so far. */
  private inserted: number;
  entry: number;
  entryLevel: number;

  constructor(
    host: HostEngine,
    walker: Walker,
    settings: BuildSettings,
    writer: LinkWriter,
    blocks: Pick<GraphState, 'codes' | 'upperRows'>,
    from: Pick<GraphState, 'count' | 'entry' | 'entryLevel'> | undefined,
    count: number,
  ) {
    this.host = host;
    this.walker = walker;
    this.settings = settings;
    this.writer = writer;
    this.blocks = blocks;
    this.count = count;
    this.inserted = from?.count ?? 0;
    this.entry = from?.entry ?? 0;
    this.entryLevel = from?.entryLevel ?? 0;
  }

  async insertAll(insertion: Insertion): Promise<void> {
    const { first, levels, signal, onProgress } = insertion;
    const breather = new Breather(signal);
    const order = insertionOrder(first, levels.length);
    for (let done = 0; done < levels.length; ) {
      const size = Math.min(this.batchSize(), levels.length - done);
      const batch = order.subarray(done, done + size);
      if (this.inserted > 0) await this.insert(batch, insertion);
      this.enter(batch, insertion);
      done += size;
      onProgress?.(done, levels.length);
      await breather.breathe();
    }
  }

  /** The nodes of the graph that are nearest to given ones: u32 [nodes, width], NONE behind the last. */
  async nearestTo(nodes: Uint32Array): Promise<{ ids: Uint32Array; width: number }> {
    const width = this.settings.efConstruction;
    using queries = await this.queriesOf(nodes);
    using found = await this.walker.walk(this.view(), { nq: nodes.length, queries, level: 0, ef: width, signal: this.settings.signal });
    return { ids: this.host.view(found.ids).slice(), width };
  }

  /** The graph so far, as walks take it. */
  view(): GraphView {
    const { writer, settings, blocks, count, entry, entryLevel } = this;
    const { codes, upperRows } = blocks;
    const { degree, basePages, links, pages, table, stamps } = writer;
    const tables = { links, pages, basePages, table, stamps };
    return { plan: settings.plan, degree, count, entry, entryLevel, codes, upperRows, ...tables };
  }

  private batchSize(): number {
    const share = Math.max(FULL_BATCH, Math.floor(this.count / BATCH_SHARE));
    return Math.max(1, Math.min(share, Math.floor(this.inserted / GROWTH), MOST_BATCH));
  }

  /** Links a batch into the graph, level by level from below: what lies above is still as it was when a level is searched. */
  private async insert(batch: Uint32Array, { first, levels }: Insertion): Promise<void> {
    for (let level = 0; level <= this.entryLevel; level++) {
      const nodes = batch.filter((node) => levels[node - first]! >= level).sort();
      if (nodes.length === 0) break;
      const chosen = await this.chooseLinks(nodes, level);
      await this.writeRows(nodes, level, chosen, this.settings.M);
      await this.linkBack(nodes, level, chosen);
    }
  }

  /** u32 [nodes, M]: the links of new nodes on a level. */
  private async chooseLinks(nodes: Uint32Array, level: number): Promise<Uint32Array> {
    const { host, settings, blocks } = this;
    const { plan, M, efConstruction: ef } = settings;
    using queries = await this.queriesOf(nodes);
    using found = await this.walker.walk(this.view(), { nq: nodes.length, queries, level, ef, signal: settings.signal });
    using nodeBlock = await host.alloc('u32', nodes.length, 'build: nodes');
    using chosen = await host.alloc('u32', nodes.length * M, 'build: chosen links');
    const slots = host.info.threads;
    const slotWords = selectScratchWords(plan.stride, ef);
    using scratch = await host.alloc('u32', slots * slotWords, 'build: scratch');
    host.write(nodeBlock, nodes);
    const bound = { codes: blocks.codes, nodes: nodeBlock, keys: found.keys, candidates: found.ids, chosen, scratch };
    const params = { m: nodes.length, stride: plan.stride, form: plan.form, ef, most: M, slots, slotWords };
    await host.run(new Recording().dispatch(graphSelect, bound, params));
    return host.view(chosen).slice();
  }

  /** The nodes' own codes as queries: without their terms. */
  private async queriesOf(nodes: Uint32Array) {
    const { host, blocks } = this;
    const { stride, grid } = this.settings.plan;
    const queries = await host.alloc('i8', nodes.length * stride, 'build: queries');
    const from = host.view(blocks.codes);
    const to = host.view(queries);
    for (const [i, node] of nodes.entries()) {
      to.set(from.subarray(node * stride, (node + 1) * stride), i * stride);
      if (grid) to.fill(0, (i + 1) * stride - 4, (i + 1) * stride);
    }
    return queries;
  }

  /** Links the chosen nodes back to those that chose them. */
  private async linkBack(nodes: Uint32Array, level: number, chosen: Uint32Array): Promise<void> {
    const { host, settings, blocks, writer } = this;
    const { plan, M } = settings;
    const { degree, basePages } = writer;
    const { targets, offsets, sources, largest } = groupByTarget(nodes, chosen, M, this.count);
    if (targets.length === 0) return;
    const t = targets.length;
    const slots = host.info.threads;
    const slotWords = selectScratchWords(plan.stride, degree + largest);
    using targetBlock = await host.alloc('u32', t, 'build: targets');
    using offsetBlock = await host.alloc('u32', t + 1, 'build: offsets');
    using sourceBlock = await host.alloc('u32', sources.length, 'build: sources');
    using joined = await host.alloc('u32', t * degree, 'build: joined links');
    using scratch = await host.alloc('u32', slots * slotWords, 'build: scratch');
    host.write(targetBlock, targets);
    host.write(offsetBlock, offsets);
    host.write(sourceBlock, sources);
    const { codes, upperRows } = blocks;
    const lists = { targets: targetBlock, offsets: offsetBlock, sources: sourceBlock };
    const bound = { codes, links: writer.links, pages: writer.pages, upperRows, ...lists, joined, scratch };
    const most = level === 0 ? degree : M;
    const params = { t, stride: plan.stride, form: plan.form, degree, basePages, level, most, slots, slotWords };
    await host.run(new Recording().dispatch(graphJoin, bound, params));
    await this.writeRows(targets, level, host.view(joined).slice(), degree);
  }

  /** Writes the link rows of nodes on a level, u32 [nodes, width]; what they do not fill is NONE. */
  private async writeRows(nodes: Uint32Array, level: number, links: Uint32Array, width: number): Promise<void> {
    const { writer } = this;
    const upper = level > 0;
    const rows = upper ? this.upperRowsOf(nodes, level) : nodes;
    await writer.own(rows, upper);
    const view = writer.view();
    for (const [i, row] of rows.entries()) {
      const at = writer.offset(row, upper);
      view.set(links.subarray(i * width, (i + 1) * width), at);
      if (width < writer.degree) view.fill(NONE, at + width, at + writer.degree);
    }
  }

  private upperRowsOf(nodes: Uint32Array, level: number): Uint32Array {
    const upperRows = this.host.view(this.blocks.upperRows);
    return nodes.map((node) => upperRows[node]! + level - 1);
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
