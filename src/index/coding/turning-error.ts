/** How far the transform of linear-transform.ts is from turning vectors as they are: what proofs need of it (docs/identity.md). */
import { LENGTH, type LinearTransform, transformWidth } from './linear-transform.ts';

/**
 * An upper bound of |y − R (x − mean)| of a vector x that became y, given |y|: x − mean is rounded to f32, then to integers, half of one
 * off in each dimension at most; y is rounded to f32. |x − mean| is 1.1 |y| at most where R turns it whole, as `distortion` tells.
 */
export function turningError({ dimIn }: LinearTransform, length: number): number {
  return length * (1.1 * (Math.sqrt(dimIn) / (2 * LENGTH) + 2 ** -23) + 2 ** -22) + 2 ** -110;
}

/** Dimensions up to which R Rᵀ is squared, which takes time with their cube. */
const SQUARED_DIMS = 1024;

/**
 * ε such that R lengthens and shortens no vector by more than √(1 ± ε): a bound of the spectral norm of R Rᵀ − I for a square R, and
 * Infinity for another. The Frobenius norm is one; that of the square, rooted, is a closer one.
 */
export function distortion({ dimIn, dimOut, matrix }: LinearTransform): number {
  if (dimIn !== dimOut) return Infinity;
  const dim = dimIn;
  const width = transformWidth(dim);
  const off = new Float64Array(dim * dim);
  for (let i = 0; i < dim; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < dim; k++) sum += matrix[i * width + k]! * matrix[j * width + k]!;
      off[i * dim + j] = off[j * dim + i] = sum / (LENGTH * LENGTH) - (i === j ? 1 : 0);
    }
  }
  if (dim > SQUARED_DIMS) return frobenius(off) * (1 + 1e-6);
  let squares = 0;
  for (let i = 0; i < dim; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < dim; k++) sum += off[i * dim + k]! * off[j * dim + k]!;
      squares += (i === j ? 1 : 2) * sum * sum;
    }
  }
  return Math.sqrt(Math.sqrt(squares)) * (1 + 1e-6);
}

function frobenius(values: Float64Array): number {
  let squares = 0;
  for (const value of values) squares += value * value;
  return Math.sqrt(squares);
}
