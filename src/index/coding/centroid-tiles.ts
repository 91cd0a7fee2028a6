import { allocAll } from '../../host/alloc-all.ts';
import type { Block } from '../../host/block.ts';
import type { HostEngine } from '../../host/engine.ts';
import { Recording } from '../../host/recording.ts';
import { nearestLists, nearestListsScratchWords, TILE, tiled, tiledTerms } from '../../kernels/nearest-lists.ts';
import { ceilDiv } from '../../util/math.ts';
import type { CoarsePlan } from './coarse-plan.ts';
import { packValues, type Split, splitOf, squaresOf } from './integer-grid.ts';

/** Multiply-adds of one run: some ten milliseconds of a thread. */
const RUN_TERMS = 2 ** 27;
/** Keys that a run gives, at most. */
const RUN_KEYS = 2 ** 20;

/** The nearest centroids of vectors, by keys: i32 [n, keep] and u32 [n, keep]. */
export interface NearestByKey {
  readonly keys: Int32Array;
  readonly ids: Uint32Array;
}

/** Centroids on the host, as the kernel `nearest-lists` takes them. */
export class CentroidTiles implements Disposable {
  private readonly host: HostEngine;
  private readonly plan: CoarsePlan;
  private readonly split: Split;
  private readonly centroids: Block<'u32'>;
  /** |c|², for distances, and zeros, for products. */
  private readonly squares: Block<'i32'>;
  private readonly zeros: Block<'i32'>;

  private constructor(host: HostEngine, plan: CoarsePlan, blocks: [Block<'u32'>, Block<'i32'>, Block<'i32'>]) {
    this.host = host;
    this.plan = plan;
    this.split = splitOf(plan.grid.shift.length, 1);
    [this.centroids, this.squares, this.zeros] = blocks;
  }

  static async open(host: HostEngine, plan: CoarsePlan): Promise<CentroidTiles> {
    const { values, nlist } = plan;
    const { pairs } = splitOf(plan.grid.shift.length, 1);
    const tiles = ceilDiv(nlist, TILE);
    const blocks = await allocAll(host, [
      ['u32', tiles * TILE * pairs, 'lists: centroids'],
      ['i32', tiles * TILE, 'lists: squares of centroids'],
      ['i32', tiles * TILE, 'lists: no terms'],
    ]);
    const [centroids, squares, zeros] = blocks;
    host.write(centroids, tiled(new Uint32Array(values.buffer, values.byteOffset, values.length / 2), pairs));
    host.write(squares, tiledTerms(squaresOf(values, 2 * pairs)));
    host.write(zeros, tiledTerms(new Int32Array(nlist)));
    return new CentroidTiles(host, plan, blocks);
  }

  /** Vectors that go well together in one run. */
  mostRows(keep: number): number {
    const terms = this.plan.nlist * this.plan.grid.shift.length;
    return Math.max(1, Math.floor(Math.min((RUN_TERMS * this.host.info.threads) / terms, RUN_KEYS / keep)));
  }

  /** The `keep` nearest centroids of grid values i16 [n, dim], by |c|² − 2 v · c or, with weight 1, by −v · c. */
  async nearest(values: Int16Array, keep: number, weight: 1 | 2): Promise<NearestByKey> {
    const { host, centroids, squares, zeros, plan, split } = this;
    const dim = plan.grid.shift.length;
    const { pairs } = split;
    const n = values.length / dim;
    const slots = Math.min(n, host.info.threads);
    const slotWords = nearestListsScratchWords(keep);
    const [queries, keys, ids, scratch] = await allocAll(host, [
      ['u32', n * pairs, 'lists: vectors'],
      ['i32', n * keep, 'lists: keys'],
      ['u32', n * keep, 'lists: nearest'],
      ['u32', slots * slotWords, 'lists: scratch'],
    ]);
    try {
      host.write(queries, packValues(values, dim, split));
      const blocks = { queries, centroids, terms: weight === 2 ? squares : zeros, keys, ids, scratch };
      const params = { n, pairs, tiles: ceilDiv(plan.nlist, TILE), weight, keep, slots, slotWords };
      await host.run(new Recording().dispatch(nearestLists, blocks, params));
      return { keys: host.view(keys).slice(), ids: host.view(ids).slice() };
    } finally {
      for (const block of [queries, keys, ids, scratch]) block[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    for (const block of [this.centroids, this.squares, this.zeros]) block[Symbol.dispose]();
  }
}
