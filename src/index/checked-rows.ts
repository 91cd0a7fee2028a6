/** Rows and queries as they come from outside: checked, and normalised under cosine. */
import { badArgument } from '../util/errors.ts';
import { checkShape, type Metric } from './vector-index.ts';

/** Squared norms beyond this would let canonical distances overflow f32. */
export const MOST_SQUARED_NORM = 2 ** 124;

/** ‖row‖² in f64, one accumulator in increasing order; throws where the row may not enter an index. */
export function checkedSquaredNorm(row: Float32Array, rowNumber: number, metric: Metric, name: string): number {
  const sum = sumOfSquares(row, 0, row.length);
  if (!isGood(sum)) throwBad(row, rowNumber, sum, metric, name);
  return sum;
}

/** Whether any index takes a row of this squared norm. NaN is none. */
function isGood(sum: number): boolean {
  return sum > 0 && sum <= MOST_SQUARED_NORM;
}

function throwBad(row: Float32Array, rowNumber: number, sum: number, metric: Metric, name: string): void {
  if (!(sum <= MOST_SQUARED_NORM)) throw badRow(row, rowNumber, sum, name);
  if (sum === 0 && metric === 'cosine') {
    throw badArgument(`${name} row ${rowNumber} is zero, which has no direction; drop it or use metric 'l2' or 'ip'`);
  }
}

function badRow(row: Float32Array, rowNumber: number, sum: number, name: string): Error {
  const column = row.findIndex((value) => !Number.isFinite(value));
  if (column >= 0) return badArgument(`${name} row ${rowNumber}, column ${column} is ${row[column]}; every value must be finite`);
  return badArgument(
    `${name} row ${rowNumber} has squared norm ${sum.toExponential(3)}, beyond 2^124 = ${MOST_SQUARED_NORM.toExponential(3)}, ` +
      'where distances would overflow f32; scale the vectors down',
  );
}

function sumOfSquares(rows: Float32Array, begin: number, end: number): number {
  let sum = 0;
  for (let at = begin; at < end; at++) sum += rows[at]! * rows[at]!;
  return sum;
}

/** Divides a row by its norm in f64 and rounds to f32: how `cosine` stores rows and takes queries. */
export function normaliseRow(row: Float32Array, squaredNorm: number): void {
  divide(row, 0, row.length, Math.sqrt(squaredNorm));
}

function divide(rows: Float32Array, begin: number, end: number, by: number): void {
  for (let at = begin; at < end; at++) rows[at] = rows[at]! / by;
}

/** A checked copy of the queries, normalised under cosine. It makes no object for a query: there may be a million of them a second. */
export function checkedQueries(queries: unknown, dim: number, metric: Metric, name = 'queries'): Float32Array {
  checkShape(queries, dim, name);
  const copy = (queries as Float32Array).slice();
  for (let begin = 0, row = 0; begin < copy.length; begin += dim, row++) {
    const end = begin + dim;
    const sum = sumOfSquares(copy, begin, end);
    if (!isGood(sum)) throwBad(copy.subarray(begin, end), row, sum, metric, name);
    if (metric === 'cosine') divide(copy, begin, end, Math.sqrt(sum));
  }
  return copy;
}
