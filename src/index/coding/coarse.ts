/** The coarse quantiser of inverted lists: centroids on an integer grid, to which rows are assigned, and which searches probe. */
import type { Engine } from '../../host/engine.ts';
import type { TaskOptions } from '../../util/tasks.ts';
import type { Metric } from '../vector-index.ts';
import type { CoarsePlan } from './coarse-plan.ts';
import { CoarseProbing } from './coarse-probing.ts';
import { LoadedCodebook } from './codebook.ts';
import { bitsFor, integerGrid, packValues, splitOf, toGrid } from './integer-grid.ts';
import { kmeans } from './kmeans.ts';

/** Steps of k-means, as FAISS takes for inverted lists. */
const ITERATIONS = 10;
/** Rows that are assigned at a time. */
const PIECE_ROWS = 4096;

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

export class Coarse implements Disposable {
  readonly plan: CoarsePlan;
  private readonly book: LoadedCodebook;
  private readonly probing: CoarseProbing;

  private constructor(plan: CoarsePlan, book: LoadedCodebook, probing: CoarseProbing) {
    this.plan = plan;
    this.book = book;
    this.probing = probing;
  }

  static async open(engine: Engine, plan: CoarsePlan, metric: Metric): Promise<Coarse> {
    const split = splitOf(plan.grid.shift.length, 1);
    const book = await LoadedCodebook.open(engine.host, { split, ksub: plan.nlist, weight: 2, centroids: plan.values });
    try {
      return new Coarse(plan, book, await CoarseProbing.open(engine.host, plan, book, metric));
    } catch (error) {
      book[Symbol.dispose]();
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

  /** The `nprobe` lists whose centroids are nearest to each query f32 [nq, dim], by canonical distances, in no order: u32 [nq, nprobe]. */
  probe(queries: Float32Array, nprobe: number): Promise<Uint32Array> {
    return this.probing.nearest(queries, nprobe);
  }

  /** Bytes held: centroids as they were trained, and as kernels take them. */
  get bytes(): number {
    return 2 * this.plan.values.byteLength;
  }

  [Symbol.dispose](): void {
    this.probing[Symbol.dispose]();
    this.book[Symbol.dispose]();
  }
}
