/** What a graph keeps on the host engine, and how rows join it: codes, levels, link rows, all or nothing. */
import type { HostEngine } from '../host/engine.ts';
import { NONE } from '../kernels/graph.ts';
import { Breather, type TaskOptions } from '../util/tasks.ts';
import { BlockOriginals } from './block-originals.ts';
import { Column } from './column.ts';
import { type CodecPlan, GraphCodec, trainCodec } from './graph-codec.ts';
import { LinkWriter } from './graph-pages.ts';
import { repair } from './graph-repair.ts';
import type { GraphState } from './graph-state.ts';
import type { Walker } from './graph-walk.ts';
import { GraphBuilder } from './hnsw-build.ts';
import { insertionOrder, levelOf } from './hnsw-levels.ts';
import type { Originals } from './originals.ts';
import type { Snapshot } from './rows.ts';
import type { Metric } from './vector-index.ts';

/** Rows that a codec is trained on, at most, evenly spaced over those of the first add. */
const TRAINING_ROWS = 4096;
/** Rows coded at a time. */
const PIECE_ROWS = 4096;

export interface GraphSettings {
  readonly dim: number;
  readonly metric: Metric;
  readonly seed: number;
  /** Links that a node chooses on each level; level 0 has room for twice as many. */
  readonly M: number;
  readonly efConstruction: number;
  /** Codes alone: the vectors are not kept. */
  readonly codesOnly: boolean;
}

export class GraphStore implements Disposable {
  readonly settings: GraphSettings;
  private readonly host: HostEngine;
  private readonly upperRows: Column<'u32'>;
  private readonly labels: Column<'i32'>;
  private codes: Column<'i8'> | undefined;
  private trained: GraphCodec | undefined;

  constructor(host: HostEngine, settings: GraphSettings) {
    this.host = host;
    this.settings = settings;
    this.upperRows = new Column(host, 'u32', 1, 'graph: upper rows');
    this.labels = new Column(host, 'i32', 1, 'graph: labels');
  }

  /** Undefined until rows were added. */
  get codec(): GraphCodec | undefined {
    return this.trained;
  }

  /** u32s in a link row. */
  get degree(): number {
    return 2 * this.settings.M;
  }

  /**
   * The graph with the rows of `next` that `from` has not; and what only `from` and states before it use. Where it throws,
   * `from` is as it was.
   */
  async extend(
    next: Snapshot,
    from: GraphState | undefined,
    walker: Walker,
    options: TaskOptions,
  ): Promise<{ graph: GraphState; garbage: Disposable[] }> {
    const first = from?.count ?? 0;
    const codec = this.trained ?? (await this.train(next, first));
    await this.appendCodes(codec, next, first, options);
    const { levels, upperRows, upperCount } = await this.appendLevels(next, first, from?.upperCount ?? 0);
    await this.appendLabels(next, first);
    const writer = await LinkWriter.open(this.host, this.degree, from?.pages, next.count, upperCount);
    try {
      const settings = { ...this.settings, plan: codec.plan };
      const blocks = { codes: this.codes!.block, upperRows: this.upperRows.block };
      const builder = new GraphBuilder(this.host, walker, settings, writer, blocks, from, next.count);
      const order = insertionOrder(this.settings.seed, next.serials, first, next.count - first);
      await builder.insertAll({ order, levels, upperRows, ...options });
      const sinceRepair = await repair(builder, (from?.sinceRepair ?? 0) + order.length, options.signal);
      const { entry, entryLevel } = builder;
      const { pages, garbage } = writer.commit();
      const vectors = next.originals instanceof BlockOriginals ? next.originals : undefined;
      return {
        graph: {
          count: next.count,
          entry,
          entryLevel,
          ...blocks,
          labels: this.labels.block,
          vectors: vectors?.block,
          upperCount,
          pages,
          sinceRepair,
        },
        garbage: [...garbage, ...this.takeOutgrown(), ...(vectors?.takeOutgrown() ?? [])],
      };
    } catch (error) {
      writer.rollback();
      throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const thing of [this.codes, this.upperRows, this.labels, this.trained]) thing?.[Symbol.dispose]();
  }

  private takeOutgrown(): Disposable[] {
    return [this.codes!, this.upperRows, this.labels].flatMap((column) => column.takeOutgrown());
  }

  private async train({ originals, count }: Snapshot, first: number): Promise<GraphCodec> {
    const { dim, metric, codesOnly } = this.settings;
    const every = Math.max(1, Math.ceil((count - first) / TRAINING_ROWS));
    const rows = Uint32Array.from({ length: Math.ceil((count - first) / every) }, (_, i) => first + i * every);
    const sample = new Float32Array(rows.length * dim);
    await originals.readRows(rows, sample, dim);
    return this.use(trainCodec(sample, dim, metric, codesOnly));
  }

  /** Codes from here on are of this plan. */
  private async use(plan: CodecPlan): Promise<GraphCodec> {
    this.trained = await GraphCodec.open(this.host, plan);
    this.codes = new Column(this.host, 'i8', plan.stride, 'graph: codes');
    return this.trained;
  }

  private async appendCodes(codec: GraphCodec, { originals, count }: Snapshot, first: number, { signal }: TaskOptions): Promise<void> {
    const codes = this.codes!;
    await codes.reserve(count);
    const breather = new Breather(signal);
    for (let begin = first; begin < count; begin += PIECE_ROWS) {
      const end = Math.min(count, begin + PIECE_ROWS);
      using piece = await codec.encodeRows(await rowsOf(originals, begin, end));
      codes.view().set(this.host.view(piece), begin * codec.plan.stride);
      await breather.breathe();
    }
  }

  /** Levels of all nodes from `first` on, and where their upper rows begin. */
  private async appendLevels({ serials, count }: Snapshot, first: number, upperFrom: number) {
    const { seed, M } = this.settings;
    await this.upperRows.reserve(count);
    const upperRows = this.upperRows.view().slice(0, count);
    const levels = new Uint8Array(count);
    let upperCount = upperFrom;
    for (let node = first; node < count; node++) {
      levels[node] = levelOf(seed, serials[node]!, M);
      upperRows[node] = levels[node]! > 0 ? upperCount : NONE;
      upperCount += levels[node]!;
    }
    this.upperRows.view().set(upperRows.subarray(first), first);
    return { levels, upperRows, upperCount };
  }

  private async appendLabels({ labels, count }: Snapshot, first: number): Promise<void> {
    await this.labels.reserve(count);
    this.labels.view().set(labels.subarray(first, count), first);
  }
}

async function rowsOf(originals: Originals, begin: number, end: number): Promise<Float32Array> {
  const rows = new Float32Array((end - begin) * originals.dim);
  await originals.readRange(begin, end, rows);
  return rows;
}
