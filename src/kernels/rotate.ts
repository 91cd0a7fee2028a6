import { ceilDiv } from '../util/math.ts';
import { rotateTwin } from './cpu/rotate.ts';
import { defineKernel, reads, splitGrid, writes } from './kernel.ts';

/** Rows, and outputs, of a workgroup; the same in the shader. */
const TILE = 16;

/**
 * Rows times a matrix, all i16 pairs (pq.ts) in and i32 out: rotated[i][o] = Σ row i · matrix row o, wrapping.
 * `words` is a multiple of 4. Shapes: shaders/rotate.wgsl.
 */
export const rotate = defineKernel({
  name: 'rotate',
  bindings: { rows: reads('u32'), matrix: reads('u32'), rotated: writes('i32') },
  params: ['n', 'dout', 'words'],
  items: ({ n }) => n,
  terms: ({ n, dout, words }) => n * dout * words * 2,
  plan({ n, dout }, limits) {
    const y = Math.min(ceilDiv(dout, TILE), limits.maxComputeWorkgroupsPerDimension);
    return { constants: {}, grid: splitGrid(ceilDiv(n, TILE), y, limits) };
  },
  twin: rotateTwin,
});
