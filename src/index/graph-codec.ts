/** Encodes what a graph is walked on: rows and queries as the codec's plan has them. */
import { allocAll } from '../host/alloc-all.ts';
import type { Block } from '../host/block.ts';
import type { HostEngine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { FORMS, isCoded, queryStride, SQ4_QUERY_STEPS, sq4Code, TERM_BYTES } from '../kernels/graph.ts';
import { LAYOUT_ROWS, sq8Encode } from '../kernels/sq8-encode.ts';
import type { CodecPlan } from './graph-plan.ts';
import { ROW_RANGE, SHORT_RANGE, scaleFor } from './sq8-codec.ts';

/** Nodes as queries, i8 [nodes, queryStride]: their codes without the terms, or, of SQ4, in a query's finer steps. */
export function nodesAsQueries({ form, stride }: CodecPlan, codes: Int8Array, nodes: Uint32Array, out: Int8Array): void {
  const width = queryStride(form, stride);
  for (const [i, node] of nodes.entries()) {
    const at = node * stride;
    if (form === FORMS.sq4L2) {
      for (let j = 0; j < width; j++) out[i * width + j] = SQ4_QUERY_STEPS * sq4Code(codes, at, j);
      continue;
    }
    out.set(codes.subarray(at, at + stride), i * width);
    if (isCoded(form)) out.fill(0, (i + 1) * width - TERM_BYTES, (i + 1) * width);
  }
}

/** Encodes rows and queries on the host. */
export class GraphCodec implements Disposable {
  readonly plan: CodecPlan;
  private readonly host: HostEngine;
  private readonly shift: Block<'f32'>;

  private constructor(host: HostEngine, plan: CodecPlan, shift: Block<'f32'>) {
    this.host = host;
    this.plan = plan;
    this.shift = shift;
  }

  static async open(host: HostEngine, plan: CodecPlan): Promise<GraphCodec> {
    const shift = await host.alloc('f32', plan.dim, 'graph: shift');
    if (plan.grid) host.write(shift, plan.grid.shift);
    return new GraphCodec(host, plan, shift);
  }

  /** [dim], on the host. */
  get shiftBlock(): Block<'f32'> {
    return this.shift;
  }

  /** Codes of rows f32 [n, dim] as the graph holds them: a new block i8 [n, stride]. */
  encodeRows(vectors: Float32Array): Promise<Block<'i8'>> {
    const { form } = this.plan;
    if (!isCoded(form)) return this.pad(vectors);
    return form === FORMS.sq4L2 ? this.encodeShortRows(vectors) : this.encodeLongRows(vectors);
  }

  /** Codes of queries f32 [n, dim]: a new block i8 [n, queryStride]. */
  async encodeQueries(vectors: Float32Array): Promise<Block<'i8'>> {
    const { dim, form, stride, grid } = this.plan;
    if (!isCoded(form)) return this.pad(vectors);
    const steps = form === FORMS.sq4L2 ? SQ4_QUERY_STEPS : 1;
    const scales = form === FORMS.sq8Ip ? ownScales(vectors, dim) : steps * grid!.scale;
    const { codes, sums } = await this.encode(vectors, scales, ROW_RANGE, queryStride(form, stride));
    sums[Symbol.dispose]();
    return codes;
  }

  [Symbol.dispose](): void {
    this.shift[Symbol.dispose]();
  }

  private async encodeLongRows(vectors: Float32Array): Promise<Block<'i8'>> {
    const { form, stride, grid } = this.plan;
    const { codes, sums } = await this.encode(vectors, grid!.scale, ROW_RANGE, stride);
    if (form === FORMS.sq8L2) writeTerms(this.host.view(codes), this.host.view(sums), stride, 1);
    sums[Symbol.dispose]();
    return codes;
  }

  private async encodeShortRows(vectors: Float32Array): Promise<Block<'i8'>> {
    const { host } = this;
    const { dim, form, stride, grid } = this.plan;
    const width = queryStride(form, stride);
    const { codes, sums } = await this.encode(vectors, grid!.scale, SHORT_RANGE, width);
    try {
      const packed = await host.alloc('i8', (vectors.length / dim) * stride, 'graph: codes');
      packShort(host.view(codes), host.view(packed), width, stride);
      writeTerms(host.view(packed), host.view(sums), stride, 4);
      return packed;
    } finally {
      codes[Symbol.dispose]();
      sums[Symbol.dispose]();
    }
  }

  /** Codes i8 [n, width], zeros past dim, and their sums i32 [n, 2]. */
  private async encode(
    vectors: Float32Array,
    scale: number | Float32Array,
    range: typeof ROW_RANGE | typeof SHORT_RANGE,
    width: number,
  ): Promise<{ codes: Block<'i8'>; sums: Block<'i32'> }> {
    const { host } = this;
    const { dim } = this.plan;
    const n = vectors.length / dim;
    using input = await host.alloc('f32', n * dim, 'graph: rows to code');
    using scales = await host.alloc('f32', n, 'graph: scales');
    using steps = await host.alloc('f64', n, 'graph: steps');
    using errors = await host.alloc('f64', n, 'graph: errors');
    const [codes, sums] = await allocAll(host, [
      ['i8', n * width, 'graph: codes'],
      ['i32', 2 * n, 'graph: sums'],
    ]);
    host.write(input, vectors);
    const scaleView = host.view(scales);
    if (typeof scale === 'number') scaleView.fill(scale);
    else scaleView.set(scale);
    const stepView = host.view(steps);
    for (let i = 0; i < n; i++) stepView[i] = 1 / scaleView[i]!;
    const blocks = { vectors: input, shift: this.shift, scales, steps, codes, sums, errors };
    try {
      await host.run(new Recording().dispatch(sq8Encode, blocks, { n, dim, words: width / 4, layout: LAYOUT_ROWS, ...range }));
    } catch (error) {
      codes[Symbol.dispose]();
      sums[Symbol.dispose]();
      throw error;
    }
    return { codes, sums };
  }

  private async pad(vectors: Float32Array): Promise<Block<'i8'>> {
    const { host, plan } = this;
    const n = vectors.length / plan.dim;
    const block = await host.alloc('i8', n * plan.stride, 'graph: rows');
    const bytes = host.view(block);
    const floats = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
    for (let i = 0; i < n; i++) floats.set(vectors.subarray(i * plan.dim, (i + 1) * plan.dim), (i * plan.stride) / 4);
    return block;
  }
}

/** `times` |c|² of each row into its last four bytes. */
function writeTerms(codes: Int8Array, sums: Int32Array, stride: number, times: number): void {
  const words = new Int32Array(codes.buffer, codes.byteOffset, codes.byteLength / 4);
  for (let row = 0; row < sums.length / 2; row++) words[((row + 1) * stride) / 4 - 1] = times * sums[2 * row]!;
}

/** Codes 0..15, i8 [n, width], two to a byte: i8 [n, stride] as graph.ts has them. */
function packShort(codes: Int8Array, packed: Int8Array, width: number, stride: number): void {
  for (let from = 0, to = 0; from < codes.length; from += width, to += stride) {
    for (let j = 0; j < width; j++) {
      if (j & 16) continue;
      packed[to + (j >> 5) * 16 + (j & 15)] = codes[from + j]! | (codes[from + j + 16]! << 4);
    }
  }
}

/** A scale for each query of inner products: its own, since only the order of its keys matters. */
function ownScales(vectors: Float32Array, dim: number): Float32Array {
  return Float32Array.from({ length: vectors.length / dim }, (_, q) => {
    let reach = 0;
    for (let j = q * dim; j < (q + 1) * dim; j++) reach = Math.max(reach, Math.abs(vectors[j]!));
    return scaleFor(reach, 127);
  });
}
