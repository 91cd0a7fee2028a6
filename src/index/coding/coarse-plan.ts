import { ComputedOriginals } from '../originals.ts';
import type { IntegerGrid } from './integer-grid.ts';

/** What was learned of inverted lists. */
export interface CoarsePlan {
  readonly nlist: number;
  readonly grid: IntegerGrid;
  /** i16 [nlist, 2 · ⌈dim / 2⌉], grid values. */
  readonly values: Int16Array;
}

/** The centroids as vectors: f32 [nlist, dim]. */
export function centroidVectors(plan: CoarsePlan): Float32Array {
  const dim = plan.grid.shift.length;
  const vectors = new Float32Array(plan.nlist * dim);
  for (let i = 0; i < plan.nlist; i++) centroidVector(plan, i, vectors.subarray(i * dim, (i + 1) * dim));
  return vectors;
}

/** What a centroid says, to f32 [dim]. */
export function centroidVector({ nlist, grid, values }: CoarsePlan, i: number, out: Float32Array): void {
  const from = i * (values.length / nlist);
  for (let j = 0; j < out.length; j++) out[j] = grid.shift[j]! + Math.fround(values[from + j]! / grid.scale);
}

/** The centroids as rows that canonical distances are computed from. */
export class CentroidRows extends ComputedOriginals {
  private readonly plan: CoarsePlan;

  constructor(plan: CoarsePlan) {
    super(plan.grid.shift.length);
    this.plan = plan;
  }

  protected computeRow(row: number, out: Float32Array): void {
    centroidVector(this.plan, row, out);
  }
}
