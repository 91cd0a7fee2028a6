import { NONE } from '../../kernels/graph.ts';
import { roundTiesToEven, roundUp } from '../../util/math.ts';
import { type ScalarRanges, TOP_LEVEL } from './scalar-ranges.ts';

/** Terms of rows, sums of weights times numbers, and terms of probes stay within so much each: keys do not wrap. */
const MOST = 2 ** 29;
/** Terms of rows are shifted by at most so much. */
const MOST_SHIFT = 31;
/** What the scan takes at a time. */
const LEAST_STRIDE = 16;

/** Bytes of a row of `dim` numbers of 4 bits. */
export function sq4Stride(dim: number): number {
  return Math.max(LEAST_STRIDE, roundUp(dim / 2, 4));
}

/**
 * Integer keys of rows x̂ = C + low + c · step, C the centroid of the row's list. With m = low + the mean of all C, for squared
 * distances
 *
 *   |q − x̂|² = |q − C − low|² + Σ (c step)² + 2 (C + low − m) · (c step) − Σ 2 (q − m) step c:
 *
 * a term of the probe, one of the row, and weights of the query for the row's numbers; and for inner products −q · (C + low) −
 * Σ q step c. The row's term counts in units, the query's weights in 2^shift of them; so do the terms of probes.
 */
export class Sq4Scores {
  readonly nlist: number;
  /** What 1 of a row's term is worth. */
  readonly unit: number;
  private readonly ranges: ScalarRanges;
  /** f32 [nlist, dim] */
  private readonly centroids: Float32Array;
  private readonly byProduct: boolean;
  /** f64 [dim]: the mean of the centroids. */
  private readonly mean: Float64Array;

  constructor(ranges: ScalarRanges, centroids: Float32Array, byProduct: boolean) {
    const dim = ranges.low.length;
    this.nlist = centroids.length / dim;
    this.ranges = ranges;
    this.centroids = centroids;
    this.byProduct = byProduct;
    this.mean = new Float64Array(dim);
    for (let at = 0; at < centroids.length; at++) this.mean[at % dim]! += centroids[at]!;
    for (let j = 0; j < dim; j++) this.mean[j]! /= this.nlist;
    this.unit = this.mostTerm() / MOST || 1;
  }

  /** The term of a row with numbers u8 [dim] in a list. */
  term(numbers: Uint8Array, list: number): number {
    const { step } = this.ranges;
    const from = list * step.length;
    let sum = 0;
    for (let j = 0; j < step.length; j++) {
      const value = numbers[j]! * step[j]!;
      sum += value * (value + 2 * (this.centroids[from + j]! - this.mean[j]!));
    }
    return roundTiesToEven(sum / this.unit);
  }

  /** Writes a query's weights i16 [dim]; returns by what terms of rows are shifted, and what 1 of a key is worth. */
  weigh(query: Float32Array, weights: Int16Array): { readonly shift: number; readonly unit: number } {
    const { low, step } = this.ranges;
    const values = Float64Array.from(query, (q, j) => (this.byProduct ? q : 2 * (q - low[j]! - this.mean[j]!)) * step[j]!);
    let [most, sum] = [0, 0];
    for (const value of values) {
      most = Math.max(most, Math.abs(value));
      sum += Math.abs(value) * TOP_LEVEL;
    }
    // Half a unit of each weight may be rounded up.
    const least = Math.max(most / 32_767, sum / (MOST - TOP_LEVEL * values.length));
    let shift = 0;
    while (this.unit * 2 ** shift < least) shift++;
    const unit = this.byProduct ? least || 1 : this.unit * 2 ** shift;
    for (const [j, value] of values.entries()) weights[j] = roundTiesToEven(value / unit);
    return { shift: Math.min(MOST_SHIFT, shift), unit };
  }

  /** Terms i32 of a query's probes: how much farther they are than the nearest, no more than MOST. */
  probes(query: Float32Array, lists: Uint32Array, unit: number, terms: Int32Array): void {
    const scores = Float64Array.from(lists, (list) => (list === NONE ? Infinity : this.scoreOf(query, list)));
    const least = scores.reduce((a, b) => Math.min(a, b), Infinity);
    for (const [p, score] of scores.entries()) terms[p] = score === Infinity ? MOST : Math.min(MOST, Math.floor((score - least) / unit));
  }

  /** |q − C − low|², or −q · (C + low). */
  private scoreOf(query: Float32Array, list: number): number {
    const { low } = this.ranges;
    const from = list * low.length;
    let sum = 0;
    for (let j = 0; j < low.length; j++) {
      const value = this.centroids[from + j]! + low[j]!;
      const apart = query[j]! - value;
      sum += this.byProduct ? -query[j]! * value : apart * apart;
    }
    return sum;
  }

  /** What no term of a row exceeds. */
  private mostTerm(): number {
    const { step } = this.ranges;
    let sum = 0;
    for (let j = 0; j < step.length; j++) {
      let apart = 0;
      for (let at = j; at < this.centroids.length; at += step.length)
        apart = Math.max(apart, Math.abs(this.centroids[at]! - this.mean[j]!));
      const value = step[j]! * TOP_LEVEL;
      sum += value * (value + 2 * apart);
    }
    return sum;
  }
}
