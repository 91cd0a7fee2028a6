/**
 * Which lists searches probe: those whose centroids are nearest by canonical distances. Integer keys on the centroids' grid settle
 * it for all but the few whose bounds cannot (docs/identity.md, part 11); these are compared canonically.
 */
import { allocAll } from '../../host/alloc-all.ts';
import type { Block } from '../../host/block.ts';
import type { HostEngine } from '../../host/engine.ts';
import { Recording } from '../../host/recording.ts';
import { LANES } from '../../kernels/canonical-distances.ts';
import { nearestLists, nearestListsScratchWords } from '../../kernels/nearest-lists.ts';
import { roundUp } from '../../util/math.ts';
import { Candidates } from '../candidates.ts';
import { Refiner } from '../refiner.ts';
import type { Metric } from '../vector-index.ts';
import { CentroidBounds, type PlacedQueries } from './centroid-bounds.ts';
import { CentroidRows, type CoarsePlan } from './coarse-plan.ts';
import type { LoadedCodebook } from './codebook.ts';
import { packValues, splitOf } from './integer-grid.ts';

/** Lists that are kept beside those to probe, at least, and as a share of them: more than bounds leave undecided, nearly always. */
const SPARE = 8;
const SPARE_SHARE = 1 / 4;
/** Where bounds leave more undecided, so many times as many lists are kept. */
const WIDER = 4;
/** Keys of one run, at most. */
const RUN_KEYS = 2 ** 20;

/** The nearest centroids of queries by key: i32 [nq, keep] and u32 [nq, keep]. */
interface Kept {
  readonly keep: number;
  readonly keys: Int32Array;
  readonly ids: Uint32Array;
}

export class CoarseProbing implements Disposable {
  private readonly host: HostEngine;
  private readonly plan: CoarsePlan;
  private readonly book: LoadedCodebook;
  private readonly metric: Metric;
  private readonly terms: Block<'i32'>;
  private readonly bounds: CentroidBounds;

  private constructor(host: HostEngine, plan: CoarsePlan, book: LoadedCodebook, metric: Metric, terms: Block<'i32'>) {
    this.host = host;
    this.plan = plan;
    this.book = book;
    this.metric = metric;
    this.terms = terms;
    this.bounds = new CentroidBounds(plan, metric);
  }

  /** `book` is the centroids' on the host, for squared distances; normalised vectors are compared by these too. */
  static async open(host: HostEngine, plan: CoarsePlan, book: LoadedCodebook, metric: Metric): Promise<CoarseProbing> {
    if (metric !== 'ip') return new CoarseProbing(host, plan, book, 'l2', book.terms);
    const terms = await host.alloc('i32', plan.nlist, 'lists: no terms');
    host.view(terms).fill(0);
    return new CoarseProbing(host, plan, book, metric, terms);
  }

  /** The `nprobe` nearest lists of each query f32 [nq, dim], in no order: u32 [nq, nprobe]. */
  async nearest(queries: Float32Array, nprobe: number): Promise<Uint32Array> {
    const { nlist, grid } = this.plan;
    const dim = grid.shift.length;
    const nq = queries.length / dim;
    const out = new Uint32Array(nq * nprobe);
    if (nprobe === nlist) return out.map((_, i) => i % nlist);
    const keep = Math.min(nlist, nprobe + Math.max(SPARE, Math.ceil(nprobe * SPARE_SHARE)));
    const most = Math.max(1, Math.floor(RUN_KEYS / keep));
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
    const kept = await this.keepNearest(placed, keep);
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

  private async keepNearest({ values }: PlacedQueries, keep: number): Promise<Kept> {
    const { host, book, terms } = this;
    const { nlist, grid } = this.plan;
    const dim = grid.shift.length;
    const { pairs } = book.book.split;
    const n = values.length / dim;
    const slots = Math.min(n, host.info.threads);
    const slotWords = nearestListsScratchWords(keep);
    const [queries, keys, ids, scratch] = await allocAll(host, [
      ['u32', n * pairs, 'probing: queries'],
      ['i32', n * keep, 'probing: keys'],
      ['u32', n * keep, 'probing: lists'],
      ['u32', slots * slotWords, 'probing: scratch'],
    ]);
    try {
      host.write(queries, packValues(values, dim, splitOf(dim, 1)));
      const params = { n, pairs, ksub: nlist, weight: this.bounds.weight, keep, slots, slotWords };
      await host.run(new Recording().dispatch(nearestLists, { queries, centroids: book.centroids, terms, keys, ids, scratch }, params));
      return { keep, keys: host.view(keys).slice(), ids: host.view(ids).slice() };
    } finally {
      for (const block of [queries, keys, ids, scratch]) block[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    if (this.terms !== this.book.terms) this.terms[Symbol.dispose]();
  }
}
