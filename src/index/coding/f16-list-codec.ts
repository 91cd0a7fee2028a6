import { allocAll } from '../../host/alloc-all.ts';
import type { HostEngine } from '../../host/engine.ts';
import { LANES } from '../../kernels/canonical-distances.ts';
import { halfToFloat } from '../../kernels/cpu/half-distance.ts';
import { FORMS, type Form } from '../../kernels/graph.ts';
import { roundTiesToEven, roundUp } from '../../util/math.ts';
import type { Metric } from '../vector-index.ts';
import { type CodedQueries, codedQueries, type DeviceScoring, type ListCodec, normaliseSaid, type Probes } from './list-codec.ts';

/** The bits of the largest 16-bit float, and its value. */
const LARGEST_HALF = 0x7bff;
const LARGEST = 65_504;
/** Values are scaled so that the largest of the sample lies from half of this up to it: rows may be four times as large. */
const USUAL = 2 ** 14;
const SCALES = [2 ** -100, 2 ** 100] as const;
/** Scaled queries go no farther, so that no distance overflows. */
const FARTHEST = 2 ** 55;

/** Bytes of a row: 16-bit floats in whole lanes of canonical distances. */
export function f16Stride(dim: number): number {
  return 2 * roundUp(dim, LANES);
}

/** The power of two by which values of a sample become 16-bit floats. */
export function f16Scale(sample: Float32Array): number {
  let most = 0;
  for (const x of sample) most = Math.max(most, Math.abs(x));
  let scale = 1;
  while (most * scale > USUAL && scale > SCALES[0]) scale /= 2;
  while (most > 0 && most * scale <= USUAL / 2 && scale < SCALES[1]) scale *= 2;
  return scale;
}

/** Rows as 16-bit floats (IEEE 754's binary16), a power of two apart from what they are. */
export class F16ListCodec implements ListCodec {
  readonly form: Form;
  readonly withTerms = false;
  readonly stride: number;
  private readonly host: HostEngine;
  private readonly dim: number;
  private readonly scale: number;
  private readonly metric: Metric;

  constructor(host: HostEngine, dim: number, scale: number, metric: Metric) {
    this.host = host;
    this.dim = dim;
    this.scale = scale;
    this.metric = metric;
    this.form = metric === 'l2' ? FORMS.f16L2 : FORMS.f16Ip;
    this.stride = f16Stride(dim);
  }

  async encode(rows: Float32Array, lists: Uint32Array) {
    const { dim, stride, scale } = this;
    const codes = new Int8Array(lists.length * stride);
    const halves = new Uint16Array(codes.buffer);
    for (let i = 0; i < lists.length; i++) {
      for (let j = 0; j < dim; j++) halves[(i * stride) / 2 + j] = floatToHalf(rows[i * dim + j]! * scale);
    }
    return { codes, terms: undefined };
  }

  async queries(vectors: Float32Array, { lists }: Probes): Promise<CodedQueries> {
    const { host, dim, stride, scale } = this;
    const nq = vectors.length / dim;
    const [queries, shifts, probeTerms] = await allocAll(host, [
      ['i8', nq * 2 * stride, 'lists: queries'],
      ['u32', nq, 'lists: shifts'],
      ['i32', lists.length, 'lists: terms of probes'],
    ]);
    const bytes = host.view(queries);
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, (nq * stride) / 2);
    for (let at = 0; at < vectors.length; at++) {
      const scaled = Math.max(-FARTHEST, Math.min(FARTHEST, vectors[at]! * scale));
      values[(Math.floor(at / dim) * stride) / 2 + (at % dim)] = scaled;
    }
    return codedQueries(queries, shifts, probeTerms);
  }

  openScoring(): Promise<DeviceScoring> {
    throw new Error('no device scans these codes');
  }

  decode(codes: Int8Array, at: number, _list: number, out: Float32Array): void {
    const halves = new DataView(codes.buffer, codes.byteOffset + at, this.stride);
    for (let j = 0; j < this.dim; j++) out[j] = halfToFloat(halves.getUint16(2 * j, true)) / this.scale;
    if (this.metric === 'cosine') normaliseSaid(out);
  }

  [Symbol.dispose](): void {}
}

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** The bits of the 16-bit float nearest to a value, ties to even; the largest one for all beyond it. */
export function floatToHalf(value: number): number {
  float[0] = value;
  const sign = (word[0]! >>> 16) & 0x8000;
  const size = Math.abs(float[0]);
  if (size >= LARGEST) return sign | LARGEST_HALF;
  if (size < 2 ** -14) return sign | roundTiesToEven(size * 2 ** 24);
  const bits = word[0]! & 0x7fffffff;
  const rounded = bits + 0xfff + ((bits >>> 13) & 1);
  return sign | ((rounded >>> 13) - (112 << 10));
}
