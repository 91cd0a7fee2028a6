/**
 * Which lists searches probe: those whose centroids are nearest by canonical distances. Integer keys on the centroids' grid settle
 * it for all but the few whose bounds cannot (docs/identity.md, part 11); these are compared canonically.
 */
import type { HostEngine } from '../../host/engine.ts';
import { LANES } from '../../kernels/canonical-distances.ts';
import { roundUp } from '../../util/math.ts';
import { Candidates } from '../candidates.ts';
import { Refiner } from '../refiner.ts';
import type { Metric } from '../vector-index.ts';
import { CentroidBounds } from './centroid-bounds.ts';
import type { CentroidTiles } from './centroid-tiles.ts';
import { CentroidRows, type CoarsePlan } from './coarse-plan.ts';

/** Lists that are kept beside those to probe, at least, and as a share of them: more than bounds leave undecided, nearly always. */
const SPARE = 8;
const SPARE_SHARE = 1 / 4;
/** Where bounds leave more undecided, so many times as many lists are kept. */
const WIDER = 4;

export class CoarseProbing {
  private readonly host: HostEngine;
  private readonly plan: CoarsePlan;
  private readonly tiles: CentroidTiles;
  private readonly metric: Metric;
  private readonly bounds: CentroidBounds;

  /** Normalised vectors (cosine) are compared by squared distances. */
  constructor(host: HostEngine, plan: CoarsePlan, tiles: CentroidTiles, metric: Metric) {
    this.host = host;
    this.plan = plan;
    this.tiles = tiles;
    this.metric = metric === 'ip' ? 'ip' : 'l2';
    this.bounds = new CentroidBounds(plan, this.metric);
  }

  /** The `nprobe` nearest lists of each query f32 [nq, dim], in no order: u32 [nq, nprobe]. */
  async nearest(queries: Float32Array, nprobe: number): Promise<Uint32Array> {
    const { nlist, grid } = this.plan;
    const dim = grid.shift.length;
    const nq = queries.length / dim;
    const out = new Uint32Array(nq * nprobe);
    if (nprobe === nlist) return out.map((_, i) => i % nlist);
    const keep = Math.min(nlist, nprobe + Math.max(SPARE, Math.ceil(nprobe * SPARE_SHARE)));
    const most = this.tiles.mostRows(keep);
    for (let first = 0; first < nq; first += most) {
      const part = queries.subarray(first * dim, (first + most) * dim);
      await this.choose(part, nprobe, keep, (q) => out.subarray((first + q) * nprobe, (first + q + 1) * nprobe));
    }
    return out;
  }

  /** Writes the lists of each query to `to(q)`. */
  private async choose(queries: Float32Array, nprobe: number, keep: number, to: (q: number) => Uint32Array): Promise<void> {
    const { nlist, grid } = this.plan;
    const dim = grid.shift.length;
    const placed = this.bounds.place(queries);
    const kept = await this.tiles.nearest(placed.values, keep, this.bounds.weight);
    const undecided = new Candidates();
    const certain: number[] = [];
    const unsure: number[] = [];
    for (let q = 0; q < queries.length / dim; q++) {
      const { begin, end } = this.bounds.undecided(placed, q, kept.keys.subarray(q * keep, (q + 1) * keep), nprobe);
      if (end === keep && keep < nlist) {
        unsure.push(q);
        continue;
      }
      to(q).set(kept.ids.subarray(q * keep, q * keep + Math.min(nprobe, end)));
      certain[q] = begin;
      if (begin < nprobe) for (let i = begin; i < end; i++) undecided.push(q, kept.ids[q * keep + i]!);
    }
    await this.settle(queries, undecided, (q) => to(q).subarray(certain[q]!));
    if (unsure.length === 0) return;
    const again = new Float32Array(unsure.length * dim);
    for (const [i, q] of unsure.entries()) again.set(queries.subarray(q * dim, (q + 1) * dim), i * dim);
    await this.choose(again, nprobe, Math.min(nlist, keep * WIDER), (i) => to(unsure[i]!));
  }

  /** Of pairs, each query's together, writes the nearest to `to(q)`, as many as it holds. */
  private async settle(queries: Float32Array, pairs: Candidates, to: (q: number) => Uint32Array): Promise<void> {
    if (pairs.length === 0) return;
    const rows = new CentroidRows(this.plan);
    const refiner = new Refiner(this.host, rows, this.metric, roundUp(rows.dim, LANES), queries);
    const found = new Map<number, { id: number; distance: number }[]>();
    await refiner.refine(pairs, (q, id, distance) => {
      const list = found.get(q);
      if (list) list.push({ id, distance });
      else found.set(q, [{ id, distance }]);
    });
    for (const [q, list] of found) {
      list.sort((a, b) => a.distance - b.distance || a.id - b.id);
      const out = to(q);
      for (let i = 0; i < out.length; i++) out[i] = list[i]!.id;
    }
  }
}
