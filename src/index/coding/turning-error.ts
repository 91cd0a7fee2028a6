/** How far the transform of linear-transform.ts is from turning vectors as they are: what certificates need of it (docs/identity.md). */
import { rangeOf } from '../../host/block.ts';
import type { HostEngine } from '../../host/engine.ts';
import { Recording } from '../../host/recording.ts';
import { rotate } from '../../kernels/rotate.ts';
import { roundUpToFloat } from '../bounds.ts';
import { LENGTH, type LinearTransform, transformWidth } from './linear-transform.ts';

/** A transform that lengthens or shortens squares by more is none to prove anything with. */
export const MOST_DISTORTION = 0.1;

/**
 * An upper bound of |y − R (x − mean)| of a vector x that became y, given |y|: x − mean is rounded to f32, then to integers, half of one
 * off in each dimension at most; y is rounded to f32. |x − mean| is 1.1 |y| at most where squares are distorted by no more than a tenth.
 */
export function turningError({ dimIn }: LinearTransform, length: number): number {
  return length * (1.1 * (Math.sqrt(dimIn) / (2 * LENGTH) + 2 ** -23) + 2 ** -22) + 2 ** -110;
}

/** Dimensions up to which R Rᵀ − I is squared, which takes time with their cube. */
const SQUARED_DIMS = 1024;

/**
 * ε such that a square R changes no squared length by more than a share of ε: a bound of the spectral norm of R Rᵀ − I, as an f32 rounded
 * up. Its Frobenius norm is one; the root of that of its square is a closer one.
 */
export async function distortion(host: HostEngine, { dimOut: dim, matrix }: LinearTransform): Promise<number> {
  const words = transformWidth(dim) / 2;
  using rows = await host.alloc('u32', dim * words, 'distortion: matrix');
  using products = await host.alloc('i32', dim * dim, 'distortion: products');
  host.write(rows, new Uint32Array(matrix.buffer, matrix.byteOffset, matrix.length / 2));
  await host.run(new Recording().dispatch(rotate, { rows, matrix: rows, rotated: products }, { n: dim, dout: dim, words }));
  const [read] = await host.read([rangeOf(products)] as const);
  const off = Float64Array.from(read, (product, at) => product / (LENGTH * LENGTH) - (at % (dim + 1) === 0 ? 1 : 0));
  return roundUpToFloat(dim > SQUARED_DIMS ? length(off) : Math.sqrt(lengthOfSquare(off, dim)));
}

function length(values: Float64Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares) * (1 + 1e-9);
}

/** The Frobenius norm of the square of a symmetric matrix. */
function lengthOfSquare(matrix: Float64Array, dim: number): number {
  let squares = 0;
  for (let i = 0; i < dim; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < dim; k++) sum += matrix[i * dim + k]! * matrix[j * dim + k]!;
      squares += (i === j ? 1 : 2) * sum * sum;
    }
  }
  return Math.sqrt(squares) * (1 + 1e-9);
}
