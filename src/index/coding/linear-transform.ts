/**
 * y = R (x − mean): rotations and projections. R is kept as 16-bit integers, and each vector is rounded to 16 bits by its own
 * scale, so that products are exact i32 on every engine; what comes out is the transformed vector, by definition.
 */
import { type Block, rangeOf } from '../../host/block.ts';
import type { Engine, HostEngine } from '../../host/engine.ts';
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

/** A transform whose matrix lies on the host engine, where vectors are transformed without sending it again. */
export class LoadedTransform implements LinearTransform, Disposable {
  readonly dimIn: number;
  readonly dimOut: number;
  readonly mean: Float32Array;
  /** u32 [dimOut, width / 2] */
  readonly block: Block<'u32'>;
  private readonly host: HostEngine;

  private constructor(host: HostEngine, { dimIn, dimOut, mean }: LinearTransform, block: Block<'u32'>) {
    this.host = host;
    this.dimIn = dimIn;
    this.dimOut = dimOut;
    this.mean = mean;
    this.block = block;
  }

  static async open(host: HostEngine, transform: LinearTransform): Promise<LoadedTransform> {
    return new LoadedTransform(host, transform, await loadedMatrix(host, transform));
  }

  /** To be used at once: any wait may move the memory. */
  get matrix(): Int16Array {
    const words = this.host.view(this.block);
    return new Int16Array(words.buffer, words.byteOffset, 2 * words.length);
  }

  [Symbol.dispose](): void {
    this.block[Symbol.dispose]();
  }
}

async function loadedMatrix(engine: Engine, { matrix }: LinearTransform): Promise<Block<'u32'>> {
  const block = await engine.alloc('u32', matrix.length / 2, 'transform: matrix');
  engine.write(block, new Uint32Array(matrix.buffer, matrix.byteOffset, matrix.length / 2));
  return block;
}

/** Transforms vectors f32 [n, dimIn]: f32 [n, dimOut]. */
export function applyTransform(
  engine: Engine,
  transform: LinearTransform,
  vectors: Float32Array,
  options: TaskOptions = {},
): Promise<Float32Array> {
  const { dimIn, mean } = transform;
  const rounded = (first: number, last: number) => roundRows(vectors.subarray(first * dimIn, last * dimIn), mean);
  return inPieces(engine, transform, vectors.length / dimIn, rounded, options);
}

/** The same of vectors that were rounded before, by the transform's mean. */
export function applyToRounded(
  engine: Engine,
  transform: LinearTransform,
  { words, steps }: RoundedRows,
  options: TaskOptions = {},
): Promise<Float32Array> {
  const width = transformWidth(transform.dimIn) / 2;
  const piece = (first: number, last: number) => ({
    words: words.subarray(first * width, last * width),
    steps: steps.subarray(first, last),
  });
  return inPieces(engine, transform, steps.length, piece, options);
}

async function inPieces(
  engine: Engine,
  transform: LinearTransform,
  n: number,
  piece: (first: number, last: number) => RoundedRows,
  { signal, onProgress }: TaskOptions,
): Promise<Float32Array> {
  const { dimOut } = transform;
  const out = new Float32Array(n * dimOut);
  await withMatrix(engine, transform, async (matrix) => {
    for (let first = 0; first < n; first += PIECE_ROWS) {
      const last = Math.min(first + PIECE_ROWS, n);
      await rotatePiece(engine, transform, matrix, piece(first, last), out.subarray(first * dimOut, last * dimOut));
      onProgress?.(last, n);
      signal?.throwIfAborted();
    }
  });
  return out;
}

/** Lends a transform's matrix on an engine. */
async function withMatrix(engine: Engine, transform: LinearTransform, use: (matrix: Block<'u32'>) => Promise<void>): Promise<void> {
  if (transform instanceof LoadedTransform && engine === engine.host) return use(transform.block);
  using matrix = await loadedMatrix(engine, transform);
  await use(matrix);
}

async function rotatePiece(
  engine: Engine,
  { dimIn, dimOut }: LinearTransform,
  matrix: Block<'u32'>,
  { words, steps }: RoundedRows,
  out: Float32Array,
): Promise<void> {
  const n = steps.length;
  using rows = await engine.alloc('u32', words.length, 'transform: rows');
  using rotated = await engine.alloc('i32', n * dimOut, 'transform: products');
  engine.write(rows, words);
  await engine.run(new Recording().dispatch(rotate, { rows, matrix, rotated }, { n, dout: dimOut, words: transformWidth(dimIn) / 2 }));
  const [products] = await engine.read([rangeOf(rotated)] as const);
  for (let i = 0, at = 0; i < n; i++) {
    const step = steps[i]!;
    for (const end = at + dimOut; at < end; at++) out[at] = products[at]! * step;
  }
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

/** Vectors on 16-bit integers, each by its own scale. */
export interface RoundedRows {
  /** u32 [n, width / 2] */
  readonly words: Uint32Array;
  /** [n]: what a product of one and R counts. */
  readonly steps: Float64Array;
}

/** Rounds vectors f32 [n, dimIn], less the mean. */
export function roundRows(vectors: Float32Array, mean: Float32Array): RoundedRows {
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
