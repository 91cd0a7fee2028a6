import { NONE } from '../../kernels/graph.ts';

/** Terms of rows, sums of weights times numbers, and terms of probes stay within so much each: keys do not wrap. */
export const MOST = 2 ** 29;
/** Terms of rows are shifted by at most so much. */
export const MOST_SHIFT = 31;

/**
 * Where rows x̂ = C + o + u lie that are coded as what is left of them, u, when their list's centroid C and an offset o are taken away.
 * With m = o + the mean of all C, for squared distances
 *
 *   |q − x̂|² = |q − C − o|² + |u|² + 2 (C + o − m) · u − 2 (q − m) · u:
 *
 * a term of the probe, one of the row, and weights of the query for u; and for inner products −q · (C + o) − q · u. Keys count in
 * units of the query; terms of rows in smaller ones, 2^shift of which make one.
 */
export class ListPlaces {
  readonly byProduct: boolean;
  /** f32 [dim] */
  readonly offset: Float32Array;
  /** f32 [nlist, dim] */
  readonly centroids: Float32Array;
  /** f64 [dim]: the mean of the centroids. */
  readonly mean: Float64Array;

  constructor(offset: Float32Array, centroids: Float32Array, byProduct: boolean) {
    const dim = offset.length;
    this.offset = offset;
    this.centroids = centroids;
    this.byProduct = byProduct;
    this.mean = new Float64Array(dim);
    for (let at = 0; at < centroids.length; at++) this.mean[at % dim]! += centroids[at]!;
    for (let j = 0; j < dim; j++) this.mean[j]! /= this.nlist;
  }

  get nlist(): number {
    return this.centroids.length / this.offset.length;
  }

  /** Weights of a query for u: f64 [dim]. */
  weights(query: Float32Array): Float64Array {
    return Float64Array.from(query, (q, j) => (this.byProduct ? q : 2 * (q - this.offset[j]! - this.mean[j]!)));
  }

  /** Writes how much farther each probe is than the nearest, to i32, no more than MOST; returns the score of that one. */
  probes(query: Float32Array, lists: Uint32Array, unit: number, terms: Int32Array): number {
    const scores = Float64Array.from(lists, (list) => (list === NONE ? Infinity : this.scoreOf(query, list)));
    const least = scores.reduce((a, b) => Math.min(a, b), Infinity);
    for (const [p, score] of scores.entries()) terms[p] = score === Infinity ? MOST : Math.min(MOST, Math.floor((score - least) / unit));
    return least;
  }

  /** |q − C − o|², or −q · (C + o). */
  private scoreOf(query: Float32Array, list: number): number {
    const from = list * query.length;
    let sum = 0;
    for (let j = 0; j < query.length; j++) {
      const value = this.centroids[from + j]! + this.offset[j]!;
      const apart = query[j]! - value;
      sum += this.byProduct ? -query[j]! * value : apart * apart;
    }
    return sum;
  }
}
