/** Householder's tridiagonal form of a symmetric matrix: the first half of symmetricEigen. */
import type { Breather } from '../../util/tasks.ts';

export interface Tridiagonal {
  /** [d] */
  readonly diagonal: Float64Array;
  /** [d]: value i couples i and i + 1, the last is 0. */
  readonly couplings: Float64Array;
}

/** Sums of squares below it are nothing beside entries of about 1, and too small to divide by. */
const NOTHING = 1e-280;

/**
 * Turns `work` [d, d], a symmetric matrix with entries of about 1 whose lower triangle is given and whose upper one holds
 * zeros, into the orthogonal matrix Q for which matrix = Qᵀ T Q, T being the tridiagonal matrix that is returned.
 * `step` is told the rows done so far of 2d, as their share in d³.
 */
export async function tridiagonalise(
  work: Float64Array,
  d: number,
  breather: Breather,
  step: (share: number) => void,
): Promise<Tridiagonal> {
  const diagonal = new Float64Array(d);
  const couplings = new Float64Array(d);
  const lengths = new Float64Array(d); // half the squared length of the vector that is left in row i, 0 where there is none
  for (let i = d - 1; i > 0; i--) {
    const vector = work.subarray(i * d, i * d + i);
    diagonal[i] = work[i * d + i]!;
    [couplings[i - 1], lengths[i]] = reflection(vector);
    if (lengths[i]! > 0) reflectBothSides(work, d, vector, lengths[i]!);
    step(1 - (i / d) * (i / d) * (i / d));
    await breather.breathe();
  }
  diagonal[0] = work[0]!;
  for (let i = 0; i < d; i++) {
    const vector = work.subarray(i * d, i * d + i);
    if (lengths[i]! > 0) reflectRows(work, d, vector, lengths[i]!);
    vector.fill(0);
    work[i * d + i] = 1;
    step(1 + (i / d) * (i / d) * (i / d));
    await breather.breathe();
  }
  return { diagonal, couplings };
}

/**
 * Makes of x the vector v whose reflection I − v vᵀ / length takes x to a multiple of the last axis. Returns that multiple and
 * length = |v|² / 2, or 0 where x lies on the axis already.
 */
function reflection(x: Float64Array): [multiple: number, length: number] {
  const last = x.length - 1;
  const end = x[last]!;
  let rest = 0;
  for (let k = 0; k < last; k++) rest += x[k]! * x[k]!;
  if (rest < NOTHING) return [end, 0];
  const squared = rest + end * end;
  const multiple = end > 0 ? -Math.sqrt(squared) : Math.sqrt(squared); // of the other sign: end − multiple loses no digits
  x[last] = end - multiple;
  return [multiple, squared - end * multiple];
}

/** A ← H A H for the leading block as long as v, lower triangle: A − v qᵀ − q vᵀ with p = A v / length, q = p − v (v·p) / 2 length. */
function reflectBothSides(work: Float64Array, d: number, v: Float64Array, length: number): void {
  const size = v.length;
  const q = timesVector(work, d, v);
  let product = 0;
  for (let k = 0; k < size; k++) product += v[k]! * (q[k]! /= length);
  const share = product / (2 * length);
  for (let k = 0; k < size; k++) q[k]! -= share * v[k]!;
  for (let j = 0; j < size; j++) {
    const row = work.subarray(j * d, j * d + j + 1);
    const vj = v[j]!;
    const qj = q[j]!;
    for (let k = 0; k < row.length; k++) row[k]! -= vj * q[k]! + qj * v[k]!;
  }
}

/** A v for the leading block of a symmetric matrix; each entry of the lower triangle is read once and serves twice. */
function timesVector(work: Float64Array, d: number, v: Float64Array): Float64Array {
  const product = new Float64Array(v.length);
  for (let j = 0; j < v.length; j++) {
    const row = work.subarray(j * d, j * d + j);
    product[j]! += dotAndAdd(row, v, product, v[j]!) + work[j * d + j]! * v[j]!;
  }
  return product;
}

/** row · v, and sums += factor · row on the way. */
function dotAndAdd(row: Float64Array, v: Float64Array, sums: Float64Array, factor: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const whole = row.length & ~3;
  for (let k = 0; k < whole; k += 4) {
    s0 += row[k]! * v[k]!;
    s1 += row[k + 1]! * v[k + 1]!;
    s2 += row[k + 2]! * v[k + 2]!;
    s3 += row[k + 3]! * v[k + 3]!;
    sums[k]! += factor * row[k]!;
    sums[k + 1]! += factor * row[k + 1]!;
    sums[k + 2]! += factor * row[k + 2]!;
    sums[k + 3]! += factor * row[k + 3]!;
  }
  for (let k = whole; k < row.length; k++) {
    s0 += row[k]! * v[k]!;
    sums[k]! += factor * row[k]!;
  }
  return s0 + s1 + (s2 + s3);
}

/** row ← row H for each row of the leading block. */
function reflectRows(work: Float64Array, d: number, v: Float64Array, length: number): void {
  for (let j = 0; j < v.length; j++) {
    const row = work.subarray(j * d, j * d + v.length);
    const share = dot(row, v) / length;
    for (let k = 0; k < row.length; k++) row[k]! -= share * v[k]!;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const whole = a.length & ~3;
  for (let k = 0; k < whole; k += 4) {
    s0 += a[k]! * b[k]!;
    s1 += a[k + 1]! * b[k + 1]!;
    s2 += a[k + 2]! * b[k + 2]!;
    s3 += a[k + 3]! * b[k + 3]!;
  }
  for (let k = whole; k < a.length; k++) s0 += a[k]! * b[k]!;
  return s0 + s1 + (s2 + s3);
}
