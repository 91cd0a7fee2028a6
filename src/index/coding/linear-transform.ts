/**
 * y = R (x − mean): rotations and projections. R is kept as 16-bit integers, and each vector is rounded to 16 bits by its own
 * scale, so that products are exact i32 on every engine; what comes out is the transformed vector, by definition.
 */
import { rangeOf } from '../../host/block.ts';
import type { Engine } from '../../host/engine.ts';
import { Recording } from '../../host/recording.ts';
import { rotate } from '../../kernels/rotate.ts';
import { roundTiesToEven, roundUp } from '../../util/math.ts';
import type { TaskOptions } from '../../util/tasks.ts';

/**
 * Length of a rounded vector or row of R: with what rounding adds (half a step in each of 4,096 dimensions) products stay below
 * 2^15 · 2^15.
 */
export const LENGTH = 32_700;
/** Vectors that are transformed at a time. */
const PIECE_ROWS = 4096;

export interface LinearTransform {
  readonly dimIn: number;
  readonly dimOut: number;
  /** [dimIn], subtracted first; zeros where inner products must stay. */
  readonly mean: Float32Array;
  /** i16 [dimOut, width], rows of unit length times LENGTH; zeros past dimIn. */
  readonly matrix: Int16Array;
}

/** Values of a row of the matrix: dimIn padded to whole words of the kernel. */
export function transformWidth(dimIn: number): number {
  return roundUp(dimIn, 8);
}

/** The transform of a matrix f32 or f64 [dimOut, dimIn] whose rows are nearly orthonormal. */
export function linearTransform(rows: ArrayLike<number>, dimIn: number, mean: Float32Array): LinearTransform {
  const width = transformWidth(dimIn);
  const dimOut = rows.length / dimIn;
  const matrix = new Int16Array(dimOut * width);
  for (let i = 0; i < dimOut; i++) {
    for (let j = 0; j < dimIn; j++) matrix[i * width + j] = roundTiesToEven(rows[i * dimIn + j]! * LENGTH);
  }
  return { dimIn, dimOut, mean, matrix };
}

/** Transforms vectors f32 [n, dimIn]: f32 [n, dimOut]. */
export async function applyTransform(
  engine: Engine,
  { dimIn, dimOut, mean, matrix }: LinearTransform,
  vectors: Float32Array,
  { signal, onProgress }: TaskOptions = {},
): Promise<Float32Array> {
  const n = vectors.length / dimIn;
  const out = new Float32Array(n * dimOut);
  const words = transformWidth(dimIn) / 2;
  using matrixBlock = await engine.alloc('u32', dimOut * words, 'transform: matrix');
  engine.write(matrixBlock, new Uint32Array(matrix.buffer, matrix.byteOffset, matrix.length / 2));
  for (let first = 0; first < n; first += PIECE_ROWS) {
    const count = Math.min(PIECE_ROWS, n - first);
    const { words: rounded, steps } = roundRows(vectors.subarray(first * dimIn, (first + count) * dimIn), mean);
    using rows = await engine.alloc('u32', count * words, 'transform: rows');
    using rotated = await engine.alloc('i32', count * dimOut, 'transform: products');
    engine.write(rows, rounded);
    await engine.run(new Recording().dispatch(rotate, { rows, matrix: matrixBlock, rotated }, { n: count, dout: dimOut, words }));
    const [products] = await engine.read([rangeOf(rotated)] as const);
    for (let i = 0; i < count; i++) {
      const step = steps[i]!;
      const to = (first + i) * dimOut;
      for (let j = 0; j < dimOut; j++) out[to + j] = products[i * dimOut + j]! * step;
    }
    onProgress?.(first + count, n);
    signal?.throwIfAborted();
  }
  return out;
}

/** The vector whose transform is nearest to y: Rᵀ y + mean, f64 in a fixed order, to f32 [dimIn]. */
export function invertTransform({ dimIn, dimOut, mean, matrix }: LinearTransform, y: Float32Array, out: Float32Array): void {
  const width = transformWidth(dimIn);
  const sums = new Float64Array(dimIn);
  for (let i = 0; i < dimOut; i++) {
    const by = y[i]!;
    for (let j = 0; j < dimIn; j++) sums[j]! += matrix[i * width + j]! * by;
  }
  for (let j = 0; j < dimIn; j++) out[j] = sums[j]! / LENGTH + mean[j]!;
}

/** Vectors less the mean on 16-bit integers, each by its own scale; and what a product of it and R counts. */
function roundRows(vectors: Float32Array, mean: Float32Array): { words: Uint32Array; steps: Float64Array } {
  const dim = mean.length;
  const width = transformWidth(dim);
  const n = vectors.length / dim;
  const values = new Int16Array(n * width);
  const steps = new Float64Array(n);
  const centred = new Float32Array(dim);
  for (let i = 0; i < n; i++) {
    let squares = 0;
    for (let j = 0; j < dim; j++) {
      const x = Math.fround(vectors[i * dim + j]! - mean[j]!);
      centred[j] = x;
      squares += x * x;
    }
    if (squares === 0) continue;
    const scale = LENGTH / Math.sqrt(squares);
    for (let j = 0; j < dim; j++) values[i * width + j] = roundTiesToEven(centred[j]! * scale);
    steps[i] = 1 / (scale * LENGTH);
  }
  return { words: new Uint32Array(values.buffer), steps };
}
