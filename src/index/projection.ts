/**
 * A short stand-in for long vectors: coordinates along a few principal directions, and the length of the rest. The map
 * never lengthens a distance (nor shrinks an inner product), so what it rules out is ruled out; directions only decide how
 * much that is. Halko, Martinsson, Tropp, Finding Structure with Randomness, SIAM Review 2011, alg. 4.4, for training.
 */
import { randomUniforms } from '../util/random.ts';
import { Breather } from '../util/tasks.ts';
import { gamma } from './bounds.ts';

export interface Projection {
  readonly dim: number;
  /** Directions, a multiple of 4; projected rows have p + 4 values. */
  readonly p: number;
  /** dim padded with zeros to a multiple of 4. */
  readonly width: number;
  /** [width], subtracted from rows and queries alike; zeros for inner products. */
  readonly mean: Float32Array;
  /** [p, width], rows nearly orthonormal. */
  readonly basis: Float32Array;
  /** How far a computed coordinate vector may lie from that of exactly orthonormal directions, per unit of ‖x‖. */
  readonly looseness: number;
}

/** Rows that directions are learned from, and how often they are refined. */
const SAMPLE_ROWS = 512;
const ITERATIONS = 3;
const MOST_DIRECTIONS = 192;
/** Vectors shorter than this are scanned whole. */
const LEAST_DIM = 96;
/**
 * Costs in dimensions of a scanned row, measured with relaxed SIMD: testing a row against τ, one dimension of a candidate's
 * whole code, and handling a candidate.
 */
const TEST_COST = 60;
const GATHER_COST = 7;
const CANDIDATE_COST = 800;
/** Early passes know a looser τ: all in all about twice the candidates that the last one would leave. */
const EARLY_FACTOR = 2;

/**
 * Learns a projection from sampled rows f32 [n, dim], or returns undefined where scanning the whole codes reads less.
 * f64 in a fixed order on the host: the same for the same rows everywhere.
 */
export async function trainProjection(
  sample: Float32Array,
  dim: number,
  centred: boolean,
  seed: number,
  signal?: AbortSignal,
): Promise<Projection | undefined> {
  const n = Math.min(SAMPLE_ROWS, sample.length / dim);
  if (dim < LEAST_DIM || n < 64) return undefined;
  const breather = new Breather(signal);
  const width = Math.ceil(dim / 4) * 4;
  const mean = new Float32Array(width);
  if (centred) meanOf(sample, n, dim, mean);
  const rows = centredRows(sample, n, dim, mean);
  const directions = await principalDirections(rows, dim, Math.min(MOST_DIRECTIONS, dim >> 1, n >> 1) & ~3, seed, breather);
  const p = await bestPrefix(rows, dim, directions, breather);
  if (p === 0) return undefined;
  const basis = new Float32Array(p * width);
  for (let c = 0; c < p; c++) basis.set(directions[c]!, c * width);
  return { dim, p, width, mean, basis, looseness: loosenessOf(basis, p, width) };
}

/** The error of one projected row: ‖x‖² and the squared norm of its coordinates, as the kernel `project` gives them. */
export function projectionError(projection: Projection, squaredNorm: number, squaredKept: number): number {
  const norm = Math.sqrt(squaredNorm);
  const inside = projection.looseness * norm + (norm > 0 ? 2 ** -126 : 0); // the last for products lost to underflow
  const rest = Math.sqrt(Math.max(0, squaredNorm - squaredKept));
  const squared = 2.1 * inside * norm; // what ‖y‖² may be off by, and so the square of the rest
  return (inside + Math.min(Math.sqrt(squared), rest > 0 ? squared / rest : Infinity) + rest * 2 ** -23) * (1 + 1e-9);
}

function meanOf(sample: Float32Array, n: number, dim: number, mean: Float32Array): void {
  const sums = new Float64Array(dim);
  for (let at = 0; at < n * dim; at += dim) for (let j = 0; j < dim; j++) sums[j]! += sample[at + j]!;
  for (let j = 0; j < dim; j++) mean[j] = sums[j]! / n;
}

function centredRows(sample: Float32Array, n: number, dim: number, mean: Float32Array): Float64Array[] {
  return Array.from({ length: n }, (_, row) => Float64Array.from({ length: dim }, (_, j) => sample[row * dim + j]! - mean[j]!));
}

/** Orthogonal iteration from random signs: p directions, the strongest first. */
async function principalDirections(
  rows: readonly Float64Array[],
  dim: number,
  p: number,
  seed: number,
  breather: Breather,
): Promise<Float64Array[]> {
  const uniform = randomUniforms(seed);
  let directions = Array.from({ length: p }, () => Float64Array.from({ length: dim }, () => (uniform() < 0.5 ? -1 : 1)));
  await orthonormalise(directions, uniform, breather);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const next = directions.map(() => new Float64Array(dim));
    for (const row of rows) {
      for (let c = 0; c < p; c++) addScaled(next[c]!, row, dot(row, directions[c]!));
      await breather.breathe();
    }
    directions = next;
    await orthonormalise(directions, uniform, breather);
  }
  return directions;
}

/** Modified Gram–Schmidt; a vector that vanishes (there are fewer directions than wanted) is replaced by a random one. */
async function orthonormalise(vectors: Float64Array[], uniform: () => number, breather: Breather): Promise<void> {
  for (const [c, v] of vectors.entries()) {
    await breather.breathe();
    for (let attempt = 0; !madeOrthonormal(v, vectors.slice(0, c)); attempt++) {
      if (attempt === 8) throw new Error('orthonormalise: no independent direction found');
      for (let j = 0; j < v.length; j++) v[j] = uniform() - 0.5;
    }
  }
}

/** Takes the parts along `others` out of v, twice for rounding's sake, and normalises it; false when nothing is left. */
function madeOrthonormal(v: Float64Array, others: readonly Float64Array[]): boolean {
  const before = Math.sqrt(dot(v, v));
  for (let pass = 0; pass < 2; pass++) for (const other of others) addScaled(v, other, -dot(v, other));
  const norm = Math.sqrt(dot(v, v));
  if (!(norm > before * 1e-6 && norm > 1e-300)) return false;
  for (let j = 0; j < v.length; j++) v[j]! /= norm;
  return true;
}

/**
 * The number of directions (a multiple of 16) that makes a scan read least, or 0: for pairs of sampled rows, what share
 * looks nearer in the projection than a query's nearest neighbour is?
 */
async function bestPrefix(
  rows: readonly Float64Array[],
  dim: number,
  directions: readonly Float64Array[],
  breather: Breather,
): Promise<number> {
  const queries = rows.filter((_, i) => i % Math.ceil(rows.length / 24) === 0);
  const coordinates = new Map(rows.map((row) => [row, Float64Array.from(directions, (direction) => dot(row, direction))]));
  const candidates = new Map<number, number>();
  for (let p = 16; p <= directions.length; p += 16) candidates.set(p, 0);
  let pairs = 0;
  for (const query of queries) {
    await breather.breathe();
    const nearest = Math.min(...rows.filter((row) => row !== query).map((row) => squaredDistance(query, row, dim)));
    for (const row of rows) {
      if (row === query) continue;
      pairs++;
      for (const p of candidates.keys()) {
        if (projectedDistance(query, row, coordinates, p) <= nearest) candidates.set(p, candidates.get(p)! + 1);
      }
    }
  }
  let best = 0;
  let least = 0.9 * (dim + TEST_COST); // a projection must win by more than it costs to learn
  for (const [p, kept] of candidates) {
    const cost = p + 4 + TEST_COST + EARLY_FACTOR * (kept / pairs) * (dim * GATHER_COST + CANDIDATE_COST);
    if (cost < least) [best, least] = [p, cost];
  }
  return best;
}

/** Squared distance of the projections: of the first p coordinates, and of the lengths of the rest. */
function projectedDistance(a: Float64Array, b: Float64Array, coordinates: ReadonlyMap<Float64Array, Float64Array>, p: number): number {
  const x = coordinates.get(a)!;
  const y = coordinates.get(b)!;
  let [within, keptX, keptY] = [0, 0, 0];
  for (let c = 0; c < p; c++) {
    within += (x[c]! - y[c]!) ** 2;
    keptX += x[c]! * x[c]!;
    keptY += y[c]! * y[c]!;
  }
  const restX = Math.sqrt(Math.max(0, dot(a, a) - keptX));
  const restY = Math.sqrt(Math.max(0, dot(b, b) - keptY));
  return within + (restX - restY) * (restX - restY);
}

/** ‖R Rᵀ − I‖ (Frobenius), for the distance to exactly orthonormal directions, and the rounding of p dot products. */
function loosenessOf(basis: Float32Array, p: number, width: number): number {
  let sum = 0;
  for (let a = 0; a < p; a++) {
    for (let b = 0; b <= a; b++) {
      let product = a === b ? -1 : 0;
      for (let j = 0; j < width; j++) product += basis[a * width + j]! * basis[b * width + j]!;
      sum += (a === b ? 1 : 2) * product * product;
    }
  }
  // subtracting the mean rounds; four lanes instead of sixteen make four times the additions of gamma()
  return Math.sqrt(sum) + 2 ** -23 + Math.sqrt(p) * gamma(4 * width) * 1.01;
}

function dot(a: Float64Array, b: Float64Array): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const whole = a.length & ~3;
  for (let j = 0; j < whole; j += 4) {
    s0 += a[j]! * b[j]!;
    s1 += a[j + 1]! * b[j + 1]!;
    s2 += a[j + 2]! * b[j + 2]!;
    s3 += a[j + 3]! * b[j + 3]!;
  }
  for (let j = whole; j < a.length; j++) s0 += a[j]! * b[j]!;
  return s0 + s1 + (s2 + s3);
}

function addScaled(target: Float64Array, x: Float64Array, factor: number): void {
  for (let j = 0; j < target.length; j++) target[j]! += x[j]! * factor;
}

function squaredDistance(a: Float64Array, b: Float64Array, dim: number): number {
  let sum = 0;
  for (let j = 0; j < dim; j++) sum += (a[j]! - b[j]!) * (a[j]! - b[j]!);
  return sum;
}
