import { matmulTwin } from './cpu/matmul.ts';
import { defineKernel, reads, writes } from './kernel.ts';

/**
 * A · Bᵀ: the dot product of rows of `a` with each row of `b`. For training: rotations, covariances. Host only.
 *
 *   a f32 [first + n or more, k]   b f32 [m, k], k a multiple of 4
 *   c f32 [first + n or more, m]: rows first … first + n − 1 are written
 *
 * Four partial sums by index mod 4, each product and each sum rounded to f32, never fused; then (0+1)+(2+3). So c[i][j]
 * depends on the two rows only: A · Aᵀ is symmetric to the bit, and blocks of a product are bits of the whole.
 */
export const matmul = defineKernel({
  name: 'matmul',
  bindings: { a: reads('f32'), b: reads('f32'), c: writes('f32') },
  params: ['first', 'n', 'm', 'k'],
  items: ({ n }) => n,
  terms: ({ n, m, k }) => n * m * k,
  twin: matmulTwin,
});
