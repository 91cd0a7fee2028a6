/**
 * k-means on integer values: assignments by exact integer distances, sums that are exact in f64, centroids rounded to the
 * grid. So the outcome is the same on every engine, and no step ever raises the distortion (Lloyd, 1982): the integers nearest
 * to a mean are the best centroid that the grid has.
 */
import type { Block } from '../../host/block.ts';
import type { Engine } from '../../host/engine.ts';
import { randomWord } from '../../util/random.ts';
import { Breather, type TaskOptions } from '../../util/tasks.ts';
import { ClusterLosses } from './cluster-losses.ts';
import { LoadedCodebook } from './codebook.ts';
import type { Split } from './integer-grid.ts';

export interface KmeansTask extends TaskOptions {
  readonly split: Split;
  readonly ksub: number;
  readonly iterations: number;
  readonly seed: number;
  /** i16 [m, ksub, 2 · pairs]: where to begin. Default: rows drawn by the seed. */
  readonly from?: Int16Array | undefined;
}

export interface Clustering {
  /** i16 [m, ksub, 2 · pairs] */
  readonly centroids: Int16Array;
  /** u32 [n, m], of the last step but one: what the centroids are the means of. */
  readonly assigned: Uint32Array;
  /** Sum of squared distances before each step, in grid units. */
  readonly distortions: readonly number[];
}

/** Clusters rows u32 [n, m · pairs] in each subvector by itself. */
export async function kmeans(engine: Engine, rows: Uint32Array, task: KmeansTask): Promise<Clustering> {
  const { split, ksub, iterations, seed, signal, onProgress } = task;
  const { m, pairs } = split;
  const n = rows.length / (m * pairs);
  const breather = new Breather(signal);
  const values = new Int16Array(rows.buffer, rows.byteOffset, rows.length * 2);
  let centroids: Int16Array<ArrayBufferLike> = task.from ?? drawn(values, n, split, ksub, seed);
  let assigned: Uint32Array = new Uint32Array(0);
  const squares = sumOfSquares(values);
  const distortions: number[] = [];
  using book = await LoadedCodebook.open(engine, { split, ksub, weight: 2, centroids });
  using loaded = await LoadedRows.open(book, rows);
  for (let step = 0; step < iterations; step++) {
    assigned = await loaded.nearest(breather);
    const sums = new ClusterSums(values, assigned, split, ksub);
    distortions.push(squares + sums.distortion(centroids));
    const next = sums.means(centroids);
    sums.fillEmpty(next, centroids);
    onProgress?.(step + 1, iterations);
    await breather.breathe();
    const settled = next.every((value, i) => value === centroids[i]);
    centroids = next;
    if (settled) break;
    book.load(centroids);
  }
  return { centroids, assigned, distortions };
}

/** Rows on an engine, in pieces. */
class LoadedRows implements Disposable {
  private readonly book: LoadedCodebook;
  private readonly pieces: Block<'u32'>[] = [];

  private constructor(book: LoadedCodebook) {
    this.book = book;
  }

  /** Rows u32 [n, m · pairs], for codebooks of the same shape. */
  static async open(book: LoadedCodebook, rows: Uint32Array): Promise<LoadedRows> {
    const loaded = new LoadedRows(book);
    const { m, pairs } = book.book.split;
    const words = book.mostRows * m * pairs;
    try {
      for (let at = 0; at < rows.length; at += words) {
        const piece = rows.subarray(at, at + words);
        const block = await book.engine.alloc('u32', piece.length, 'k-means: rows');
        loaded.pieces.push(block);
        book.engine.write(block, piece);
      }
      return loaded;
    } catch (error) {
      loaded[Symbol.dispose]();
      throw error;
    }
  }

  /** The nearest centroid of each subvector: u32 [n, m]. */
  async nearest(breather: Breather): Promise<Uint32Array> {
    const { m, pairs } = this.book.book.split;
    const found = new Uint32Array(this.pieces.reduce((sum, { length }) => sum + length, 0) / pairs);
    let at = 0;
    for (const piece of this.pieces) {
      const n = piece.length / (m * pairs);
      found.set(await this.book.nearestOf(piece, n), at);
      at += n * m;
      await breather.breathe();
    }
    return found;
  }

  [Symbol.dispose](): void {
    for (const piece of this.pieces) piece[Symbol.dispose]();
  }
}

/** The first rows of an order that the seed shuffles; over again where there are fewer rows than centroids. */
function drawn(values: Int16Array, n: number, { m, pairs }: Split, ksub: number, seed: number): Int16Array {
  const width = 2 * pairs;
  const order = new Float64Array(n);
  for (let i = 0; i < n; i++) order[i] = (randomWord(seed, i) >>> 11) * 2 ** 32 + i;
  order.sort();
  const centroids = new Int16Array(m * ksub * width);
  for (let c = 0; c < ksub; c++) {
    const row = order[c % n]! % 2 ** 32;
    for (let sub = 0; sub < m; sub++) {
      centroids.set(values.subarray((row * m + sub) * width, (row * m + sub + 1) * width), (sub * ksub + c) * width);
    }
  }
  return centroids;
}

/** An integer, exact while it is below 2^53. */
function sumOfSquares(values: Int16Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return sum;
}

/** How many rows are in each cluster, and what their values sum up to. */
class ClusterSums {
  private readonly values: Int16Array;
  private readonly assigned: Uint32Array;
  private readonly split: Split;
  private readonly ksub: number;
  /** [m, ksub] */
  private readonly counts: Uint32Array;
  /** [m, ksub, 2 · pairs] */
  private readonly sums: Float64Array;

  constructor(values: Int16Array, assigned: Uint32Array, split: Split, ksub: number) {
    const { m, pairs } = split;
    const width = 2 * pairs;
    this.values = values;
    this.assigned = assigned;
    this.split = split;
    this.ksub = ksub;
    this.counts = new Uint32Array(m * ksub);
    this.sums = new Float64Array(m * ksub * width);
    const { counts, sums } = this;
    for (let i = 0, from = 0; i < assigned.length; i++) {
      const cell = (i % m) * ksub + assigned[i]!;
      counts[cell]!++;
      for (let to = cell * width, end = to + width; to < end; to++, from++) sums[to]! += values[from]!;
    }
  }

  /** Σ |x − c|² − Σ |x|² = Σ n |c|² − 2 Σ c · x, all of it integers. */
  distortion(centroids: Int16Array): number {
    const width = 2 * this.split.pairs;
    let rest = 0;
    for (let i = 0; i < centroids.length; i++) {
      const c = centroids[i]!;
      rest += c * (this.counts[Math.floor(i / width)]! * c - 2 * this.sums[i]!);
    }
    return rest;
  }

  /** The integers nearest to the means; where a cluster is empty, its centroid as it was. */
  means(centroids: Int16Array): Int16Array {
    const width = 2 * this.split.pairs;
    return Int16Array.from(this.sums, (sum, i) => {
      const count = this.counts[Math.floor(i / width)]!;
      return count > 0 ? Math.floor(sum / count + 0.5) : centroids[i]!;
    });
  }

  /**
   * Moves the centroid of each empty cluster to a row that its own centroid serves badly. Nobody's own centroid changes, so
   * distortion cannot rise.
   */
  fillEmpty(next: Int16Array, centroids: Int16Array): void {
    const { values, assigned, split, ksub } = this;
    const width = 2 * split.pairs;
    for (let sub = 0; sub < split.m; sub++) {
      let losses: ClusterLosses | undefined;
      for (let c = sub * ksub; c < (sub + 1) * ksub; c++) {
        if (this.counts[c]! > 0) continue;
        losses ??= new ClusterLosses({ split, ksub, values, assigned, centroids }, sub);
        const row = losses.takeWorst();
        if (row === undefined) break;
        next.set(losses.valuesOf(row), c * width);
      }
    }
  }
}
