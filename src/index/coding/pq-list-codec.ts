import { allocAll } from '../../host/alloc-all.ts';
import { type Block, rangeOf } from '../../host/block.ts';
import type { Engine, HostEngine } from '../../host/engine.ts';
import { type Form, NONE } from '../../kernels/graph.ts';
import type { TaskOptions } from '../../util/tasks.ts';
import { scaleFor } from '../sq8-codec.ts';
import type { Metric } from '../vector-index.ts';
import { toGrid } from './integer-grid.ts';
import { ListCentroids, residuals } from './list-centroids.ts';
import {
  type CodedQueries,
  codedQueries,
  type DeviceQueries,
  type DeviceScoring,
  type ListCodec,
  normaliseSaid,
  type Probes,
} from './list-codec.ts';
import { LoadedQuantizer, type ProductQuantizer } from './product-quantizer.ts';

/**
 * Product-quantiser codes of rows, or, with centroids of lists, of what is left of a row when its list's centroid C is taken from
 * it. All on one integer grid, so for squared distances (Jégou et al., TPAMI 2011, section IV)
 *
 *   |Q − C − R|² = |Q − C|² + 2 C · R + Σ (|R_m|² − 2 Q_m · R_m):
 *
 * a term of the probe, one of the row, and the sum of table entries; and for inner products −Q · C − Σ Q_m · R_m.
 */
export class PqListCodec implements ListCodec {
  readonly quantizer: ProductQuantizer;
  readonly withTerms: boolean;
  private readonly host: HostEngine;
  private readonly metric: Metric;
  private readonly loaded: LoadedQuantizer;
  private readonly scoring: LoadedQuantizer;
  /** Where codes are of what is left. */
  private readonly centroids: ListCentroids | undefined;

  private constructor(
    host: HostEngine,
    loaded: LoadedQuantizer,
    scoring: LoadedQuantizer,
    metric: Metric,
    centroids: ListCentroids | undefined,
  ) {
    this.host = host;
    this.loaded = loaded;
    this.scoring = scoring;
    this.metric = metric;
    this.quantizer = loaded.quantizer;
    this.centroids = centroids;
    this.withTerms = centroids !== undefined && scoring.quantizer.book.weight === 2;
  }

  /** `centroids` f32 [nlist, dim] are those of lists, where there are several. */
  static async open(
    host: HostEngine,
    quantizer: ProductQuantizer,
    metric: Metric,
    centroids: Float32Array | undefined,
  ): Promise<PqListCodec> {
    const loaded = await LoadedQuantizer.open(host, quantizer);
    const opened: Disposable[] = [loaded];
    try {
      const scoring = metric === 'ip' ? await LoadedQuantizer.open(host, quantizer.byProduct()) : loaded;
      if (scoring !== loaded) opened.push(scoring);
      const { dim } = quantizer.shape;
      const middles = centroids && (await ListCentroids.open(host, toGrid(centroids, quantizer.grid), dim));
      return new PqListCodec(host, loaded, scoring, metric, middles);
    } catch (error) {
      for (const thing of opened) thing[Symbol.dispose]();
      throw error;
    }
  }

  async openScoring(engine: Engine): Promise<DeviceScoring> {
    const scoring = await LoadedQuantizer.open(engine, this.scoring.quantizer);
    return {
      queries: (vectors, probes) => this.queriesOn(engine, scoring, vectors, probes),
      [Symbol.dispose]: () => scoring[Symbol.dispose](),
    };
  }

  get form(): Form {
    return this.quantizer.form;
  }

  get stride(): number {
    return this.quantizer.stride;
  }

  async encode(rows: Float32Array, lists: Uint32Array, options: TaskOptions) {
    const values = residuals(toGrid(rows, this.quantizer.grid), this.centroids, lists, this.quantizer.shape.dim);
    const codes = await this.loaded.encode(values, options);
    return { codes, terms: this.termsOf(codes, lists) };
  }

  /** ⌊2 C · R / 2^termShift⌋ of coded rows: i32 [n]. */
  termsOf(codes: Int8Array, lists: Uint32Array): Int32Array | undefined {
    if (!this.withTerms) return undefined;
    const { dim } = this.quantizer.shape;
    const unit = 2 ** this.termShift;
    const values = new Int16Array(dim);
    const { values: middles, width } = this.centroids!;
    return Int32Array.from(lists, (list, i) => {
      this.quantizer.decodeValues(codes, i * this.stride, values);
      let sum = 0;
      for (let j = 0; j < dim; j++) sum += middles[list * width + j]! * values[j]!;
      return Math.floor((2 * sum) / unit);
    });
  }

  async queries(vectors: Float32Array, probes: Probes): Promise<CodedQueries> {
    const { host } = this;
    const { dim } = this.quantizer.shape;
    const nq = vectors.length / dim;
    const values = this.onGrid(vectors);
    const least = this.leastShift;
    using made = await this.scoring.tables(values, least);
    const by = host.view(made.shifts).slice();
    const terms = this.centroids && (await this.probeTerms(values, probes, by));
    const [queries, shifts, probeTerms] = await allocAll(host, [
      ['i8', made.tables.length * 4, 'lists: tables'],
      ['u32', nq, 'lists: shifts'],
      ['i32', probes.lists.length, 'lists: terms of probes'],
    ]);
    const tables = host.view(made.tables);
    host.view(queries).set(new Int8Array(tables.buffer, tables.byteOffset, tables.byteLength));
    host.view(shifts).set(by.map((shift) => shift - least));
    host.view(probeTerms).set(terms ?? new Int32Array(probes.lists.length));
    return codedQueries(queries, shifts, probeTerms);
  }

  decode(codes: Int8Array, at: number, list: number, out: Float32Array): void {
    const { quantizer, centroids: lists } = this;
    const { shift, scale } = quantizer.grid;
    const { ksub, centroids, split } = quantizer.book;
    const { M, dsub, pairs } = split;
    const middles = lists?.values;
    let middle = middles ? list * lists!.width : 0;
    for (let sub = 0, j = 0; sub < M; sub++) {
      const from = (sub * ksub + quantizer.codeAt(codes, at, sub)) * 2 * pairs;
      for (let i = from; i < from + dsub; i++, j++) {
        const value = middles ? centroids[i]! + middles[middle++]! : centroids[i]!;
        out[j] = shift[j]! + Math.fround(value / scale);
      }
    }
    if (this.metric === 'cosine') normaliseSaid(out);
  }

  async decodeRows(codes: Block<'i8'>, places: Uint32Array, rows: Block<'f32'>, width: number): Promise<void> {
    // Centroids of lists are padded alike, to whole lanes.
    await this.loaded.decode(codes, places, this.centroids?.block, rows, width);
    if (this.metric !== 'cosine') return;
    const { dim } = this.quantizer.shape;
    const view = this.host.view(rows);
    for (let at = 0; at < (places.length / 2) * width; at += width) normaliseSaid(view.subarray(at, at + dim));
  }

  [Symbol.dispose](): void {
    this.loaded[Symbol.dispose]();
    if (this.scoring !== this.loaded) this.scoring[Symbol.dispose]();
    this.centroids?.[Symbol.dispose]();
  }

  private get leastShift(): number {
    return this.centroids ? this.termShift : 0;
  }

  /** Whether keys are squared distances. */
  private get isSquared(): boolean {
    return this.scoring.quantizer.book.weight === 2;
  }

  /** Queries f32 [n, dim] on the grid; for inner products each by a scale of its own, since only the order of its keys matters. */
  private onGrid(queries: Float32Array): Int16Array {
    const { grid, shape } = this.quantizer;
    if (this.isSquared) return toGrid(queries, grid);
    const values = new Int16Array(queries.length);
    for (let at = 0; at < queries.length; at += shape.dim) {
      const query = queries.subarray(at, at + shape.dim);
      const reach = query.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      values.set(toGrid(query, { ...grid, scale: scaleFor(reach, 2 ** grid.bits - 1) }), at);
    }
    return values;
  }

  /** Tables stay where they are made; their shifts come back, since terms of probes are in their units. */
  private async queriesOn(engine: Engine, scoring: LoadedQuantizer, vectors: Float32Array, probes: Probes): Promise<DeviceQueries> {
    const { shape } = this.quantizer;
    const values = this.onGrid(vectors);
    const made = await scoring.tables(values, this.leastShift);
    const none = { shifts: new Uint32Array(vectors.length / shape.dim), probeTerms: new Int32Array(probes.lists.length) };
    const dispose = () => made[Symbol.dispose]();
    if (!this.centroids) return { queries: made.tables, ...none, [Symbol.dispose]: dispose };
    try {
      const [by] = await engine.read([rangeOf(made.shifts)] as const);
      const shifts = by.map((shift) => shift - this.leastShift);
      const probeTerms = await this.probeTerms(values, probes, by);
      return { queries: made.tables, shifts, probeTerms, [Symbol.dispose]: dispose };
    } catch (error) {
      dispose();
      throw error;
    }
  }

  /**
   * 2 C · R of a row may pass 32 bits: it is kept without its lowest bits. 4 · dim · 4^bits bounds it, and what a list lacks of
   * another, so that keys stay below 2^30 and their order is that of distances.
   */
  private get termShift(): number {
    const { grid, shape } = this.quantizer;
    let shift = 0;
    while ((4 * shape.dim * 4 ** grid.bits) / 2 ** shift >= 2 ** 29) shift++;
    return shift;
  }

  /** What the nearest list lacks of each probed one, in units of the query's table: i32 [nq, nprobe]. */
  private async probeTerms(values: Int16Array, probes: Probes, shifts: Uint32Array): Promise<Int32Array> {
    const { lists, nprobe } = probes;
    const terms = new Int32Array(lists.length);
    const scores = await this.centroids!.scores(values, this.quantizer.shape.dim, probes, this.isSquared);
    for (let q = 0; q < shifts.length; q++) {
      let least = Infinity;
      for (let p = q * nprobe; p < (q + 1) * nprobe; p++) if (lists[p] !== NONE) least = Math.min(least, scores[p]!);
      const unit = 2 ** shifts[q]!;
      for (let p = q * nprobe; p < (q + 1) * nprobe; p++) terms[p] = lists[p] === NONE ? 0 : Math.floor((scores[p]! - least) / unit);
    }
    return terms;
  }
}
