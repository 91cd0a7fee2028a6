import { allocAll } from '../../host/alloc-all.ts';
import type { Engine, HostEngine } from '../../host/engine.ts';
import { decode } from '../../kernels/cpu/refine-lists.ts';
import type { Form } from '../../kernels/graph.ts';
import { type CodecPlan, GraphCodec } from '../graph-codec.ts';
import { type CodedQueries, codedQueries, type DeviceScoring, type ListCodec, normaliseSaid, type Probes } from './list-codec.ts';

/** SQ8 codes of whole rows, as graphs have them. */
export class Sq8ListCodec implements ListCodec {
  readonly withTerms = false;
  readonly plan: CodecPlan;
  private readonly host: HostEngine;
  private readonly codec: GraphCodec;

  private constructor(host: HostEngine, codec: GraphCodec) {
    this.host = host;
    this.codec = codec;
    this.plan = codec.plan;
  }

  static async open(host: HostEngine, plan: CodecPlan): Promise<Sq8ListCodec> {
    return new Sq8ListCodec(host, await GraphCodec.open(host, plan));
  }

  get form(): Form {
    return this.plan.form;
  }

  get stride(): number {
    return this.plan.stride;
  }

  async encode(rows: Float32Array) {
    using codes = await this.codec.encodeRows(rows);
    return { codes: this.host.view(codes).slice(), terms: undefined };
  }

  async queries(vectors: Float32Array, { lists }: Probes): Promise<CodedQueries> {
    const [shifts, probeTerms] = await allocAll(this.host, [
      ['u32', vectors.length / this.plan.dim, 'lists: shifts'],
      ['i32', lists.length, 'lists: terms of probes'],
    ]);
    try {
      const queries = await this.codec.encodeQueries(vectors);
      return codedQueries(queries, shifts, probeTerms);
    } catch (error) {
      for (const block of [shifts, probeTerms]) block[Symbol.dispose]();
      throw error;
    }
  }

  async openScoring(engine: Engine): Promise<DeviceScoring> {
    return {
      queries: async (vectors, { lists }) => {
        using codes = await this.codec.encodeQueries(vectors);
        const queries = await engine.alloc('u32', codes.length / 4, 'lists: queries');
        const bytes = this.host.view(codes);
        engine.write(queries, new Uint32Array(bytes.buffer, bytes.byteOffset, queries.length));
        const [shifts, probeTerms] = [new Uint32Array(vectors.length / this.plan.dim), new Int32Array(lists.length)];
        return { queries, shifts, probeTerms, [Symbol.dispose]: () => queries[Symbol.dispose]() };
      },
      [Symbol.dispose]() {},
    };
  }

  decode(codes: Int8Array, at: number, _list: number, out: Float32Array): void {
    const { dim, grid, metric } = this.plan;
    decode(codes, at, grid!.shift, Math.fround(1 / grid!.scale), dim, out);
    if (metric === 'cosine') normaliseSaid(out);
  }

  [Symbol.dispose](): void {
    this.codec[Symbol.dispose]();
  }
}
