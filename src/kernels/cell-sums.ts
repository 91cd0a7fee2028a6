import { cellSumsTwin } from './cpu/cell-sums.ts';
import { defineKernel, reads, writes } from './kernel.ts';

/** Dimensions whose sums lie together: those of all cells stay in a cache while rows go by. */
export const CHUNK = 32;

/**
 * Adds rows to the sums of the cells that they are in, one of each subquantiser. For training. Host only.
 *
 *   rows   f32 [n, chunks · CHUNK]
 *   cells  u32 [n, m], the first M of a row, below ksub
 *   sums   f32 [chunks, M, ksub, CHUNK]: added to, row after row, each sum rounded to f32
 */
export const cellSums = defineKernel({
  name: 'cell-sums',
  bindings: { rows: reads('f32'), cells: reads('u32'), sums: writes('f32') },
  params: ['n', 'chunks', 'm', 'M', 'ksub'],
  items: ({ chunks }) => chunks,
  terms: ({ n, chunks, M }) => n * chunks * CHUNK * M,
  twin: cellSumsTwin,
});
