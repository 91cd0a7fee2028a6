/**
 * Optimised product quantisation (Ge, He, Ke, Sun, TPAMI 2014): the rotation under which a product quantiser loses least. It
 * starts from principal directions dealt out so that subspaces get equal shares (section 3.2), then alternates between codes
 * and the best rotation for them (section 3.1).
 */
import type { Engine } from '../../host/engine.ts';
import { Breather, type TaskOptions } from '../../util/tasks.ts';
import { meanAndCovariance } from '../linear/covariance.ts';
import { symmetricEigen } from '../linear/eigen.ts';
import { orthogonalFactor } from '../linear/polar.ts';
import { bitsFor, type IntegerGrid, integerGrid, packValues, type Split, toGrid } from './integer-grid.ts';
import { type Clustering, kmeans } from './kmeans.ts';
import { applyTransform, type LinearTransform, linearTransform } from './linear-transform.ts';
import { type PqShape, pqSplit } from './product-quantizer.ts';

/** Rows that the rotation is learned from, at most: it has far fewer degrees of freedom than they have values. */
const MOST_ROWS = 16_384;
/** Rotations after the first one, and steps of k-means before the first and between two of them. */
const ROUNDS = 8;
const FIRST_STEPS = 8;
const STEPS = 2;
/**
 * Each new rotation also maximises its agreement with the old one, by this share of the whole: directions without variance stay
 * where they are, and distortion still cannot rise (a proximal step).
 */
const INERTIA = 1e-3;

export interface OpqTask extends TaskOptions {
  /** Values of a row. */
  readonly dim: number;
  /** Of the quantiser that follows; its dim is that of rotated rows. */
  readonly shape: PqShape;
  /** Whether the mean may be subtracted: not where inner products must stay. */
  readonly centred: boolean;
  readonly seed: number;
}

export interface Opq {
  readonly transform: LinearTransform;
  /** Mean squared error of coded sample rows under each rotation, the first included. */
  readonly distortions: readonly number[];
}

/** Learns from rows f32 [n, dim]. */
export async function trainOpq(engine: Engine, rows: Float32Array, task: OpqTask): Promise<Opq> {
  const { dim, shape, centred, seed, signal, onProgress } = task;
  const sample = spread(rows, dim, MOST_ROWS);
  const breather = new Breather(signal);
  const { mean, covariance } = await meanAndCovariance(engine.host, sample, dim, { signal });
  if (!centred) addOuter(covariance, mean);
  const { values, vectors } = await symmetricEigen(covariance, dim, breather);
  const offset = centred ? Float32Array.from(mean) : new Float32Array(dim);
  let rotation = dealtOut(values, vectors, dim, shape);
  const split = pqSplit(shape);
  const distortions: number[] = [];
  let from: Int16Array | undefined;
  let grid: IntegerGrid | undefined;
  for (let round = 0; round <= ROUNDS; round++) {
    const transform = linearTransform(rotation, dim, offset);
    const rotated = await applyTransform(engine, transform, sample, { signal });
    grid ??= roomy(integerGrid(rotated, shape.dim, bitsFor(split.dsub), false));
    const packed = packValues(toGrid(rotated, grid), shape.dim, split);
    const iterations = round === 0 ? FIRST_STEPS : STEPS;
    const clustering: Clustering = await kmeans(engine, packed, { split, ksub: 2 ** shape.nBits, iterations, seed, from, signal });
    const n = sample.length / dim;
    distortions.push(clustering.distortions.at(-1)! / (grid.scale * grid.scale) / n);
    onProgress?.(round + 1, ROUNDS + 1);
    if (round === ROUNDS) return { transform, distortions };
    from = clustering.centroids;
    const target = await agreement(sample, offset, clustering, split, 2 ** shape.nBits, breather);
    rotation = await orthogonalFactor(engine.host, withInertia(target, rotation), { p: shape.dim, d: dim, signal });
  }
  throw new Error('unreachable');
}

/** At most `most` of the rows, evenly spaced. */
export function spread(rows: Float32Array, dim: number, most: number): Float32Array {
  const n = rows.length / dim;
  if (n <= most) return rows;
  const out = new Float32Array(most * dim);
  for (let i = 0; i < most; i++) {
    const row = Math.floor((i * n) / most);
    out.set(rows.subarray(row * dim, (row + 1) * dim), i * dim);
  }
  return out;
}

/** Rotations move values about: the grid has room for a quarter more than it saw. */
function roomy(grid: IntegerGrid): IntegerGrid {
  return { ...grid, scale: Math.fround(grid.scale * 0.8) };
}

/** Covariance + mean · meanᵀ: second moments about zero. */
function addOuter(covariance: Float64Array, mean: Float64Array): void {
  const d = mean.length;
  for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) covariance[i * d + j]! += mean[i]! * mean[j]!;
}

/**
 * Principal directions, the strongest first, each to the subspace whose variances so far have the smallest product and that has
 * room: f32 [shape.dim, dim].
 */
function dealtOut(values: Float64Array, vectors: Float64Array, dim: number, { dim: dimOut, M }: PqShape): Float32Array {
  const dsub = dimOut / M;
  const floor = Math.max(values[0]! * 2 ** -40, 2 ** -1000);
  const products = Array.from({ length: M }, () => ({ mantissa: 1, exponent: 0, used: 0 }));
  const rotation = new Float32Array(dimOut * dim);
  for (let i = 0; i < dimOut; i++) {
    let best = -1;
    for (let s = 0; s < M; s++) {
      if (products[s]!.used < dsub && (best < 0 || isSmaller(products[s]!, products[best]!))) best = s;
    }
    const chosen = products[best]!;
    const row = best * dsub + chosen.used++;
    rotation.set(vectors.subarray(i * dim, (i + 1) * dim), row * dim);
    chosen.mantissa *= Math.max(values[i]!, floor) / floor;
    for (; chosen.mantissa >= 2; chosen.exponent++) chosen.mantissa /= 2;
  }
  return rotation;
}

/** Products would leave the range of f64, so they are kept as mantissa · 2^exponent, 1 ≤ mantissa < 2. */
interface Product {
  readonly mantissa: number;
  readonly exponent: number;
}

function isSmaller(a: Product, b: Product): boolean {
  return a.exponent < b.exponent || (a.exponent === b.exponent && a.mantissa < b.mantissa);
}

/** Σ x̂ xᵀ over the sample, f64 [dimOut, dim], x̂ in grid units: first rows are summed up by cell, then weighed by centroids. */
async function agreement(
  sample: Float32Array,
  mean: Float32Array,
  { centroids, assigned }: Clustering,
  { m, M, dsub, pairs }: Split,
  ksub: number,
  breather: Breather,
): Promise<Float64Array> {
  const dim = mean.length;
  const n = sample.length / dim;
  const centred = new Float32Array(sample.length);
  for (let at = 0; at < sample.length; at += dim) for (let j = 0; j < dim; j++) centred[at + j] = sample[at + j]! - mean[j]!;
  const out = new Float64Array(M * dsub * dim);
  const sums = new Float64Array(ksub * dim);
  for (let sub = 0; sub < M; sub++) {
    sums.fill(0);
    for (let row = 0; row < n; row++) addScaled(sums, assigned[row * m + sub]! * dim, centred, row * dim, 1, dim);
    for (let c = 0; c < ksub; c++) {
      for (let i = 0; i < dsub; i++) {
        const weight = centroids[(sub * ksub + c) * 2 * pairs + i]!;
        addScaled(out, (sub * dsub + i) * dim, sums, c * dim, weight, dim);
      }
    }
    await breather.breathe();
  }
  return out;
}

/** to[at …] += by · from[start …], `length` values. */
function addScaled(to: Float64Array, at: number, from: ArrayLike<number>, start: number, by: number, length: number): void {
  for (let j = 0; j < length; j++) to[at + j]! += by * from[start + j]!;
}

/** The target at unit norm (Frobenius) plus the rotation's share. */
function withInertia(target: Float64Array, rotation: Float32Array): Float32Array {
  let squares = 0;
  for (const x of target) squares += x * x;
  const by = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  return Float32Array.from(target, (x, i) => x * by + INERTIA * rotation[i]!);
}
