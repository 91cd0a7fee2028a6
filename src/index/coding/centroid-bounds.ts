/** What keys on the centroids' grid say of canonical distances (docs/identity.md, part 11). */
import { LANES } from '../../kernels/canonical-distances.ts';
import { roundUp } from '../../util/math.ts';
import { boundsOfDistance, boundsOfDot, type CanonicalBounds, gamma } from '../bounds.ts';
import { scaleFor } from '../sq8-codec.ts';
import type { Metric } from '../vector-index.ts';
import type { CoarsePlan } from './coarse-plan.ts';
import { type IntegerGrid, squaresOf, toGrid } from './integer-grid.ts';

/** Room for what f64 rounds off here, relative. */
const ROOM = 1 + 1e-9;

/** Queries on the grid. */
export interface PlacedQueries {
  /** i16 [nq, dim] */
  readonly values: Int16Array;
  /** What scores of each query, −|q|² apart, are in units of keys. */
  readonly scores: readonly QueryScore[];
}

interface QueryScore {
  /** l2: |q'|², so that key + base is a squared distance in grid steps. ip: q · shift. */
  readonly base: number;
  /** What a key counts: ip, a product of grid steps; l2, 1. */
  readonly unit: number;
  /** l2: how far the query may be from where it was placed, and centroids from theirs. ip: what products may be off. */
  readonly error: number;
}

/** Places in a list of keys: before `begin` all are among the nearest, from `end` on none is. */
export interface Undecided {
  readonly begin: number;
  readonly end: number;
}

export class CentroidBounds {
  /** Of products in keys. */
  readonly weight: 1 | 2;
  private readonly grid: IntegerGrid;
  private readonly metric: Metric;
  private readonly width: number;
  /** At least what a centroid, as f32 values, is off from its place on the grid. */
  private readonly room: number;
  /** At least the length of any centroid on the grid, in steps. */
  private readonly longest: number;
  private readonly shiftLength: number;

  /** Metric: l2 or ip. */
  constructor({ grid, values, nlist }: CoarsePlan, metric: Metric) {
    const dim = grid.shift.length;
    this.grid = grid;
    this.metric = metric;
    this.weight = metric === 'ip' ? 1 : 2;
    this.width = roundUp(dim, LANES);
    const reach = 2 ** grid.bits / grid.scale;
    const shift = grid.shift.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    this.room = Math.sqrt(dim) * ((shift + reach) * 2 ** -22 + 2 ** -148);
    const squares = metric === 'ip' ? squaresOf(values, values.length / nlist) : Int32Array.of(0);
    this.longest = Math.sqrt(squares.reduce((most, x) => Math.max(most, x))) * ROOM;
    this.shiftLength = Math.sqrt(grid.shift.reduce((sum, x) => sum + x * x, 0)) * ROOM;
  }

  /** Queries f32 [nq, dim] on the grid; for ip each by a scale of its own, since only the order of its keys matters. */
  place(queries: Float32Array): PlacedQueries {
    const dim = this.grid.shift.length;
    const values = new Int16Array(queries.length);
    const scores: QueryScore[] = [];
    for (let at = 0; at < queries.length; at += dim) {
      const query = queries.subarray(at, at + dim);
      const placed = values.subarray(at, at + dim);
      scores.push(this.metric === 'ip' ? this.placeForProducts(query, placed) : this.placeForDistances(query, placed));
    }
    return { values, scores };
  }

  /** What keys i32 [keep], ascending, leave open of which the `nprobe` nearest centroids are; `keep` is above `nprobe`. */
  undecided({ scores }: PlacedQueries, q: number, keys: Int32Array, nprobe: number): Undecided {
    const score = scores[q]!;
    const nearest = this.of(score, keys[nprobe]!).least;
    const farthest = this.of(score, keys[nprobe - 1]!).most;
    let begin = nprobe;
    while (begin > 0 && this.of(score, keys[begin - 1]!).most >= nearest) begin--;
    let end = nprobe;
    while (end < keys.length && this.of(score, keys[end]!).least <= farthest) end++;
    return { begin, end };
  }

  /** Bounds of the canonical distance from a centroid with this key. They ascend with keys. */
  private of({ base, unit, error }: QueryScore, key: number): CanonicalBounds {
    if (this.metric === 'ip') {
      const product = base - key * unit;
      return boundsOfDot(product - error, product + error, this.width);
    }
    const distance = Math.sqrt(key + base) / this.grid.scale;
    return boundsOfDistance('l2', distance - error, distance + error, this.width);
  }

  private placeForDistances(query: Float32Array, placed: Int16Array): QueryScore {
    const { shift, scale } = this.grid;
    placed.set(toGrid(query, this.grid));
    let squares = 0;
    let lost = 0;
    for (let j = 0; j < query.length; j++) {
      const value = placed[j]!;
      const off = query[j]! - shift[j]! - value / scale;
      squares += value * value;
      lost += off * off;
    }
    return { base: squares, unit: 1, error: Math.sqrt(lost) * ROOM + this.room };
  }

  /** q · c = q · shift + (q' · v) / (scale t) + (q − q'/t) · v / scale, give or take how c was rounded and the canonical sum is. */
  private placeForProducts(query: Float32Array, placed: Int16Array): QueryScore {
    const { shift, scale, bits } = this.grid;
    const reach = query.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const own = { bits, shift: new Float32Array(query.length), scale: scaleFor(reach, 2 ** bits - 1) };
    placed.set(toGrid(query, own));
    let base = 0;
    let squares = 0;
    let lost = 0;
    for (let j = 0; j < query.length; j++) {
      const off = query[j]! - placed[j]! / own.scale;
      base += query[j]! * shift[j]!;
      squares += query[j]! * query[j]!;
      lost += off * off;
    }
    const length = Math.sqrt(squares) * ROOM;
    const longest = this.longest / scale + this.shiftLength + this.room;
    const rounding = this.room + (gamma(this.width) + 2 ** -36) * longest;
    return { base, unit: 1 / (scale * own.scale), error: (Math.sqrt(lost) * (this.longest / scale) + length * rounding) * ROOM };
  }
}
