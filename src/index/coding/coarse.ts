/** The coarse quantiser of inverted lists: centroids on an integer grid, to which rows are assigned, and which searches probe. */
import type { Engine, HostEngine } from '../../host/engine.ts';
import { Breather, type TaskOptions } from '../../util/tasks.ts';
import type { Metric } from '../vector-index.ts';
import { CentroidTiles } from './centroid-tiles.ts';
import type { CoarsePlan } from './coarse-plan.ts';
import { CoarseProbing } from './coarse-probing.ts';
import { bitsFor, integerGrid, packValues, splitOf, toGrid } from './integer-grid.ts';
import { kmeans } from './kmeans.ts';

/** Steps of k-means, as FAISS takes for inverted lists. */
const ITERATIONS = 10;

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
  private readonly tiles: CentroidTiles;
  private readonly probing: CoarseProbing;

  private constructor(host: HostEngine, plan: CoarsePlan, tiles: CentroidTiles, metric: Metric) {
    this.plan = plan;
    this.tiles = tiles;
    this.probing = new CoarseProbing(host, plan, tiles, metric);
  }

  static async open(engine: Engine, plan: CoarsePlan, metric: Metric): Promise<Coarse> {
    return new Coarse(engine.host, plan, await CentroidTiles.open(engine.host, plan), metric);
  }

  /** The list of each row f32 [n, dim]: that of the nearest centroid on the grid. */
  async assign(rows: Float32Array, { signal }: TaskOptions = {}): Promise<Uint32Array> {
    const { grid } = this.plan;
    const dim = grid.shift.length;
    const n = rows.length / dim;
    const lists = new Uint32Array(n);
    const most = this.tiles.mostRows(1);
    const breather = new Breather(signal);
    for (let first = 0; first < n; first += most) {
      const { ids } = await this.tiles.nearest(toGrid(rows.subarray(first * dim, (first + most) * dim), grid), 1, 2);
      lists.set(ids, first);
      await breather.breathe();
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
    this.tiles[Symbol.dispose]();
  }
}
