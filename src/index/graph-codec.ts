/**
 * What a graph is walked on: each row as bytes that are scored by integers (SQ8), or, where 8 bits are too coarse for the
 * data, by canonical distances. Chosen once from a sample, kept with the index, and the same for the same sample everywhere.
 */
import { allocAll, disposeAll } from '../host/alloc-all.ts';
import type { Block } from '../host/block.ts';
import type { HostEngine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { LANES } from '../kernels/canonical-distances.ts';
import { FORMS, type Form, isSq8, sq8Stride } from '../kernels/graph.ts';
import { LAYOUT_ROWS, sq8Encode } from '../kernels/sq8-encode.ts';
import { sq8Limbs } from '../kernels/sq8-limbs.ts';
import { roundUp } from '../util/math.ts';
import { writeSlacks } from './graph-slacks.ts';
import { type Grid, gridOf, ROW_RANGE, scaleFor } from './sq8-codec.ts';
import type { Metric } from './vector-index.ts';

/** A trained codec, as the index file keeps it. */
export interface CodecPlan {
  readonly dim: number;
  readonly metric: Metric;
  readonly form: Form;
  /** Bytes of a coded row. */
  readonly stride: number;
  /** SQ8 forms: what codes mean. */
  readonly grid: Pick<Grid, 'shift' | 'scale'> | undefined;
}

/** Sampled rows that a grid is judged by, and those of them whose neighbours are looked for. */
const JUDGED_ROWS = 1024;
const JUDGED_QUERIES = 64;
/** A row is coded well when its codes lose at most this share of the distance to its nearest neighbour in the sample. */
const LOSS = 0.25;
/** Share of judged rows that must be coded well. */
const WELL_CODED = 0.95;

/** The codec for data like the sample, f32 [n, dim], normalised under cosine. `sq8` insists on codes. */
export function trainCodec(sample: Float32Array, dim: number, metric: Metric, sq8 = false): CodecPlan {
  const grid = gridOf(sample, dim, metric !== 'ip');
  if (!sq8 && !fine(sample, dim, grid)) return canonicalPlan(dim, metric);
  return sq8Plan(dim, metric, grid);
}

/** Whether a plan still suits data like the sample: rows that came later may lie outside its grid, or closer than its steps. */
export function suits({ dim, grid }: CodecPlan, sample: Float32Array): boolean {
  return !grid || fine(sample, dim, grid);
}

export function sq8Plan(dim: number, metric: Metric, { shift, scale }: Pick<Grid, 'shift' | 'scale'>): CodecPlan {
  return { dim, metric, form: metric === 'ip' ? FORMS.sq8Ip : FORMS.sq8L2, stride: sq8Stride(dim), grid: { shift, scale } };
}

export function canonicalPlan(dim: number, metric: Metric): CodecPlan {
  const form = { l2: FORMS.f32L2, ip: FORMS.f32Ip, cosine: FORMS.f32Cosine }[metric];
  return { dim, metric, form, stride: roundUp(dim, LANES) * 4, grid: undefined };
}

type CodingBlocks = readonly [Block<'f32'>, Block<'f32'>, Block<'f64'>, Block<'i32'>, Block<'f64'>];

/** Encodes rows and queries on the host. */
export class GraphCodec implements Disposable {
  readonly plan: CodecPlan;
  readonly host: HostEngine;
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

  /** Codes of rows f32 [n, dim] as the graph holds them: a new block i8 [n, stride]; into `limbs`, where given, SQ8's lower limbs. */
  encodeRows(vectors: Float32Array, limbs?: Block<'i8'>): Promise<Block<'i8'>> {
    return isSq8(this.plan.form) ? this.encode(vectors, true, limbs) : this.pad(vectors);
  }

  /** Codes of queries f32 [n, dim]: a new block i8 [n, stride], without terms. Limbs as of rows. */
  encodeQueries(vectors: Float32Array, limbs?: Block<'i8'>): Promise<Block<'i8'>> {
    return isSq8(this.plan.form) ? this.encode(vectors, false, limbs) : this.pad(vectors);
  }

  [Symbol.dispose](): void {
    this.shift[Symbol.dispose]();
  }

  private async encode(vectors: Float32Array, rows: boolean, limbs: Block<'i8'> | undefined): Promise<Block<'i8'>> {
    const { host, plan } = this;
    const { dim, stride, form } = plan;
    const n = vectors.length / dim;
    const work = await this.codingBlocks(n);
    try {
      using lengths = limbs && (await host.alloc('f64', 2 * n, 'graph: lengths'));
      const codes = await host.alloc('i8', n * stride, 'graph: codes');
      host.write(work[0], vectors);
      this.setScales(work, vectors, rows);
      const recording = new Recording();
      this.recordCoding(recording, work, codes);
      if (lengths) this.recordLimbs(recording, work, codes, { limbs: limbs!, lengths });
      try {
        await host.run(recording);
      } catch (error) {
        codes[Symbol.dispose]();
        throw error;
      }
      if (lengths) writeSlacks(plan, host.view(limbs!), { lengths: host.view(lengths), scales: host.view(work[1]) }, rows);
      if (rows && form === FORMS.sq8L2) writeTerms(host.view(codes), host.view(work[3]), stride);
      return codes;
    } finally {
      disposeAll(work);
    }
  }

  private recordLimbs(
    recording: Recording,
    [vectors, scales, steps]: CodingBlocks,
    codes: Block<'i8'>,
    out: { readonly limbs: Block<'i8'>; readonly lengths: Block<'f64'> },
  ): void {
    const { dim, stride } = this.plan;
    recording.dispatch(sq8Limbs, { vectors, shift: this.shift, scales, steps, codes, ...out }, { n: scales.length, dim, stride });
  }

  /** What coding n rows takes beside the codes: rows f32 [n, dim], scales, steps, sums, errors. */
  codingBlocks(n: number): Promise<CodingBlocks> {
    return allocAll(this.host, [
      ['f32', n * this.plan.dim, 'graph: rows to code'],
      ['f32', n, 'graph: scales'],
      ['f64', n, 'graph: steps'],
      ['i32', 2 * n, 'graph: sums'],
      ['f64', n, 'graph: errors'],
    ]);
  }

  /** Scales of rows, or of queries, which under inner products have their own each. */
  setScales([, scales, steps]: CodingBlocks, vectors: Float32Array, rows: boolean): void {
    const { host, plan } = this;
    const scaleView = host.view(scales);
    if (!rows && plan.form === FORMS.sq8Ip) ownScales(vectors, plan.dim, scaleView);
    else scaleView.fill(plan.grid!.scale);
    const stepView = host.view(steps);
    for (let i = 0; i < stepView.length; i++) stepView[i] = 1 / scaleView[i]!;
  }

  /** Codes what lies in the blocks, without terms. */
  recordCoding(recording: Recording, [input, scales, steps, sums, errors]: CodingBlocks, codes: Block<'i8'>): void {
    const { dim, stride } = this.plan;
    const blocks = { vectors: input, shift: this.shift, scales, steps, codes, sums, errors };
    recording.dispatch(sq8Encode, blocks, { n: scales.length, dim, words: stride / 4, layout: LAYOUT_ROWS, ...ROW_RANGE });
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

/** |c|² of each row into its last four bytes. */
function writeTerms(codes: Int8Array, sums: Int32Array, stride: number): void {
  const words = new Int32Array(codes.buffer, codes.byteOffset, codes.byteLength / 4);
  for (let row = 0; row < sums.length / 2; row++) words[((row + 1) * stride) / 4 - 1] = sums[2 * row]!;
}

/** A scale for each query of inner products: its own, since only the order of its keys matters. */
function ownScales(vectors: Float32Array, dim: number, out: Float32Array): void {
  for (let q = 0; q < out.length; q++) {
    let reach = 0;
    for (let j = q * dim; j < (q + 1) * dim; j++) {
      const x = vectors[j]!;
      if (x > reach) reach = x;
      else if (-x > reach) reach = -x;
    }
    out[q] = scaleFor(reach, 127);
  }
}

/**
 * Whether the grid tells the sample's rows from their neighbours: what coding a row loses, against the distance to the
 * nearest other row. Two clusters far apart or one outlying dimension make steps so wide that all near rows look alike.
 */
function fine(sample: Float32Array, dim: number, grid: Pick<Grid, 'shift' | 'scale'>): boolean {
  const n = sample.length / dim;
  const every = Math.max(1, Math.floor(n / JUDGED_ROWS));
  const rows = Array.from({ length: Math.min(JUDGED_ROWS, n) }, (_, i) => sample.subarray(i * every * dim, (i * every + 1) * dim));
  const stride = Math.max(1, Math.floor(rows.length / JUDGED_QUERIES));
  const judged = rows.filter((_, i) => i % stride === 0);
  const well = judged.filter((row) => squaredLoss(row, grid) <= LOSS * LOSS * squaredGap(row, rows));
  return well.length >= WELL_CODED * judged.length;
}

/** ‖x − x̂‖². */
function squaredLoss(row: Float32Array, { shift, scale }: Pick<Grid, 'shift' | 'scale'>): number {
  let sum = 0;
  for (let j = 0; j < row.length; j++) {
    const code = Math.max(-128, Math.min(127, Math.round((row[j]! - shift[j]!) * scale)));
    const lost = row[j]! - (shift[j]! + code / scale);
    sum += lost * lost;
  }
  return sum;
}

/** Squared distance to the nearest row that is not the same; Infinity where there is none. */
function squaredGap(row: Float32Array, rows: readonly Float32Array[]): number {
  let least = Infinity;
  for (const other of rows) {
    let sum = 0;
    for (let j = 0; j < row.length && sum < least; j++) sum += (row[j]! - other[j]!) * (row[j]! - other[j]!);
    if (sum > 0 && sum < least) least = sum;
  }
  return least;
}
