/**
 * Eigenvalues and eigenvectors of symmetric matrices, f64 in a fixed order with no function but the square root: the same
 * bits everywhere. Householder's tridiagonal form, then QL with implicit shifts, after Martin, Reinsch and Wilkinson (tred2)
 * and Dubrulle (imtql2), both in the Handbook for Automatic Computation II, 1971. Matrices are by rows, and whatever goes
 * down a column there goes along a row here, so memory is read in order.
 */
import { Breather, type TaskOptions } from '../../util/tasks.ts';
import { Rotations } from './rotations.ts';
import { type Tridiagonal, tridiagonalise } from './tridiagonal.ts';
import { unitScale } from './unit-scale.ts';

export interface Eigen {
  /** [d], descending. */
  readonly values: Float64Array;
  /** [d, d]: row i, of length 1, belongs to value i. Its component of largest magnitude, the first among equals, is positive. */
  readonly vectors: Float64Array;
}

/** An eigenvalue takes two sweeps or so; one that takes so many would take them for ever. */
const MOST_SWEEPS = 100;

/**
 * Decomposes a symmetric matrix [d, d], d ≥ 1, of which only the lower triangle is read; what is not finite is an error. Errors are some
 * d · 2^-52 times the largest eigenvalue, for small eigenvalues as well. Progress is in units of d.
 */
export async function symmetricEigen(
  matrix: Float64Array,
  d: number,
  breather = new Breather(undefined),
  onProgress?: TaskOptions['onProgress'],
): Promise<Eigen> {
  const step = (share: number) => onProgress?.(Math.floor(share * d), 3 * d);
  const { lower, scale } = scaledTriangle(matrix, d);
  const form = await tridiagonalise(lower, d, breather, step);
  const rotations = new Rotations(lower, d, breather);
  const tolerance = Number.EPSILON * largest(form);
  for (let i = 0; i < d; i++) {
    for (let sweeps = 0; ; sweeps++) {
      const top = endOfBlock(form, i, tolerance);
      if (top === i) break;
      if (sweeps === MOST_SWEEPS) throw new Error('symmetricEigen: QL does not converge');
      sweep(form, i, top, rotations);
      if (rotations.full) await rotations.flush();
    }
    step(2 + i / d);
  }
  await rotations.flush();
  step(3);
  return inOrder(form.diagonal, lower, scale);
}

/** The lower triangle, scaled so that its largest entry is about 1, with zeros above. */
function scaledTriangle(matrix: Float64Array, d: number): { lower: Float64Array; scale: number } {
  let most = 0;
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      const size = Math.abs(matrix[i * d + j]!);
      if (!(size < Infinity)) throw new Error(`symmetricEigen: entry ${i}, ${j} is ${matrix[i * d + j]}`);
      if (size > most) most = size;
    }
  }
  const scale = unitScale(most);
  const lower = new Float64Array(d * d);
  for (let i = 0; i < d; i++) for (let j = 0; j <= i; j++) lower[i * d + j] = matrix[i * d + j]! * scale;
  return { lower, scale };
}

function largest({ diagonal, couplings }: Tridiagonal): number {
  let most = 0;
  for (let i = 0; i < diagonal.length; i++) {
    const size = Math.abs(diagonal[i]!) + Math.abs(couplings[i]!);
    if (size > most) most = size;
  }
  return most;
}

/** The last row of the block that row i begins: where the next coupling is negligible. */
function endOfBlock({ diagonal, couplings }: Tridiagonal, i: number, tolerance: number): number {
  let end = i;
  while (end < diagonal.length - 1 && Math.abs(couplings[end]!) > tolerance) end++;
  return end;
}

/** One implicit QL step on rows bottom … top. The shift is the eigenvalue of the first 2 × 2 block that lies nearer to its corner. */
function sweep({ diagonal, couplings }: Tridiagonal, bottom: number, top: number, rotations: Rotations): void {
  const half = (diagonal[bottom + 1]! - diagonal[bottom]!) / (2 * couplings[bottom]!);
  const root = hypotenuse(half, 1);
  let edge = diagonal[top]! - diagonal[bottom]! + couplings[bottom]! / (half + (half < 0 ? -root : root));
  let [c, s, excess] = [1, 1, 0];
  couplings[top] = 0;
  for (let i = top - 1; i >= bottom; i--) {
    const bulge = s * couplings[i]!;
    const left = c * couplings[i]!;
    const length = hypotenuse(bulge, edge);
    if (i < top - 1) couplings[i + 1] = length;
    if (length === 0) {
      // the block falls into two by itself
      diagonal[i + 1]! -= excess;
      rotations.endSweep(top - 1);
      return;
    }
    s = bulge / length;
    c = edge / length;
    const next = diagonal[i + 1]! - excess;
    const turned = (diagonal[i]! - next) * s + 2 * c * left;
    excess = s * turned;
    diagonal[i + 1] = next + excess;
    edge = c * turned - left;
    rotations.add(c, s);
  }
  diagonal[bottom]! -= excess;
  couplings[bottom] = edge;
  rotations.endSweep(top - 1);
}

/** √(a² + b²), where neither square may be lost. */
function hypotenuse(a: number, b: number): number {
  const x = Math.abs(a);
  const y = Math.abs(b);
  const [small, large] = x < y ? [x, y] : [y, x];
  if (large === 0) return 0;
  const ratio = small / large;
  return large * Math.sqrt(1 + ratio * ratio);
}

/** Values descend, equal ones in the order in which they were found; vectors go with them, their signs by the rule. */
function inOrder(found: Float64Array, rows: Float64Array, scale: number): Eigen {
  const d = found.length;
  const order = Array.from(found.keys()).sort((a, b) => found[b]! - found[a]! || a - b);
  const values = Float64Array.from(order, (from) => found[from]! / scale);
  const vectors = new Float64Array(d * d);
  for (const [to, from] of order.entries()) {
    const row = rows.subarray(from * d, (from + 1) * d);
    const sign = signOf(row);
    for (let j = 0; j < d; j++) vectors[to * d + j] = sign * row[j]!;
  }
  return { values, vectors };
}

/** That of the component of largest magnitude, the first among equals. */
function signOf(row: Float64Array): number {
  let at = 0;
  for (let j = 1; j < row.length; j++) if (Math.abs(row[j]!) > Math.abs(row[at]!)) at = j;
  return row[at]! < 0 ? -1 : 1;
}
