/** What each cluster of a subquantiser loses, and the rows that would serve best as centroids of clusters that are empty. */
import type { Split } from './integer-grid.ts';

export interface Clusters {
  readonly split: Split;
  readonly ksub: number;
  /** i16 [n, m, 2 · pairs] */
  readonly values: Int16Array;
  /** u32 [n, m] */
  readonly assigned: Uint32Array;
  /** i16 [m, ksub, 2 · pairs] */
  readonly centroids: Int16Array;
}

export class ClusterLosses {
  private readonly clusters: Clusters;
  private readonly sub: number;
  /** Rows, cluster after cluster, and where each cluster begins: [ksub + 1]. */
  private readonly rows: Uint32Array;
  private readonly begins: Uint32Array;
  /** [n]: squared distance of each row to the nearest of its centroid and of the rows of its cluster that were taken. */
  private readonly apart: Float64Array;
  /** [ksub]: their sums. */
  private readonly losses: Float64Array;

  constructor(clusters: Clusters, sub: number) {
    const { split, ksub, assigned, centroids } = clusters;
    const { m, pairs } = split;
    const width = 2 * pairs;
    const n = assigned.length / m;
    this.clusters = clusters;
    this.sub = sub;
    this.begins = new Uint32Array(ksub + 1);
    for (let row = 0; row < n; row++) this.begins[assigned[row * m + sub]! + 1]!++;
    for (let c = 0; c < ksub; c++) this.begins[c + 1]! += this.begins[c]!;
    this.rows = new Uint32Array(n);
    this.apart = new Float64Array(n);
    this.losses = new Float64Array(ksub);
    const ends = this.begins.slice();
    for (let row = 0; row < n; row++) {
      const c = assigned[row * m + sub]!;
      const from = (sub * ksub + c) * width;
      this.rows[ends[c]!++] = row;
      this.apart[row] = this.squared(row, centroids.subarray(from, from + width));
      this.losses[c]! += this.apart[row]!;
    }
  }

  /** The values of a row: i16 [2 · pairs]. */
  valuesOf(row: number): Int16Array {
    const { split, values } = this.clusters;
    const width = 2 * split.pairs;
    const from = (row * split.m + this.sub) * width;
    return values.subarray(from, from + width);
  }

  /**
   * Of the cluster that loses most the row that is farthest from all that serves it; it serves its neighbours from now on.
   * Undefined where no row loses anything.
   */
  takeWorst(): number | undefined {
    let worst = 0;
    for (let c = 1; c < this.losses.length; c++) if (this.losses[c]! > this.losses[worst]!) worst = c;
    if (this.losses[worst] === 0) return undefined;
    const members = this.rows.subarray(this.begins[worst]!, this.begins[worst + 1]!);
    let farthest = members[0]!;
    for (const row of members) if (this.apart[row]! > this.apart[farthest]!) farthest = row;
    const centre = this.valuesOf(farthest);
    let loss = 0;
    for (const row of members) {
      this.apart[row] = Math.min(this.apart[row]!, this.squared(row, centre));
      loss += this.apart[row]!;
    }
    this.losses[worst] = loss;
    return farthest;
  }

  private squared(row: number, centre: Int16Array): number {
    const { split, values } = this.clusters;
    const width = 2 * split.pairs;
    const from = (row * split.m + this.sub) * width;
    let sum = 0;
    for (let j = 0; j < width; j++) {
      const apart = values[from + j]! - centre[j]!;
      sum += apart * apart;
    }
    return sum;
  }
}
