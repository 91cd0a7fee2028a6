/** Centroids of one or more subquantisers on an integer grid, and finding the nearest of them on an engine. */
import { allocAll } from '../../host/alloc-all.ts';
import { type Block, rangeOf } from '../../host/block.ts';
import type { Engine } from '../../host/engine.ts';
import { Recording } from '../../host/recording.ts';
import { BYTES } from '../../kernels/kernel.ts';
import { nearestCentroid } from '../../kernels/nearest-centroid.ts';
import type { TaskOptions } from '../../util/tasks.ts';
import { type Split, squaresOf } from './integer-grid.ts';

export interface Codebook {
  readonly split: Split;
  readonly ksub: number;
  /** 2: squared distances. 1: inner products. */
  readonly weight: 1 | 2;
  /** i16 [m, ksub, 2 · pairs] */
  readonly centroids: Int16Array;
}

/** Words of rows on an engine at a time. */
const PIECE_WORDS = 2 ** 24;
/** Multiply-adds of one run: some ten milliseconds of a thread, and work enough for a device. */
const HOST_TERMS = 2 ** 27;
const DEVICE_TERMS = 2 ** 33;

/** Centroids as kernels take them: u32 [m, pairs, ksub], for each pair of dimensions all centroids side by side. */
function interleaved({ split, ksub, centroids }: Codebook): Uint32Array {
  const { m, pairs } = split;
  const words = new Uint32Array(centroids.buffer, centroids.byteOffset, centroids.length / 2);
  const out = new Uint32Array(m * pairs * ksub);
  for (let sub = 0; sub < m; sub++) {
    for (let c = 0; c < ksub; c++) {
      for (let p = 0; p < pairs; p++) out[(sub * pairs + p) * ksub + c] = words[(sub * ksub + c) * pairs + p]!;
    }
  }
  return out;
}

/** i32 [m, ksub]: |c|² of each centroid, or zeros for inner products. */
function centroidTerms({ split, ksub, centroids, weight }: Codebook): Int32Array {
  return weight === 1 ? new Int32Array(split.m * ksub) : squaresOf(centroids, 2 * split.pairs);
}

/** A codebook on an engine. */
export class LoadedCodebook implements Disposable {
  readonly engine: Engine;
  readonly book: Codebook;
  readonly centroids: Block<'u32'>;
  readonly terms: Block<'i32'>;

  private constructor(engine: Engine, book: Codebook, centroids: Block<'u32'>, terms: Block<'i32'>) {
    this.engine = engine;
    this.book = book;
    this.centroids = centroids;
    this.terms = terms;
  }

  static async open(engine: Engine, book: Codebook): Promise<LoadedCodebook> {
    const { m, pairs } = book.split;
    const [centroids, terms] = await allocAll(engine, [
      ['u32', m * pairs * book.ksub, 'centroids'],
      ['i32', m * book.ksub, 'centroid terms'],
    ]);
    const loaded = new LoadedCodebook(engine, book, centroids, terms);
    loaded.load(book.centroids);
    return loaded;
  }

  /** Puts other centroids, i16 [m, ksub, 2 · pairs], in their place. */
  load(centroids: Int16Array): void {
    const book = { ...this.book, centroids };
    this.engine.write(this.centroids, interleaved(book));
    this.engine.write(this.terms, centroidTerms(book));
  }

  /** Rows that go well together in one run, and into one block. */
  get mostRows(): number {
    const { engine, book } = this;
    const { m, pairs } = book.split;
    const terms = engine === engine.host ? HOST_TERMS * engine.info.threads : DEVICE_TERMS;
    const blockRows = engine.maxBlockBytes / BYTES.u32 / (m * pairs);
    return Math.max(1, Math.floor(Math.min(blockRows, terms / (m * pairs * 2 * book.ksub))));
  }

  /** The nearest centroid of each subvector, ties to the lowest: u32 [n, m], of rows u32 [n, m · pairs]. */
  async nearest(rows: Uint32Array, { signal, onProgress }: TaskOptions = {}): Promise<Uint32Array> {
    const { m, pairs } = this.book.split;
    const n = rows.length / (m * pairs);
    const found = new Uint32Array(n * m);
    const piece = Math.min(this.mostRows, Math.ceil(PIECE_WORDS / (m * pairs)));
    for (let first = 0; first < n; first += piece) {
      const count = Math.min(piece, n - first);
      using block = await this.engine.alloc('u32', count * m * pairs, 'rows to assign');
      this.engine.write(block, rows.subarray(first * m * pairs, (first + count) * m * pairs));
      found.set(await this.nearestOf(block, count), first * m);
      onProgress?.(first + count, n);
      signal?.throwIfAborted();
    }
    return found;
  }

  /** The same of rows that are on the engine. */
  async nearestOf(rows: Block<'u32'>, n: number): Promise<Uint32Array> {
    const { engine, book, centroids, terms } = this;
    const { m, pairs } = book.split;
    using nearest = await engine.alloc('u32', n * m, 'nearest centroids');
    const params = { n, m, pairs, ksub: book.ksub, weight: book.weight };
    await engine.run(new Recording().dispatch(nearestCentroid, { rows, centroids, terms, nearest }, params));
    const [found] = await engine.read([rangeOf(nearest)] as const);
    return found;
  }

  [Symbol.dispose](): void {
    this.centroids[Symbol.dispose]();
    this.terms[Symbol.dispose]();
  }
}
