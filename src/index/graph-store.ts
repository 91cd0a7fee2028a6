/** What a graph keeps on the host engine, and how rows join it: codes, levels, link rows, all or nothing. */
import type { HostEngine } from '../host/engine.ts';
import { decode } from '../kernels/cpu/refine-lists.ts';
import { NONE } from '../kernels/graph.ts';
import { Breather, type TaskOptions } from '../util/tasks.ts';
import { BlockOriginals } from './block-originals.ts';
import { CodeOriginals, type DecodeRow } from './code-originals.ts';
import { Column } from './column.ts';
import { DeviceCopies } from './engine-walker.ts';
import { type CodecPlan, GraphCodec, suits, trainCodec } from './graph-codec.ts';
import { linkNodes } from './graph-linking.ts';
import { type GraphState, viewOf } from './graph-state.ts';
import type { GraphView } from './graph-walk.ts';
import { levelOf } from './hnsw-levels.ts';
import type { BuildingWalker } from './linker.ts';
import type { Originals, WritableOriginals } from './originals.ts';
import type { Snapshot } from './rows.ts';
import type { Serials } from './serials.ts';
import type { Settings } from './vector-index.ts';

/** Rows that a codec is trained on, and judged by later, at most. */
const TRAINING_ROWS = 4096;
/** Rows coded at a time. */
const PIECE_ROWS = 4096;

export interface GraphSettings extends Settings {
  /** Links that a node chooses on each level; level 0 has room for twice as many. */
  readonly M: number;
  /** Width of the beam that finds a new node's links. */
  readonly efConstruction: number;
  /** Codes alone: the vectors are not kept. */
  readonly codesOnly: boolean;
}

/** Levels of new nodes, and where their upper link rows begin: u8 and u32 [new nodes]; and how many upper rows there are then. */
export interface Levels {
  readonly levels: Uint8Array;
  readonly upperRows: Uint32Array;
  readonly upperCount: number;
}

export class GraphStore implements Disposable {
  readonly host: HostEngine;
  readonly settings: GraphSettings;
  /** Copies of the codes on devices. */
  readonly device = new DeviceCopies();
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

  /** Bytes of codes, and of what nodes need beside codes and links. */
  get memory(): { readonly codes: number; readonly nodes: number } {
    return {
      codes: (this.codes?.capacity ?? 0) * (this.trained?.plan.stride ?? 0) + this.device.bytes,
      nodes: 4 * (this.upperRows.capacity + this.labels.capacity),
    };
  }

  /** A committed graph as kernels take it. */
  view(graph: GraphState): GraphView {
    return viewOf(graph, this.trained!.plan, this.degree);
  }

  /** An empty place for vectors, as the settings want them kept. */
  newOriginals(): WritableOriginals {
    const { dim, codesOnly } = this.settings;
    return codesOnly ? new CodeOriginals(dim) : new BlockOriginals(this.host, dim);
  }

  /** Codes from here on are of this plan. */
  async use(plan: CodecPlan): Promise<GraphCodec> {
    this.trained = await GraphCodec.open(this.host, plan);
    this.codes = new Column(this.host, 'i8', plan.stride, 'graph: codes');
    return this.trained;
  }

  /**
   * The graph with the rows of `next` that `from` has not; and what only `from` and states before it use. Where it throws,
   * `from` is as it was.
   */
  async extend(
    next: Snapshot,
    from: GraphState | undefined,
    walker: BuildingWalker,
    options: TaskOptions,
  ): Promise<{ graph: GraphState; garbage: Disposable[] }> {
    try {
      return await this.extendOrThrow(next, from, walker, options);
    } catch (error) {
      if (!from) this.untrain(); // the next rows to come are the first again
      throw error;
    }
  }

  /**
   * Whether the codec was trained on rows that say too little about those of `next`, of which `count` were there before. Looked at
   * whenever a quarter has come; codes in place of vectors cannot be had anew.
   */
  async outgrownBy(next: Snapshot, count: number): Promise<boolean> {
    if (!this.trained || this.settings.codesOnly || !passesStep(count, next.count)) return false;
    return !suits(this.trained.plan, await this.sampleOf(next, 0));
  }

  /** The state of a graph whose rows are all in place. */
  stateOf(
    { count, originals }: Snapshot,
    rest: Pick<GraphState, 'entry' | 'entryLevel' | 'upperCount' | 'pages' | 'sinceRepair'>,
  ): GraphState {
    if (originals instanceof CodeOriginals) originals.settle(this.decoder(), count);
    const vectors = originals instanceof BlockOriginals ? originals.block : undefined;
    return { count, codes: this.codes!.block, upperRows: this.upperRows.block, labels: this.labels.block, vectors, ...rest };
  }

  /** Reads rows from their SQ8 codes. */
  private decoder(): DecodeRow {
    const { dim, stride, grid } = this.trained!.plan;
    const codes = this.codes!;
    const step = Math.fround(1 / grid!.scale);
    return (row, out) => void decode(codes.view(), row * stride, grid!.shift, step, dim, out);
  }

  /** Codes of the rows from `first` on, read back from where they are kept. */
  async codeRows({ originals, count }: Snapshot, first: number, { signal }: TaskOptions): Promise<void> {
    const breather = new Breather(signal);
    await this.codes!.reserve(count);
    for (let begin = first; begin < count; begin += PIECE_ROWS) {
      await this.appendCodes(begin, await rowsOf(originals, begin, Math.min(count, begin + PIECE_ROWS)), count);
      await breather.breathe();
    }
  }

  /** Codes of rows f32 [n, dim] from row `first` on, of `count` there will be. */
  async appendCodes(first: number, vectors: Float32Array, count: number): Promise<void> {
    await this.codes!.reserve(count);
    using codes = await this.trained!.encodeRows(vectors);
    this.codes!.view().set(this.host.view(codes), first * this.trained!.plan.stride);
  }

  /** Codes as they were stored, i8 [n, stride]. */
  async restoreCodes(codes: Int8Array, count: number): Promise<void> {
    await this.codes!.reserve(count);
    this.codes!.view().set(codes);
  }

  /** A copy of the codes of all rows of a graph, i8 [count, stride]. */
  readCodes(count: number): Promise<Int8Array> {
    return this.codes!.read(0, count);
  }

  async appendNodes({ labels, count }: Snapshot, first: number, { upperRows }: Levels): Promise<void> {
    await this.upperRows.reserve(count);
    await this.labels.reserve(count);
    this.upperRows.view().set(upperRows, first);
    this.labels.view().set(labels.subarray(first, count), first);
  }

  [Symbol.dispose](): void {
    this.device.close();
    for (const thing of [this.codes, this.upperRows, this.labels, this.trained]) thing?.[Symbol.dispose]();
  }

  private async extendOrThrow(
    next: Snapshot,
    from: GraphState | undefined,
    walker: BuildingWalker,
    options: TaskOptions,
  ): Promise<{ graph: GraphState; garbage: Disposable[] }> {
    const first = from?.count ?? 0;
    this.device.truncate(first); // rows of an add that failed
    if (!this.trained) await this.use(await this.train(next, first));
    await this.codeRows(next, first, options);
    return this.link(next, from, walker, options);
  }

  /** The same where the codes of all rows are in place already. */
  async link(
    next: Snapshot,
    from: GraphState | undefined,
    walker: BuildingWalker,
    options: TaskOptions,
  ): Promise<{ graph: GraphState; garbage: Disposable[] }> {
    const { host, settings } = this;
    const { count } = next;
    const first = from?.count ?? 0;
    const levels = levelsOf(next.serials, first, count, from?.upperCount ?? 0, settings);
    await this.appendNodes(next, first, levels);
    const blocks = { codes: this.codes!.block, upperRows: this.upperRows.block };
    const linking = { ...settings, ...levels, host, plan: this.trained!.plan, blocks, count, from };
    const { garbage, ...links } = await linkNodes(linking, walker, options);
    return { graph: this.stateOf(next, links), garbage: [...garbage, ...this.takeOutgrown(next.originals)] };
  }

  private untrain(): void {
    for (const thing of [this.codes, this.trained]) thing?.[Symbol.dispose]();
    this.codes = undefined;
    this.trained = undefined;
  }

  private takeOutgrown(originals: WritableOriginals): Disposable[] {
    const vectors = originals instanceof BlockOriginals ? originals.takeOutgrown() : [];
    return [...vectors, ...[this.codes!, this.upperRows, this.labels].flatMap((column) => column.takeOutgrown())];
  }

  private async train(next: Snapshot, first: number): Promise<CodecPlan> {
    const { dim, metric, codesOnly } = this.settings;
    return trainCodec(await this.sampleOf(next, first), dim, metric, codesOnly);
  }

  /** Rows from `first` on, evenly spaced: f32 [n, dim]. */
  private async sampleOf({ originals, count }: Snapshot, first: number): Promise<Float32Array> {
    const { dim } = this.settings;
    const every = Math.max(1, Math.ceil((count - first) / TRAINING_ROWS));
    const rows = Uint32Array.from({ length: Math.ceil((count - first) / every) }, (_, i) => first + i * every);
    const sample = new Float32Array(rows.length * dim);
    await originals.readRows(rows, sample, dim);
    return sample;
  }
}

/** Whether one of the counts 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15 …, a quarter more each, lies above `before` and up to `after`. */
function passesStep(before: number, after: number): boolean {
  let step = 1;
  while (step <= before) step = Math.max(step + 1, Math.floor((step * 5) / 4));
  return step <= after;
}

/** Levels of the nodes from `first` on; upper rows are given out from `upperFrom` on. They follow from the serials, so they are never stored. */
export function levelsOf(
  serials: Serials,
  first: number,
  count: number,
  upperFrom: number,
  { seed, M }: Pick<GraphSettings, 'seed' | 'M'>,
): Levels {
  const levels = new Uint8Array(count - first);
  const upperRows = new Uint32Array(count - first).fill(NONE);
  let upperCount = upperFrom;
  for (let i = 0; i < levels.length; i++) {
    const level = levelOf(seed, serials.at(first + i), M);
    if (level === 0) continue;
    levels[i] = level;
    upperRows[i] = upperCount;
    upperCount += level;
  }
  return { levels, upperRows, upperCount };
}

async function rowsOf(originals: Originals, begin: number, end: number): Promise<Float32Array> {
  const rows = new Float32Array((end - begin) * originals.dim);
  await originals.readRange(begin, end, rows);
  return rows;
}
