/**
 * The polar factor of a matrix by products alone: X ← (a I + b X Xᵀ + c (X Xᵀ)²) X applies the odd polynomial
 * a x + b x³ + c x⁵ to every singular value and leaves singular vectors as they are (Kovarik 1970; Björck, Bowie 1971, for
 * the last polynomial; Chen, Chow 2014 and Amsel, Persson, Musco, Gower, The Polar Express, 2025, for the first ones).
 */
import { allocAll } from '../../host/alloc-all.ts';
import type { Block } from '../../host/block.ts';
import type { HostEngine } from '../../host/engine.ts';
import { roundUp } from '../../util/math.ts';
import { Breather, type TaskOptions } from '../../util/tasks.ts';
import { multiply } from './multiply.ts';

export interface PolarTask extends TaskOptions {
  /** Rows, at most d. */
  readonly p: number;
  /** Columns. */
  readonly d: number;
  /** Rows are nearly orthonormal already, for which a few steps do; it takes longer where that is not so. */
  readonly nearly?: boolean | undefined;
}

type Quintic = readonly [a: number, b: number, c: number];

/**
 * Lifts small singular values by a factor of 3.9 and takes [0.3, 1.01] to [0.3, 1]: it touches 1 and 0.3 inside and reaches 1
 * at 1.01, which leaves room for rounding. A deeper dip would lift faster (4.2 at 0), but what dips drowns in rounding.
 */
const LIFT: Quintic = [3.9076, -9.9029, 6.9041];
/**
 * Lifts until what was 5e-6 is 0.3 or more, then the polynomials that come nearest to 1 (minimax, by Remez' algorithm) on
 * [0.29, 1.01] and on what the first makes of it, [0.88, 1.12]; then, from within 0.0013, Newton–Schulz with three terms.
 */
const SCHEDULE: readonly Quintic[] = [
  ...new Array<Quintic>(8).fill(LIFT),
  [3.5205, -6.0366, 3.5992],
  [1.8913, -1.2679, 0.3767],
  [15 / 8, -10 / 8, 3 / 8],
];
/** Where the schedule begins for rows that are nearly orthonormal: the bound on singular values takes these to 0.43 or more. */
const LATE = SCHEDULE.length - 3;
/** The schedule comes round again for matrices that are worse. */
const MOST_STEPS = 6 * SCHEDULE.length;
/** The largest |X Xᵀ − I| that is good enough to stop at, and that is good enough at the end. */
const ENOUGH = 1e-5;
const TOLERABLE = 1e-3;

/** p and d padded with zeros to multiples of 4. */
interface Work {
  readonly p: number;
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns] */
  x: Block<'f32'>;
  next: Block<'f32'>;
  /** [columns, rows] */
  readonly turned: Block<'f32'>;
  /** [rows, rows]: X Xᵀ, and its square, then the polynomial. */
  readonly gram: Block<'f32'>;
  readonly square: Block<'f32'>;
}

/**
 * The matrix [p, d] with orthonormal rows that is nearest to `a` f32 [p, d], p ≤ d, and maximises trace(R aᵀ): the answer of the
 * orthogonal Procrustes problem. Entries of R Rᵀ − I stay below 1e-5 as the kernel `matmul` computes them (in truth they are
 * some 5e-7), and R is the exact factor of a matrix within about 1e-6 ‖a‖ of `a`. Where `a` has hardly anything in a direction,
 * that direction of R is anyone's guess, though the same everywhere. Conditions up to 1e5 take one round of the schedule, worse
 * ones two to six, dependent rows mostly as well; a row of zeros never converges, which is an error, so callers keep rows
 * apart. Progress is in steps, one round being the whole.
 */
export async function orthogonalFactor(host: HostEngine, a: Float32Array, task: PolarTask): Promise<Float32Array> {
  const { p, d, signal, onProgress } = task;
  const start = task.nearly ? LATE : 0;
  const breather = new Breather(signal);
  const [rows, columns] = [roundUp(p, 4), roundUp(d, 4)];
  const [x, next, turned, gram, square] = await allocAll(host, [
    ['f32', rows * columns, 'rotation'],
    ['f32', rows * columns, 'next rotation'],
    ['f32', columns * rows, 'rotation, turned'],
    ['f32', rows * rows, 'products of rows'],
    ['f32', rows * rows, 'polynomial of products'],
  ]);
  const work: Work = { p, rows, columns, x, next, turned, gram, square };
  try {
    load(host.view(work.x), a, task, columns);
    for (let step = 0; ; step++) {
      await multiply(host, { a: work.x, b: work.x, c: gram }, { n: rows, m: rows, k: columns }, breather);
      const deviation = largestDeviation(host.view(gram), p, rows);
      if (deviation < ENOUGH || (step === MOST_STEPS && deviation < TOLERABLE)) return unpadded(host.view(work.x), task, columns);
      if (step === MOST_STEPS) throw new Error(`orthogonalFactor: rows are ${deviation} from orthonormal after ${step} steps`);
      await apply(host, work, SCHEDULE[(step + start) % SCHEDULE.length]!, step === 0, breather);
      onProgress?.(Math.min(step + 1, SCHEDULE.length), SCHEDULE.length);
    }
  } finally {
    for (const block of [x, next, turned, gram, square]) block[Symbol.dispose]();
  }
}

/** One step; the first one divides by a bound on the largest singular value as well. */
async function apply(host: HostEngine, work: Work, quintic: Quintic, first: boolean, breather: Breather): Promise<void> {
  const { rows, columns, gram, square, turned } = work;
  await multiply(host, { a: gram, b: gram, c: square }, { n: rows, m: rows, k: rows }, breather);
  const [a, b, c] = first ? scaled(quintic, boundOf(host.view(square))) : quintic;
  const products = host.view(gram);
  const polynomial = host.view(square);
  for (let at = 0; at < polynomial.length; at++) polynomial[at] = b * products[at]! + c * polynomial[at]!;
  for (let i = 0; i < rows; i++) polynomial[i * rows + i]! += a;
  turn(host.view(work.x), host.view(turned), rows, columns);
  await multiply(host, { a: square, b: turned, c: work.next }, { n: rows, m: columns, k: rows }, breather);
  [work.x, work.next] = [work.next, work.x];
}

/** ‖(X Xᵀ)²‖^¼ (Frobenius) is no less than the largest singular value, and no more than p^⅛ of it: 2.3 for 784 rows. */
function boundOf(square: Float32Array): number {
  let sum = 0;
  for (const value of square) sum += value * value;
  return Math.sqrt(Math.sqrt(Math.sqrt(sum)));
}

/** The polynomial of x / by. */
function scaled([a, b, c]: Quintic, by: number): Quintic {
  const squared = by * by;
  return [a / by, b / (by * squared), c / (by * squared * squared)];
}

/** a / ‖a‖ (Frobenius), padded. */
function load(x: Float32Array, a: Float32Array, { p, d }: PolarTask, columns: number): void {
  let most = 0;
  for (const value of a) {
    const size = Math.abs(value);
    if (!(size < Infinity)) throw new Error(`orthogonalFactor: an entry is ${value}`);
    if (size > most) most = size;
  }
  if (most === 0) throw new Error('orthogonalFactor: all entries are 0');
  let sum = 0;
  for (const value of a) sum += (value / most) * (value / most);
  const norm = Math.sqrt(sum);
  for (let i = 0; i < p; i++) for (let j = 0; j < d; j++) x[i * columns + j] = a[i * d + j]! / most / norm;
}

function unpadded(x: Float32Array, { p, d }: PolarTask, columns: number): Float32Array {
  const out = new Float32Array(p * d);
  for (let i = 0; i < p; i++) out.set(x.subarray(i * columns, i * columns + d), i * d);
  return out;
}

/** The largest entry of |gram − I| among the first p rows and columns. */
function largestDeviation(gram: Float32Array, p: number, rows: number): number {
  let most = 0;
  for (let i = 0; i < p; i++) {
    for (let j = 0; j <= i; j++) {
      most = Math.max(most, Math.abs(gram[i * rows + j]! - (i === j ? 1 : 0)));
    }
  }
  return most;
}

/** x [rows, columns] → turned [columns, rows], sixteen columns at a time for the cache's sake. */
function turn(x: Float32Array, turned: Float32Array, rows: number, columns: number): void {
  for (let first = 0; first < columns; first += 16) {
    const last = Math.min(first + 16, columns);
    for (let i = 0; i < rows; i++) for (let j = first; j < last; j++) turned[j * rows + i] = x[i * columns + j]!;
  }
}
