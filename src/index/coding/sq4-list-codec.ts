import { allocAll } from '../../host/alloc-all.ts';
import type { HostEngine } from '../../host/engine.ts';
import { FORMS, type Form } from '../../kernels/graph.ts';
import type { Metric } from '../vector-index.ts';
import { type CodedQueries, codedQueries, type DeviceScoring, type ListCodec, normaliseSaid, type Probes } from './list-codec.ts';
import { levelOf, type ScalarRanges } from './scalar-ranges.ts';
import { Sq4Scores, sq4Stride } from './sq4-scores.ts';

/** SQ4: of each value of a row, less that of the list's centroid, a number of 4 bits. Two share a byte, the first in its low half. */
export class Sq4ListCodec implements ListCodec {
  readonly form: Form = FORMS.sq4;
  readonly stride: number;
  readonly withTerms: boolean;
  private readonly host: HostEngine;
  private readonly ranges: ScalarRanges;
  private readonly metric: Metric;
  private readonly scores: Sq4Scores;
  /** f32 [nlist, dim], or zeros of one list. */
  private readonly centroids: Float32Array;

  constructor(host: HostEngine, ranges: ScalarRanges, metric: Metric, centroids: Float32Array | undefined) {
    const dim = ranges.low.length;
    this.host = host;
    this.ranges = ranges;
    this.stride = sq4Stride(dim);
    this.centroids = centroids ?? new Float32Array(dim);
    this.scores = new Sq4Scores(ranges, this.centroids, metric === 'ip');
    this.withTerms = metric !== 'ip';
    this.metric = metric;
  }

  async encode(rows: Float32Array, lists: Uint32Array) {
    const { low, step } = this.ranges;
    const dim = low.length;
    const codes = new Int8Array(lists.length * this.stride);
    for (const [i, list] of lists.entries()) {
      for (let j = 0; j < dim; j++) {
        const c = levelOf(rows[i * dim + j]! - this.centroids[list * dim + j]!, low[j]!, step[j]!);
        codes[i * this.stride + (j >> 1)]! |= c << (4 * (j & 1));
      }
    }
    return { codes, terms: this.termsOf(codes, lists) };
  }

  termsOf(codes: Int8Array, lists: Uint32Array): Int32Array | undefined {
    if (!this.withTerms) return undefined;
    const numbers = new Uint8Array(this.ranges.low.length);
    return Int32Array.from(lists, (list, i) => {
      for (let j = 0; j < numbers.length; j++) numbers[j] = numberAt(codes, i * this.stride, j);
      return this.scores.term(numbers, list);
    });
  }

  async queries(vectors: Float32Array, { lists, nprobe }: Probes): Promise<CodedQueries> {
    const { host, scores, stride } = this;
    const dim = this.ranges.low.length;
    const nq = vectors.length / dim;
    const [queries, shifts, probeTerms] = await allocAll(host, [
      ['i8', nq * 4 * stride, 'lists: weights'],
      ['u32', nq, 'lists: shifts'],
      ['i32', lists.length, 'lists: terms of probes'],
    ]);
    const bytes = host.view(queries);
    const weights = new Int16Array(bytes.buffer, bytes.byteOffset, nq * 2 * stride);
    const terms = host.view(probeTerms);
    for (let q = 0; q < nq; q++) {
      const query = vectors.subarray(q * dim, (q + 1) * dim);
      const { shift, unit } = scores.weigh(query, weights.subarray(q * 2 * stride, q * 2 * stride + dim));
      host.view(shifts)[q] = shift;
      const of = [q * nprobe, (q + 1) * nprobe] as const;
      scores.places.probes(query, lists.subarray(...of), unit, terms.subarray(...of));
    }
    return codedQueries(queries, shifts, probeTerms);
  }

  openScoring(): Promise<DeviceScoring> {
    throw new Error('no device scans these codes');
  }

  decode(codes: Int8Array, at: number, list: number, out: Float32Array): void {
    const { low, step } = this.ranges;
    for (let j = 0; j < low.length; j++) {
      const own = Math.fround(low[j]! + Math.fround(numberAt(codes, at, j) * step[j]!));
      out[j] = own + this.centroids[list * low.length + j]!;
    }
    if (this.metric === 'cosine') normaliseSaid(out);
  }

  [Symbol.dispose](): void {}
}

/** Number j of the code that begins at a byte. */
function numberAt(codes: Int8Array, at: number, j: number): number {
  return (codes[at + (j >> 1)]! >> (4 * (j & 1))) & 15;
}
