/** The coarse quantiser of inverted lists: centroids on an integer grid, and an exact Flat index over what they say. */
import type { Engine } from '../../host/engine.ts';
import { NONE } from '../../kernels/graph.ts';
import type { TaskOptions } from '../../util/tasks.ts';
import { FlatIndex } from '../flat.ts';
import { MemoryOriginals } from '../originals.ts';
import { emptySnapshot } from '../rows.ts';
import type { Metric } from '../vector-index.ts';
import { LoadedCodebook } from './codebook.ts';
import { bitsFor, type IntegerGrid, integerGrid, packValues, splitOf, toGrid } from './integer-grid.ts';
import { kmeans } from './kmeans.ts';

/** Steps of k-means, as FAISS takes for inverted lists. */
const ITERATIONS = 10;
/** Up to so many lists all centroids are compared; codes of more rule most of them out two to four times as fast. */
export const EXHAUSTIVE_LISTS = 128;
/** Rows that are assigned at a time. */
const PIECE_ROWS = 4096;

export interface CoarsePlan {
  readonly nlist: number;
  readonly grid: IntegerGrid;
  /** i16 [nlist, 2 · ⌈dim / 2⌉], grid values. */
  readonly values: Int16Array;
}

/** Learns centroids from rows f32 [n, dim]. */
export async function trainCoarse(
  engine: Engine,
  rows: Float32Array,
  { dim, nlist, seed }: { readonly dim: number; readonly nlist: number; readonly seed: number },
  options: TaskOptions,
): Promise<CoarsePlan> {
  const split = splitOf(dim, 1);
  const grid = integerGrid(rows, dim, bitsFor(dim), true);
  const packed = packValues(toGrid(rows, grid), dim, split);
  const { centroids } = await kmeans(engine, packed, { split, ksub: nlist, iterations: ITERATIONS, seed, ...options });
  return { nlist, grid, values: centroids };
}

/** The centroids as vectors: f32 [nlist, dim]. */
export function centroidVectors({ nlist, grid, values }: CoarsePlan): Float32Array {
  const dim = grid.shift.length;
  const width = values.length / nlist;
  const vectors = new Float32Array(nlist * dim);
  for (let i = 0; i < nlist; i++) {
    for (let j = 0; j < dim; j++) vectors[i * dim + j] = grid.shift[j]! + Math.fround(values[i * width + j]! / grid.scale);
  }
  return vectors;
}

export class Coarse implements Disposable {
  readonly plan: CoarsePlan;
  private readonly book: LoadedCodebook;
  private readonly flat: FlatIndex;

  private constructor(plan: CoarsePlan, book: LoadedCodebook, flat: FlatIndex) {
    this.plan = plan;
    this.book = book;
    this.flat = flat;
  }

  static async open(engine: Engine, plan: CoarsePlan, metric: Metric): Promise<Coarse> {
    const dim = plan.grid.shift.length;
    const split = splitOf(dim, 1);
    const book = await LoadedCodebook.open(engine.host, { split, ksub: plan.nlist, weight: 2, centroids: plan.values });
    const snapshot = emptySnapshot(new MemoryOriginals(dim));
    const state = { dim, metric: metric === 'ip' ? 'ip' : 'l2', seed: 1, snapshot } as const;
    const flat = new FlatIndex(engine.host, state, () => {}, EXHAUSTIVE_LISTS);
    const coarse = new Coarse(plan, book, flat);
    try {
      await flat.add(centroidVectors(plan));
      return coarse;
    } catch (error) {
      coarse[Symbol.dispose]();
      throw error;
    }
  }

  /** The list of each row f32 [n, dim]: that of the nearest centroid on the grid. */
  async assign(rows: Float32Array, { signal }: TaskOptions = {}): Promise<Uint32Array> {
    const { grid } = this.plan;
    const dim = grid.shift.length;
    const n = rows.length / dim;
    const lists = new Uint32Array(n);
    for (let first = 0; first < n; first += PIECE_ROWS) {
      const piece = rows.subarray(first * dim, (first + PIECE_ROWS) * dim);
      lists.set(await this.book.nearest(packValues(toGrid(piece, grid), dim, splitOf(dim, 1)), { signal }), first);
    }
    return lists;
  }

  /** The `nprobe` lists whose centroids are nearest to each query f32 [nq, dim], by canonical distances: u32 [nq, nprobe]. */
  async probe(queries: Float32Array, nprobe: number, { signal }: TaskOptions): Promise<Uint32Array> {
    const { labels } = await this.flat.search(queries, { k: nprobe, signal });
    return Uint32Array.from(labels, (label) => (label < 0 ? NONE : label));
  }

  /** Bytes held. */
  get bytes(): number {
    const { originals, labels, codes } = this.flat.memory;
    return originals + labels + codes + 2 * this.plan.values.byteLength;
  }

  [Symbol.dispose](): void {
    this.book[Symbol.dispose]();
    this.flat.close();
  }
}
