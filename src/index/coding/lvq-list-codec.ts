import { allocAll } from '../../host/alloc-all.ts';
import type { HostEngine } from '../../host/engine.ts';
import { QUERY_BLOCK } from '../../kernels/cpu/block-dot.ts';
import { FORMS, type Form } from '../../kernels/graph.ts';
import type { Metric } from '../vector-index.ts';
import { type CodedQueries, codedQueries, type DeviceScoring, type ListCodec, normaliseSaid, type Probes } from './list-codec.ts';
import { MOST } from './list-places.ts';
import { LvqCodes, type LvqPlan } from './lvq-codes.ts';
import { LvqScores } from './lvq-scores.ts';
import { turningError } from './turning-error.ts';

/** Of terms of rows and of probes: what rounding takes off a key, in units. */
const ROUNDED = 3;

/** Locally adaptive codes of rows that are turned to their principal axes (lvq-codes.ts). */
export class LvqListCodec implements ListCodec {
  readonly form: Form = FORMS.lvq;
  readonly withTerms: boolean;
  readonly plan: LvqPlan;
  private readonly host: HostEngine;
  private readonly metric: Metric;
  private readonly codes: LvqCodes;
  private readonly scores: LvqScores;
  /** f32 [nlist, dim], or zeros of one list. */
  private readonly centroids: Float32Array;

  constructor(host: HostEngine, plan: LvqPlan, metric: Metric, centroids: Float32Array | undefined) {
    this.host = host;
    this.plan = plan;
    this.metric = metric;
    this.codes = new LvqCodes(plan);
    this.centroids = centroids ?? new Float32Array(plan.offset.length);
    this.scores = new LvqScores(plan, this.centroids, metric === 'ip');
    this.withTerms = metric !== 'ip';
  }

  get stride(): number {
    return this.codes.stride;
  }

  async encode(rows: Float32Array, lists: Uint32Array) {
    const { codes, stride, scores, plan, centroids } = this;
    const dim = plan.offset.length;
    const out = new Int8Array(lists.length * stride);
    const terms = new Int32Array(this.withTerms ? lists.length : 0);
    const [left, said] = [new Float64Array(codes.width), new Float64Array(codes.width)];
    for (const [i, list] of lists.entries()) {
      let [squares, taken] = [0, 0];
      for (let j = 0; j < dim; j++) {
        const [x, away] = [rows[i * dim + j]!, centroids[list * dim + j]! + plan.offset[j]!];
        left[j] = x - away;
        squares += x * x;
        taken += away * away;
      }
      const lost = codes.write(left, out, i * stride, said);
      codes.putError(
        out,
        i * stride,
        Math.sqrt(lost) * (1 + 1e-9) + Math.sqrt(taken) * 2 ** -45 + turningError(plan.rotation, Math.sqrt(squares)),
      );
      if (this.withTerms) terms[i] = scores.term(said, list);
    }
    return { codes: out, terms: this.withTerms ? terms : undefined };
  }

  termsOf(codes: Int8Array, lists: Uint32Array): Int32Array | undefined {
    if (!this.withTerms) return undefined;
    const said = new Float64Array(this.codes.width);
    return Int32Array.from(lists, (list, i) => {
      this.codes.read(codes, i * this.stride, said);
      return this.scores.term(said, list);
    });
  }

  async queries(vectors: Float32Array, { lists, nprobe }: Probes): Promise<CodedQueries> {
    const { host, scores, plan } = this;
    const dim = plan.offset.length;
    const nq = vectors.length / dim;
    const bytes = plan.bits.length * QUERY_BLOCK;
    const [queries, shifts, probeTerms] = await allocAll(host, [
      ['i8', nq * bytes, 'lists: weights'],
      ['u32', nq, 'lists: shifts'],
      ['i32', lists.length, 'lists: terms of probes'],
    ]);
    const [all, terms] = [host.view(queries), host.view(probeTerms)];
    const view = new DataView(all.buffer, all.byteOffset, nq * bytes);
    const scoreOf = Array.from({ length: nq }, (_, q) => {
      const query = vectors.subarray(q * dim, (q + 1) * dim);
      const { shift, unit, error } = scores.weigh(query, view, q * bytes);
      host.view(shifts)[q] = shift;
      const of = [q * nprobe, (q + 1) * nprobe] as const;
      const least = scores.places.probes(query, lists.subarray(...of), unit, terms.subarray(...of));
      const far = terms.subarray(...of).some((term) => term >= MOST); // no upper bound holds of rows there
      return { least, unit, error: far ? Infinity : error + ROUNDED * unit + 1e-9 * Math.abs(least) };
    });
    return { ...codedQueries(queries, shifts, probeTerms), scores: scoreOf };
  }

  openScoring(): Promise<DeviceScoring> {
    throw new Error('no device scans these codes');
  }

  decode(codes: Int8Array, at: number, list: number, out: Float32Array): void {
    const { offset } = this.plan;
    const said = new Float64Array(this.codes.width);
    this.codes.read(codes, at, said);
    for (let j = 0; j < offset.length; j++) out[j] = said[j]! + (this.centroids[list * offset.length + j]! + offset[j]!);
    if (this.metric === 'cosine') normaliseSaid(out);
  }

  /** No turned row that a code says is longer. */
  get longest(): number {
    const { offset, longest } = this.plan;
    let most = 0;
    for (let from = 0; from < this.centroids.length; from += offset.length) {
      let squares = 0;
      for (let j = 0; j < offset.length; j++) squares += (this.centroids[from + j]! + offset[j]!) ** 2;
      most = Math.max(most, squares);
    }
    return (Math.sqrt(most) + longest) * (1 + 1e-9);
  }

  errorAt(codes: Int8Array, at: number): number {
    return this.codes.errorAt(codes, at);
  }

  [Symbol.dispose](): void {}
}
