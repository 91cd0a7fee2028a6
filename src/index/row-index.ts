import type { Engine } from '../host/engine.ts';
import { LANES } from '../kernels/canonical-distances.ts';
import { badArgument, IsodexError, shown } from '../util/errors.ts';
import { roundUp } from '../util/math.ts';
import { replaceFile } from '../util/replace-file.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { checkedQueries } from './checked-rows.ts';
import { measureLiveRecall } from './live-recall.ts';
import { Meter } from './meter.ts';
import { optionalSection } from './optional-sections.ts';
import { appendRows, isBatches } from './row-appending.ts';
import { appended, checkKeys, LabelLookup, newLabels, type Snapshot, without } from './rows.ts';
import type { TunedChoice } from './tuned.ts';
import {
  type AddOptions,
  checkK,
  checkOptions,
  checkShape,
  type IndexStats,
  type LiveRecall,
  type Metric,
  type Neighbors,
  type RangeNeighbors,
  type RangeSearchOptions,
  type SearchOptions,
  type Settings,
  type Stray,
  type TrainReport,
  type VectorBatches,
  type VectorIndex,
} from './vector-index.ts';

/** An index as it was made or read: what it is, and its rows. */
export interface RowState extends Settings {
  readonly snapshot: Snapshot;
}

/** What an index has around it, whatever its kind. */
export interface Circumstances {
  /** Runs when the index closes. */
  readonly onClose?: (() => void) | undefined;
  /** How it was chosen. */
  readonly tuned?: TunedChoice | undefined;
  /** Told once of each thing that strays from what was promised. */
  readonly onStray?: ((stray: Stray) => void) | undefined;
}

/** Of the optional section of a file that holds how the index was chosen. */
export const TUNED_SECTION = 'tuned';

/**
 * An index over stored rows: labels, the queue of writers, checks of arguments, and what becomes of calls when it closes.
 * How rows are found is the concrete index's; whatever it keeps beside the rows changes together with them, in `commit`.
 */
export abstract class RowIndex implements VectorIndex {
  abstract readonly description: string;
  readonly dim: number;
  readonly metric: Metric;
  readonly seed: number;
  readonly engine: Engine;
  /** dim padded to the canonical lanes. */
  protected readonly width: number;
  readonly tuned: TunedChoice | undefined;
  private readonly onClose: (() => void) | undefined;
  protected readonly meter: Meter;
  private committed: Snapshot;
  private lookup = new LabelLookup();
  private writing: Promise<unknown> = Promise.resolve();
  private closed = false;

  /** For the factory and readers of files: everything is checked by them. */
  constructor(engine: Engine, { dim, metric, seed, snapshot }: RowState, { onClose, tuned, onStray }: Circumstances = {}) {
    this.engine = engine;
    this.dim = dim;
    this.metric = metric;
    this.seed = seed;
    this.width = roundUp(dim, LANES);
    this.committed = snapshot;
    this.onClose = onClose;
    this.tuned = tuned;
    this.meter = new Meter(() => ({ rows: this.size, memoryBytes: this.memoryBytes }), tuned, onStray);
  }

  /** Whose work is most of an add, and so reports its progress: the copying of rows, or `commit`. */
  protected abstract readonly addReports: 'copying' | 'commit';

  /**
   * Makes `next` the current state, by `swap`, at once with all that depends on it; calls of it never overlap. Rows from
   * the current count on are new, others may be dead in it. Whatever throws leaves the index as it was.
   */
  protected abstract commit(next: Snapshot, options: TaskOptions): Promise<void>;

  /** The k nearest of queries that were checked, copied and normalised, in the state at the time of the call. */
  protected abstract nearest(queries: Float32Array, k: number, options: SearchOptions): Promise<Neighbors>;

  /** All rows within a radius of queries that were checked, copied and normalised, in the state at the time of the call. */
  protected abstract within(queries: Float32Array, radius: number, options: RangeSearchOptions): Promise<RangeNeighbors>;

  /**
   * The file's bytes in pieces, of the state at the time of the call: an async generator would look at it too late. Disposing
   * of them lets go of that state.
   */
  protected abstract pieces(options: TaskOptions): AsyncIterable<Uint8Array> & Disposable;

  /** What `pieces` returns: a file's bytes, and what to do when they are not needed any more. */
  protected static disposable(pieces: AsyncIterable<Uint8Array>, release: () => void = () => {}): AsyncIterable<Uint8Array> & Disposable {
    return { [Symbol.asyncIterator]: () => pieces[Symbol.asyncIterator](), [Symbol.dispose]: release };
  }

  /** Lets go of what the index holds on engines; called once. */
  protected abstract release(): void;

  abstract prepare(options?: TaskOptions): Promise<void>;

  abstract compact(options?: TaskOptions): Promise<void>;

  get isTrained(): boolean {
    return true;
  }

  get size(): number {
    return this.committed.liveCount;
  }

  /** Bytes held by rows and labels. */
  get memory(): Readonly<Record<string, number>> & { readonly originals: number; readonly labels: number } {
    const { originals, labels, serials, live } = this.committed;
    return { originals: originals.memoryBytes, labels: labels.byteLength + serials.byteLength + live.byteLength };
  }

  stats(): IndexStats {
    this.checkOpen();
    const { count, liveCount: live } = this.committed;
    const { memory, memoryBytes, meter, tuned } = this;
    return { ...meter.metered, rows: { live, dead: count - live }, memory: { ...memory }, memoryBytes, tuned, strays: meter.strays };
  }

  private get memoryBytes(): number {
    return Object.values(this.memory).reduce((sum, bytes) => sum + bytes, 0);
  }

  /** The last committed state. */
  protected get snapshot(): Snapshot {
    return this.committed;
  }

  /** Makes a state the current one. Other originals number their rows anew, so labels are looked up afresh. */
  protected swap(next: Snapshot): void {
    if (next.originals !== this.committed.originals) this.lookup = new LabelLookup();
    this.committed = next;
  }

  async train(vectors: Float32Array, options: TaskOptions = {}): Promise<TrainReport> {
    this.checkOpen();
    options.signal?.throwIfAborted();
    return { rows: checkShape(vectors, this.dim, 'vectors'), warnings: [] };
  }

  async add(vectors: VectorBatches, given?: AddOptions): Promise<Int32Array> {
    const options = checkOptions(given);
    const { keys, labels: wanted } = options;
    const known = isBatches(vectors) ? undefined : checkShape(vectors, this.dim, 'vectors');
    if (known !== undefined && keys) checkKeys(keys, known);
    return this.write(async () => {
      const started = performance.now();
      const before = this.committed;
      if (known !== undefined) newLabels(before, known, wanted);
      const rows = { vectors, rows: options.rows ?? known, ...this.reporting('copying', options) };
      const n = await appendRows(before, this.metric, rows);
      if (keys) checkKeys(keys, n);
      const labels = newLabels(before, n, wanted);
      const replaced = Array.from(labels, (label) => this.lookup.rowOf(before, label)).filter((row) => row >= 0);
      await this.commit(appended(before, labels, keys, replaced), this.reporting('commit', options));
      this.meter.did('add', performance.now() - started);
      return labels;
    });
  }

  async remove(labels: ArrayLike<number>): Promise<number> {
    if (typeof labels !== 'object' || labels === null || typeof labels.length !== 'number') {
      throw badArgument(`labels is ${typeof labels === 'object' ? 'no array' : `a ${typeof labels}`}; give an array of labels`);
    }
    return this.write(async () => {
      const rows = new Set(Array.from(labels, (label) => this.lookup.rowOf(this.committed, label)));
      rows.delete(-1);
      if (rows.size > 0) await this.commit(without(this.committed, [...rows]), {});
      this.meter.count('remove');
      return rows.size;
    });
  }

  async search(queries: Float32Array, given?: SearchOptions): Promise<Neighbors> {
    this.checkOpen();
    const started = performance.now();
    const options = checkOptions(given);
    const k = checkK(options.k ?? 10);
    const checked = checkedQueries(queries, this.dim, this.metric);
    options.signal?.throwIfAborted();
    const answer = await this.whileOpen(this.nearest(checked, k, options));
    this.meter.searched(answer, checked.length / this.dim, performance.now() - started, options);
    return answer;
  }

  async rangeSearch(queries: Float32Array, radius: number, given?: RangeSearchOptions): Promise<RangeNeighbors> {
    this.checkOpen();
    const options = checkOptions(given);
    if (typeof radius !== 'number' || Number.isNaN(radius))
      throw badArgument(`radius is ${shown(radius)}; give a distance, squared for l2`);
    const checked = checkedQueries(queries, this.dim, this.metric);
    options.signal?.throwIfAborted();
    const answer = await this.whileOpen(this.within(checked, radius, options));
    this.meter.count('rangeSearch');
    return answer;
  }

  async measureRecall(sample = 100, given?: SearchOptions): Promise<LiveRecall> {
    this.checkOpen();
    const options = checkOptions(given);
    const k = checkK(options.k ?? 10);
    if (options.filter !== undefined) throw badArgument('measureRecall takes no filter; leave it out');
    if (!Number.isInteger(sample) || sample < 1) throw badArgument(`sample is ${shown(sample)}; give an integer ≥ 1`);
    const { engine, metric, width, committed: snapshot } = this;
    const nearest = (queries: Float32Array, wanted: number) => this.nearest(queries, wanted, options);
    const recall = await this.whileOpen(measureLiveRecall({ engine, snapshot, metric, width, k, sample, options, nearest }));
    this.meter.measured(recall, k, options);
    return recall;
  }

  async reconstruct(label: number): Promise<Float32Array> {
    this.checkOpen();
    const row = this.lookup.rowOf(this.committed, label);
    if (row < 0) throw badArgument(`label ${label} is not in the index`);
    const out = new Float32Array(this.dim);
    await this.committed.originals.readRows([row], out, this.dim);
    return out;
  }

  keyOf(label: number): string | undefined {
    const row = this.lookup.rowOf(this.committed, label);
    return row < 0 ? undefined : this.committed.keys?.[row];
  }

  async toBytes(options: TaskOptions = {}): Promise<Uint8Array> {
    this.checkOpen();
    using pieces = this.file(options);
    const all: Uint8Array[] = [];
    for await (const piece of pieces) all.push(piece);
    const bytes = new Uint8Array(all.reduce((sum, piece) => sum + piece.byteLength, 0));
    let at = 0;
    for (const piece of all) {
      bytes.set(piece, at);
      at += piece.byteLength;
    }
    return bytes;
  }

  async save(path: string, options: TaskOptions = {}): Promise<void> {
    this.checkOpen();
    using pieces = this.file(options);
    await replaceFile(path, pieces);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.release();
    this.onClose?.();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** One writer at a time; the others queue, and a failed one leaves nothing behind. */
  protected write<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.writing.then(() => {
      this.checkOpen();
      return work();
    });
    this.writing = turn.catch(() => undefined);
    return turn;
  }

  /** When the writers so far have finished. */
  protected async idle(): Promise<void> {
    await this.writing;
  }

  /** The work's outcome, or 'closed' when the index was closed meanwhile: its file or engine may be gone, and fail in their own way. */
  protected async whileOpen<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } finally {
      this.checkOpen();
    }
  }

  /** The options of a long write, which stops when the index is closed. */
  protected whileOpenToo({ signal, onProgress }: TaskOptions): TaskOptions {
    return {
      signal,
      onProgress: (done, total) => {
        this.checkOpen();
        onProgress?.(done, total);
      },
    };
  }

  protected checkOpen(): void {
    if (this.closed) throw new IsodexError('closed', 'the index was closed; open or build it again');
  }

  /** The body, and how the index was chosen behind it. */
  private file(options: TaskOptions): AsyncIterable<Uint8Array> & Disposable {
    const body = this.pieces(options);
    const { tuned } = this;
    async function* all(): AsyncGenerator<Uint8Array> {
      yield* body;
      if (tuned) yield optionalSection(TUNED_SECTION, tuned);
    }
    return RowIndex.disposable(all(), () => body[Symbol.dispose]());
  }

  /** The options of one part of an add: progress is heard from only one of them. */
  private reporting(part: 'copying' | 'commit', { signal, onProgress }: TaskOptions): TaskOptions {
    return part === this.addReports ? { signal, onProgress } : { signal };
  }
}
