/**
 * Which codec a graph is walked on: 4-bit codes where they lose little against the distances between neighbours, 8-bit codes
 * where those do, and else the vectors themselves, by canonical distances. Chosen once from a sample, kept with the index, and
 * the same for the same sample everywhere.
 */
import { LANES } from '../kernels/canonical-distances.ts';
import { FORMS, type Form, sq4Stride, sq8Stride } from '../kernels/graph.ts';
import { roundTiesToEven, roundUp } from '../util/math.ts';
import { type Grid, gridOf, ROW_RANGE, SHORT_RANGE, scaleFor } from './sq8-codec.ts';
import type { Metric } from './vector-index.ts';

/** A trained codec, as the index file keeps it. */
export interface CodecPlan {
  readonly dim: number;
  readonly metric: Metric;
  readonly form: Form;
  /** Bytes of a coded row. */
  readonly stride: number;
  /** Of codes: what they mean. */
  readonly grid: Steps | undefined;
}

/** x̂[j] = shift[j] + c[j] / scale. */
export type Steps = Pick<Grid, 'shift' | 'scale'>;

/** Rows that grids are judged by, and those of them whose neighbours are looked for. */
const JUDGED_ROWS = 1024;
const JUDGED_QUERIES = 64;
/** A row is coded well when its codes lose at most this share of the distance to its nearest neighbour in the sample. */
const LOSS = 0.25;
/**
 * With 4 bits a row loses more, but what it loses points anywhere: against the direction to a neighbour it is a share of 1 / √dim. So
 * many times √dim of the distance to the nearest neighbour may be lost.
 */
const LOSS_4_BITS = 0.02;
/** Share of judged rows that must be coded well. */
const WELL_CODED = 0.95;
/** Ranges that 4 bits are tried on, as shares of the whole: what lies outside is clipped, and the rest is finer. */
const REACHES = [1, 0.8, 0.65, 0.5, 0.4, 0.3, 0.25, 0.2] as const;

/** The codec for data like the sample, f32 [n, dim], normalised under cosine. `sq8` insists on 8-bit codes. */
export function trainCodec(sample: Float32Array, dim: number, metric: Metric, sq8 = false): CodecPlan {
  const grid = gridOf(sample, dim, metric !== 'ip');
  if (sq8) return sq8Plan(dim, metric, grid);
  const judge = new Judge(sample, dim);
  if (metric !== 'ip' && sq4Stride(dim) < sq8Stride(dim)) {
    const short = judge.shortSteps(grid);
    if (judge.fine(short, SHORT_RANGE, LOSS_4_BITS * Math.sqrt(dim))) return sq4Plan(dim, metric, short);
  }
  return judge.fine(grid, ROW_RANGE, LOSS) ? sq8Plan(dim, metric, grid) : canonicalPlan(dim, metric);
}

export function sq8Plan(dim: number, metric: Metric, { shift, scale }: Steps): CodecPlan {
  return { dim, metric, form: metric === 'ip' ? FORMS.sq8Ip : FORMS.sq8L2, stride: sq8Stride(dim), grid: { shift, scale } };
}

/** l2 and cosine: 4-bit codes 0..15 from `shift` on, in steps of 1 / scale. */
export function sq4Plan(dim: number, metric: Metric, { shift, scale }: Steps): CodecPlan {
  return { dim, metric, form: FORMS.sq4L2, stride: sq4Stride(dim), grid: { shift, scale } };
}

export function canonicalPlan(dim: number, metric: Metric): CodecPlan {
  const form = { l2: FORMS.f32L2, ip: FORMS.f32Ip, cosine: FORMS.f32Cosine }[metric];
  return { dim, metric, form, stride: roundUp(dim, LANES) * 4, grid: undefined };
}

/** The plan of a form, as a file names it; undefined where the metric has none of that form. */
export function planOfForm(form: number | undefined, dim: number, metric: Metric, steps: Steps): CodecPlan | undefined {
  const plans = [sq8Plan(dim, metric, steps), canonicalPlan(dim, metric), ...(metric === 'ip' ? [] : [sq4Plan(dim, metric, steps)])];
  return plans.find((plan) => plan.form === form);
}

/** Rows of a sample with their nearest neighbours in it, to judge grids by. */
class Judge {
  private readonly judged: readonly { readonly row: Float32Array; readonly squaredGap: number }[];

  constructor(sample: Float32Array, dim: number) {
    const n = sample.length / dim;
    const every = Math.max(1, Math.floor(n / JUDGED_ROWS));
    const rows = Array.from({ length: Math.min(JUDGED_ROWS, n) }, (_, i) => sample.subarray(i * every * dim, (i * every + 1) * dim));
    const stride = Math.max(1, Math.floor(rows.length / JUDGED_QUERIES));
    this.judged = rows.filter((_, i) => i % stride === 0).map((row) => ({ row, squaredGap: squaredGap(row, rows) }));
  }

  /** Whether codes tell nearly all rows from their neighbours. Two clusters far apart or one outlying dimension make steps too wide. */
  fine(steps: Steps, range: CodeRange, loss: number): boolean {
    const well = this.judged.filter((one) => squaredLoss(one.row, steps, range) <= loss * loss * one.squaredGap);
    return well.length >= WELL_CODED * this.judged.length;
  }

  /** The 4-bit steps that lose least: over the whole range of an 8-bit grid or over its middle, where the rest is clipped. */
  shortSteps({ shift, scale }: Steps): Steps {
    const candidates = REACHES.map((share): Steps => {
      const half = (share * ROW_RANGE.high) / scale;
      const short = scaleFor(half, SHORT_RANGE.high / 2);
      return { shift: shift.map((middle) => middle - SHORT_RANGE.high / 2 / short), scale: short };
    });
    const losses = candidates.map((steps) => this.judged.reduce((sum, { row }) => sum + squaredLoss(row, steps, SHORT_RANGE), 0));
    return candidates[losses.indexOf(Math.min(...losses))]!;
  }
}

type CodeRange = typeof ROW_RANGE | typeof SHORT_RANGE;

/** ‖x − x̂‖². */
function squaredLoss(row: Float32Array, { shift, scale }: Steps, { low, high }: CodeRange): number {
  let sum = 0;
  for (let j = 0; j < row.length; j++) {
    const code = roundTiesToEven(Math.max(low, Math.min(high, (row[j]! - shift[j]!) * scale)));
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
