/** A trained plan at work: on an engine, it transforms, assigns, codes and probes. */
import type { Engine } from '../../host/engine.ts';
import type { TaskOptions } from '../../util/tasks.ts';
import type { Metric } from '../vector-index.ts';
import { BitListCodec, toSigns } from './bit-list-codec.ts';
import { Coarse } from './coarse.ts';
import { centroidVectors } from './coarse-plan.ts';
import { F16ListCodec } from './f16-list-codec.ts';
import { applyTransform, invertTransform, type LinearTransform, LoadedTransform } from './linear-transform.ts';
import { centroidWidth } from './list-centroids.ts';
import type { ListCodec } from './list-codec.ts';
import type { CodedRows } from './lists.ts';
import { LvqListCodec } from './lvq-list-codec.ts';
import type { TrainedPlan } from './plan.ts';
import { PqListCodec } from './pq-list-codec.ts';
import { Sq4ListCodec } from './sq4-list-codec.ts';
import { Sq8ListCodec } from './sq8-list-codec.ts';

export class Trained implements Disposable {
  readonly plan: TrainedPlan & { readonly transforms: readonly LoadedTransform[] };
  readonly codec: ListCodec;
  readonly coarse: Coarse | undefined;
  private readonly engine: Engine;

  private constructor(engine: Engine, plan: Trained['plan'], codec: ListCodec, coarse: Coarse | undefined) {
    this.engine = engine;
    this.plan = plan;
    this.codec = codec;
    this.coarse = coarse;
  }

  static async open(engine: Engine, plan: TrainedPlan, metric: Metric): Promise<Trained> {
    const opened: Disposable[] = [];
    const keep = <T extends Disposable>(thing: T): T => {
      opened.push(thing);
      return thing;
    };
    try {
      const transforms: LoadedTransform[] = [];
      for (const transform of plan.transforms) transforms.push(keep(await LoadedTransform.open(engine.host, transform)));
      const codec = keep(await openCodec(engine, plan, metric));
      const coarse = plan.coarse && keep(await Coarse.open(engine, plan.coarse, metric));
      return new Trained(engine, { ...plan, transforms }, codec, coarse);
    } catch (error) {
      for (const thing of opened) thing[Symbol.dispose]();
      throw error;
    }
  }

  get nlist(): number {
    return this.plan.coarse?.nlist ?? 1;
  }

  /** What distances between transformed vectors are measured by. */
  metricOf(metric: Metric): Metric {
    return this.plan.codec.kind === 'bits' ? 'l2' : metric;
  }

  /** Values of a transformed vector. */
  dimOf(dim: number): number {
    return this.chain.at(-1)?.dimOut ?? dim;
  }

  /** Bytes that do not grow with the rows: rotations and centroids. */
  get bytes(): number {
    const { codec } = this.plan;
    const matrices = this.chain.reduce((sum, { matrix }) => sum + matrix.byteLength, 0);
    const centroids = codec.kind === 'pq' ? 2 * codec.quantizer.book.centroids.byteLength : 0;
    const middles = codec.kind === 'pq' && this.coarse ? 2 * this.nlist * centroidWidth(codec.quantizer.shape.dim) : 0;
    const centred = 4 * this.nlist; // lists' centroids, each value of which a codec of numbers holds
    const ranges = codec.kind === 'sq4' ? (centred + 8) * codec.ranges.low.length : 0;
    const blocks = codec.kind === 'lvq' ? (centred + 4) * codec.plan.offset.length + 5 * codec.plan.bits.length : 0;
    return matrices + centroids + middles + ranges + blocks + (this.coarse?.bytes ?? 0);
  }

  /** All that vectors go through before they are coded. */
  private get chain(): readonly LinearTransform[] {
    const { transforms, codec } = this.plan;
    if (codec.kind === 'lvq') return [...transforms, codec.plan.rotation];
    return codec.kind === 'bits' ? [...transforms, codec.planes] : transforms;
  }

  /** Vectors f32 [n, dim] as lists hold them. */
  async transform(vectors: Float32Array, options: TaskOptions): Promise<Float32Array> {
    let out = vectors;
    for (const one of this.chain) out = await applyTransform(this.engine.host, one, out, { signal: options.signal });
    return this.plan.codec.kind === 'bits' ? toSigns(out) : out;
  }

  /** A transformed vector back among those that were added, to f32 [dim]. */
  invert(vector: Float32Array, out: Float32Array): void {
    let from = vector;
    for (const [i, one] of [...this.chain.entries()].reverse()) {
      const to = i === 0 ? out : new Float32Array(one.dimIn);
      invertTransform(one, from, to);
      from = to;
    }
    if (from === vector) out.set(vector);
  }

  /** Codes of rows f32 [n, dim], the first of which is row `first`. */
  async code(vectors: Float32Array, first: number, dim: number, options: TaskOptions): Promise<CodedRows> {
    const rows = await this.transform(vectors, options);
    const lists = (await this.coarse?.assign(rows, options)) ?? new Uint32Array(vectors.length / dim);
    return { first, lists, ...(await this.codec.encode(rows, lists, { signal: options.signal })) };
  }

  [Symbol.dispose](): void {
    for (const transform of this.plan.transforms) transform[Symbol.dispose]();
    this.codec[Symbol.dispose]();
    this.coarse?.[Symbol.dispose]();
  }
}

function openCodec(engine: Engine, { codec, coarse }: TrainedPlan, metric: Metric): Promise<ListCodec> {
  switch (codec.kind) {
    case 'sq8':
      return Sq8ListCodec.open(engine.host, codec.plan);
    case 'pq':
      return PqListCodec.open(engine.host, codec.quantizer, metric, coarse && centroidVectors(coarse));
    case 'f16':
      return Promise.resolve(new F16ListCodec(engine.host, codec.dim, codec.scale, metric));
    case 'lvq':
      return Promise.resolve(new LvqListCodec(engine.host, codec.plan, metric, coarse && centroidVectors(coarse)));
    case 'sq4':
      return Promise.resolve(new Sq4ListCodec(engine.host, codec.ranges, metric, coarse && centroidVectors(coarse)));
    case 'bits':
      return Promise.resolve(new BitListCodec(engine.host, codec.planes.dimOut));
  }
}
