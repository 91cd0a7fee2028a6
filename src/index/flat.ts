import type { Engine } from '../host/engine.ts';
import { LANES } from '../kernels/canonical-distances.ts';
import { hasBit } from '../util/bits.ts';
import { badArgument, IsodexError } from '../util/errors.ts';
import { roundUp } from '../util/math.ts';
import { replaceFile } from '../util/replace-file.ts';
import { Breather, type TaskOptions, untilAborted } from '../util/tasks.ts';
import { DerivedCodes } from './derived-codes.ts';
import { admit } from './filter.ts';
import { type FlatState, writeFlat } from './flat-file.ts';
import { BestCollector, type Collector, searchFlat, withHostBehind } from './flat-search.ts';
import { MemoryOriginals } from './originals.ts';
import { RangeCollector } from './range-collector.ts';
import { appended, checkKeys, emptySnapshot, LabelLookup, maskWords, newLabels, type Snapshot, without } from './rows.ts';
import {
  type AddOptions,
  checkedQueries,
  checkedSquaredNorm,
  checkK,
  checkShape,
  type Metric,
  type Neighbors,
  normaliseRow,
  type RangeNeighbors,
  type RangeSearchOptions,
  type SearchOptions,
  type VectorIndex,
} from './vector-index.ts';

/** Dead rows are dropped when they are this share of all, and at least so many. */
const COMPACT_SHARE = 4;
const COMPACT_ROWS = 1024;

/** Exact search: always the canonical nearest neighbours, ties and duplicates included. */
export class FlatIndex implements VectorIndex {
  readonly description = 'Flat';
  readonly dim: number;
  readonly metric: Metric;
  readonly seed: number;
  readonly engine: Engine;
  readonly isTrained = true;
  private readonly width: number;
  private readonly codes: DerivedCodes;
  private readonly onClose: () => void;
  private snapshot: Snapshot;
  private lookup = new LabelLookup();
  private writing: Promise<unknown> = Promise.resolve();
  private closed = false;

  /** For the factory and readers of files: everything is checked by them. `onClose` runs when the index closes. */
  constructor(
    engine: Engine,
    { dim, metric, seed, snapshot }: Omit<FlatState, 'snapshot'> & { snapshot?: Snapshot },
    onClose: () => void = () => {},
  ) {
    this.engine = engine;
    this.dim = dim;
    this.metric = metric;
    this.seed = seed;
    this.width = roundUp(dim, LANES);
    this.snapshot = snapshot ?? emptySnapshot(new MemoryOriginals(dim));
    this.codes = new DerivedCodes(metric, seed, this.width);
    this.onClose = onClose;
  }

  get size(): number {
    return this.snapshot.liveCount;
  }

  /** Bytes held by rows and labels, and by codes on all engines. */
  get memory(): { readonly originals: number; readonly labels: number; readonly codes: number } {
    const { originals, labels, serials, live } = this.snapshot;
    return { originals: originals.memoryBytes, labels: labels.byteLength + serials.byteLength + live.byteLength, codes: this.codes.bytes };
  }

  async add(vectors: Float32Array, options: AddOptions = {}): Promise<Int32Array> {
    const n = checkShape(vectors, this.dim, 'vectors');
    const { keys } = options;
    if (keys) checkKeys(keys, n);
    return this.write(async () => {
      const before = this.snapshot;
      const labels = newLabels(before, n, options.labels);
      await this.appendRows(vectors, n, options);
      const replaced = Array.from(labels, (label) => this.lookup.rowOf(before, label)).filter((row) => row >= 0);
      await this.commit(appended(before, labels, keys, replaced));
      return labels;
    });
  }

  remove(labels: ArrayLike<number>): Promise<number> {
    return this.write(async () => {
      const rows = new Set(Array.from(labels, (label) => this.lookup.rowOf(this.snapshot, label)));
      rows.delete(-1);
      if (rows.size > 0) await this.commit(without(this.snapshot, [...rows]));
      return rows.size;
    });
  }

  async search(queries: Float32Array, options: SearchOptions = {}): Promise<Neighbors> {
    this.checkOpen();
    const k = checkK(options.k ?? 10);
    const checked = checkedQueries(queries, this.dim, this.metric);
    const nq = checked.length / this.dim;
    const labels = new Int32Array(nq * k).fill(-1);
    const distances = new Float32Array(nq * k).fill(Infinity);
    const wanted = Math.min(k, Math.max(1, this.snapshot.liveCount));
    const { engine, collector } = await this.run(checked, options, () => new BestCollector(nq, wanted));
    for (const [q, list] of (collector as BestCollector).lists.entries()) list.writeTo(labels, distances, q * k);
    return { k, labels, distances, engine };
  }

  async rangeSearch(queries: Float32Array, radius: number, options: RangeSearchOptions = {}): Promise<RangeNeighbors> {
    this.checkOpen();
    if (typeof radius !== 'number' || Number.isNaN(radius))
      throw badArgument(`radius is ${String(radius)}; give a distance, squared for l2`);
    const checked = checkedQueries(queries, this.dim, this.metric);
    const { engine, collector } = await this.run(
      checked,
      options,
      () => new RangeCollector(checked.length / this.dim, radius, options.maxResults),
    );
    return { ...(collector as RangeCollector).results(), engine };
  }

  async reconstruct(label: number): Promise<Float32Array> {
    this.checkOpen();
    const out = new Float32Array(this.dim);
    await this.snapshot.originals.readRows([this.rowOf(label)], out, this.dim);
    return out;
  }

  keyOf(label: number): string | undefined {
    const row = this.lookup.rowOf(this.snapshot, label);
    return row < 0 ? undefined : this.snapshot.keys?.[row];
  }

  async prepare(options: TaskOptions = {}): Promise<void> {
    this.checkOpen();
    if (this.snapshot.count === 0) return;
    const { engine, snapshot } = this;
    const chosen = engine.kind === 'auto' ? engine.host : await engine.pick({ terms: 0, waits: 0, uploadBytes: 0 });
    await this.whileOpen(
      withHostBehind(chosen, engine.host, this.codes, async (on) => {
        const codes = this.codes.acquire(on, snapshot, options);
        void codes.then(
          (held) => held.release(),
          () => undefined,
        );
        await untilAborted(codes, options.signal);
      }),
    );
  }

  async toBytes(options: TaskOptions = {}): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.pieces(options)) pieces.push(piece);
    const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.byteLength;
    }
    return bytes;
  }

  async save(path: string, options: TaskOptions = {}): Promise<void> {
    await replaceFile(path, this.pieces(options));
  }

  /** The file's bytes in pieces, of the state committed now. */
  private pieces(options: TaskOptions = {}): AsyncGenerator<Uint8Array> {
    this.checkOpen();
    const { dim, metric, seed, snapshot } = this;
    return writeFlat({ dim, metric, seed, snapshot }, options);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.codes.close();
    this.onClose();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private async run(queries: Float32Array, options: SearchOptions | RangeSearchOptions, collector: () => Collector) {
    const { engine, snapshot, codes, metric, width } = this;
    options.signal?.throwIfAborted();
    const admission = admit(snapshot, options.filter);
    const task = { engine, snapshot, admission, codes, metric, width, queries, options };
    const done = await this.whileOpen(searchFlat(task, collector));
    return { engine: done.engine.kind, collector: done.collector };
  }

  /** One writer at a time; the others queue, and a failed one leaves nothing behind. */
  private write<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.writing.then(() => {
      this.checkOpen();
      return work();
    });
    this.writing = turn.catch(() => undefined);
    return turn;
  }

  /** Copies checked rows behind the committed ones, where no search looks yet. */
  private async appendRows(vectors: Float32Array, n: number, { signal, onProgress }: TaskOptions): Promise<void> {
    const { dim, metric, snapshot } = this;
    const breather = new Breather(signal);
    for (let i = 0; i < n; i++) {
      const source = vectors.subarray(i * dim, (i + 1) * dim);
      const squaredNorm = checkedSquaredNorm(source, i, metric, 'vectors');
      const row = snapshot.originals.rowForWriting(snapshot.count + i, n - i);
      row.set(source);
      if (metric === 'cosine') normaliseRow(row, squaredNorm);
      if (i % 1024 === 1023 || i === n - 1) {
        onProgress?.(i + 1, n);
        await breather.breathe();
      }
    }
  }

  /** Makes a state the current one; when much of it is dead, the live rows move together first. */
  private async commit(next: Snapshot): Promise<void> {
    const dead = next.count - next.liveCount;
    const inMemory = next.originals instanceof MemoryOriginals;
    if (!inMemory || dead < COMPACT_ROWS || dead * COMPACT_SHARE < next.count) {
      this.snapshot = next;
      return;
    }
    this.snapshot = await compacted(next);
    this.lookup = new LabelLookup();
    this.codes.drop();
  }

  private rowOf(label: number): number {
    const row = this.lookup.rowOf(this.snapshot, label);
    if (row < 0) throw badArgument(`label ${label} is not in the index`);
    return row;
  }

  /** The work's outcome, or 'closed' when the index was closed meanwhile: its file or engine may be gone, and fail in their own way. */
  private async whileOpen<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } finally {
      this.checkOpen();
    }
  }

  private checkOpen(): void {
    if (this.closed) throw new IsodexError('closed', 'the index was closed; open or build it again');
  }
}

/** The same live rows, close together in new memory. */
async function compacted(old: Snapshot): Promise<Snapshot> {
  const originals = new MemoryOriginals(old.originals.dim);
  const n = old.liveCount;
  const rows = new Uint32Array(n);
  for (let row = 0, at = 0; row < old.count; row++) if (hasBit(old.live, row)) rows[at++] = row;
  for (let i = 0; i < n; i++) await old.originals.readRows(rows.subarray(i, i + 1), originals.rowForWriting(i, n - i), originals.dim);
  const live = new Uint32Array(maskWords(n));
  for (let i = 0; i < n; i++) live[i >>> 5]! |= 1 << (i & 31);
  return {
    ...old,
    originals,
    count: n,
    live,
    labels: Int32Array.from(rows, (row) => old.labels[row]!),
    serials: Uint32Array.from(rows, (row) => old.serials[row]!),
    keys: old.keys && Array.from(rows, (row) => old.keys![row]),
  };
}
