/**
 * Vectors on a grid of 16-bit integers: what quantisers train, encode and score on. Sums of integers do not depend on their
 * order, so k-means, assignments and tables are the same on every engine.
 */
import { roundTiesToEven } from '../../util/math.ts';
import { scaleFor } from '../sq8-codec.ts';

/** What a grid value means: x̂[j] = shift[j] + v[j] / scale, |v| < 2^bits. */
export interface IntegerGrid {
  readonly bits: number;
  /** [dim] */
  readonly shift: Float32Array;
  /** An f32, > 0. */
  readonly scale: number;
}

/** How vectors fall into subvectors: `m` of them with `dsub` dimensions, each in `pairs` words of two values. */
export interface Split {
  /** Subvectors; those past M are zeros, so that codes fill whole words. */
  readonly m: number;
  /** Subvectors that hold dimensions. */
  readonly M: number;
  readonly dsub: number;
  /** ⌈dsub / 2⌉ */
  readonly pairs: number;
}

export function splitOf(dim: number, M: number, m = M): Split {
  const dsub = dim / M;
  return { m, M, dsub, pairs: Math.ceil(dsub / 2) };
}

/** Bits of values, so that |c|² − 2 q · c of vectors with `dsub` dimensions stays within 32 bits: 3 · dsub · 4^bits < 2^31. */
export function bitsFor(dsub: number): number {
  let bits = 14;
  while (3 * dsub * 4 ** bits >= 2 ** 31) bits--;
  return bits;
}

/** The grid that spans sampled rows f32 [n, dim]: each dimension centred (or, `centred` false, all around zero), one step for all. */
export function integerGrid(sample: Float32Array, dim: number, bits: number, centred: boolean): IntegerGrid {
  const low = new Float32Array(dim).fill(Infinity);
  const high = new Float32Array(dim).fill(-Infinity);
  for (let at = 0; at < sample.length; at += dim) {
    for (let j = 0; j < dim; j++) {
      const x = sample[at + j]!;
      if (x < low[j]!) low[j] = x;
      if (x > high[j]!) high[j] = x;
    }
  }
  const shift = new Float32Array(dim);
  let reach = 0;
  for (let j = 0; j < dim; j++) {
    if (centred) shift[j] = (low[j]! + high[j]!) / 2;
    reach = Math.max(reach, high[j]! - shift[j]!, shift[j]! - low[j]!);
  }
  return { bits, shift, scale: scaleFor(reach, 2 ** bits - 1) };
}

/** Values of rows f32 [n, dim], clamped to the grid: i16 [n, dim]. */
export function toGrid(rows: Float32Array, { bits, shift, scale }: IntegerGrid): Int16Array {
  const dim = shift.length;
  const most = 2 ** bits - 1;
  const values = new Int16Array(rows.length);
  for (let at = 0; at < rows.length; at += dim) {
    for (let j = 0; j < dim; j++) {
      const scaled = roundTiesToEven(Math.fround(Math.fround(rows[at + j]! - shift[j]!) * scale));
      values[at + j] = Math.max(-most, Math.min(most, scaled));
    }
  }
  return values;
}

/** Values i16 [n, dim] in words of two, subvector by subvector: u32 [n, m · pairs]. */
export function packValues(values: Int16Array, dim: number, { m, M, dsub, pairs }: Split): Uint32Array {
  const n = values.length / dim;
  const words = new Uint32Array(n * m * pairs);
  const halves = new Int16Array(words.buffer);
  for (let row = 0; row < n; row++) {
    for (let sub = 0; sub < M; sub++) {
      const from = row * dim + sub * dsub;
      halves.set(values.subarray(from, from + dsub), (row * m + sub) * pairs * 2);
    }
  }
  return words;
}

/** |v|² of each row of values i16 [n, width], below 2^31 on a grid: i32 [n]. */
export function squaresOf(values: Int16Array, width: number): Int32Array {
  const squares = new Int32Array(values.length / width);
  for (let i = 0; i < squares.length; i++) {
    let sum = 0;
    for (let j = i * width; j < (i + 1) * width; j++) sum += values[j]! * values[j]!;
    squares[i] = sum;
  }
  return squares;
}
