/**
 * Optimised product quantisation (Ge, He, Ke, Sun, TPAMI 2014): the rotation under which a product quantiser loses least. It
 * starts from principal directions dealt out so that subspaces get equal shares (section 3.2), then alternates between codes
 * and the best rotation for them (section 3.1). Each answer is overshot, with momentum as accelerated gradients have it (Nesterov,
 * 1983), and taken as it is where that loses more.
 */
import type { Engine } from '../../host/engine.ts';
import { spread } from '../../util/spread.ts';
import { Breather, type TaskOptions } from '../../util/tasks.ts';
import { meanAndCovariance } from '../linear/covariance.ts';
import { symmetricEigen } from '../linear/eigen.ts';
import { orthogonalFactor } from '../linear/polar.ts';
import { bitsFor, type IntegerGrid, integerGrid, packValues, toGrid } from './integer-grid.ts';
import { kmeans } from './kmeans.ts';
import { applyToRounded, type LinearTransform, linearTransform, roundRows } from './linear-transform.ts';
import { agreement, scaledRows } from './opq-agreement.ts';
import { dealtOut } from './opq-start.ts';
import { type PqShape, pqSplit } from './product-quantizer.ts';

/** Rows that the rotation is learned from, at most: with a quarter of these, what others lose is 3 % more (docs/architecture.md). */
const MOST_ROWS = 65_536;
/** Steps of k-means before the first new rotation, and between two of them. */
const FIRST_STEPS = 4;
const STEPS = 2;
/** Learning ends when a rotation loses hardly less than the one before. */
const SETTLED = 1e-4;
/**
 * Each new rotation also maximises its agreement with the old one, by this share of the whole: directions without variance stay
 * where they are, and distortion still cannot rise (a proximal step).
 */
const INERTIA = 1e-6;

export interface OpqTask extends TaskOptions {
  /** Values of a row. */
  readonly dim: number;
  /** Of the quantiser that follows; its dim is that of rotated rows. */
  readonly shape: PqShape;
  /** Whether the mean may be subtracted: not where inner products must stay. */
  readonly centred: boolean;
  readonly seed: number;
  /** Rotations after the first one. */
  readonly rounds: number;
}

export interface Opq {
  readonly transform: LinearTransform;
  /** Mean squared error of coded sample rows under each rotation, the first included. */
  readonly distortions: readonly number[];
}

/** A rotation f32 [dimOut, dim], and the codes that it led to. */
interface Step {
  readonly rotation: Float32Array;
  readonly centroids: Int16Array | undefined;
  readonly distortion: number;
}

/** Learns from rows f32 [n, dim]. */
export async function trainOpq(engine: Engine, rows: Float32Array, task: OpqTask): Promise<Opq> {
  const { dim, shape, centred, seed, rounds, signal, onProgress } = task;
  const sample = spread(rows, dim, MOST_ROWS);
  const breather = new Breather(signal);
  const { mean, covariance } = await meanAndCovariance(engine.host, sample, dim, { signal });
  if (!centred) addOuter(covariance, mean);
  const { values, vectors } = await symmetricEigen(covariance, dim, breather);
  const offset = centred ? Float32Array.from(mean) : new Float32Array(dim);
  const scaled = scaledRows(sample, offset);
  const rounded = roundRows(sample, offset);
  const procrustes = { p: shape.dim, d: dim, signal };
  const ksub = 2 ** shape.nBits;
  const split = pqSplit(shape);
  const start = dealtOut(values, vectors, dim, shape);
  let grid: IntegerGrid | undefined;
  const distortions: number[] = [];
  /** The rotation that loses least so far; the one that its codes ask for; the one to try. */
  let best: Step = { rotation: start, centroids: undefined, distortion: Infinity };
  let answer = start;
  let next = start;
  let momentum = 0;
  for (let round = 0; round <= rounds; round++) {
    const rotated = await applyToRounded(engine, linearTransform(next, dim, offset), rounded, { signal });
    grid ??= roomy(integerGrid(rotated, shape.dim, bitsFor(split.dsub), false));
    const packed = packValues(toGrid(rotated, grid), shape.dim, split);
    const iterations = round === 0 ? FIRST_STEPS : STEPS;
    const clustering = await kmeans(engine, packed, { split, ksub, iterations, seed, from: best.centroids, signal });
    const distortion = clustering.distortions.at(-1)! / (grid.scale * grid.scale) / (sample.length / dim);
    onProgress?.(round + 1, rounds + 1);
    if (distortion > best.distortion) {
      if (next === answer) break;
      next = answer;
      momentum = 0;
      continue;
    }
    const settled = distortion >= best.distortion * (1 - SETTLED);
    best = { rotation: next, centroids: clustering.centroids, distortion };
    distortions.push(distortion);
    if (settled || round === rounds) break;
    const target = await agreement(engine.host, scaled, clustering, split, ksub, breather);
    const before = answer;
    answer = await orthogonalFactor(engine.host, withInertia(target, next), procrustes);
    const farther = overshot(answer, next, before, momentum / (momentum + 3));
    next = await orthogonalFactor(engine.host, farther, { ...procrustes, nearly: true });
    momentum++;
  }
  return { transform: linearTransform(best.rotation, dim, offset), distortions };
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

/** As far beyond the answer as it is from where the codes were made, and on the way from the answer before it. */
function overshot(answer: Float32Array, from: Float32Array, before: Float32Array, momentum: number): Float32Array {
  return Float32Array.from(answer, (x, i) => x + (x - from[i]!) + momentum * (x - before[i]!));
}

/** The target at unit norm (Frobenius) plus the rotation's share. */
function withInertia(target: Float64Array, rotation: Float32Array): Float32Array {
  let squares = 0;
  for (const x of target) squares += x * x;
  const by = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  return Float32Array.from(target, (x, i) => x * by + INERTIA * rotation[i]!);
}
