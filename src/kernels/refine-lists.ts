import { roundUp } from '../util/math.ts';
import { refineListsTwin } from './cpu/refine-lists.ts';
import { defineKernel, reads, scratches, writes } from './kernel.ts';

/**
 * The k best of each query's list by (canonical distance, label). Rows are the vectors as stored, or, `coded`, what their
 * SQ8 codes say: x̂[j] = f32(shift[j] + f32(c[j] · step)), zeros past dim. Host only.
 *
 *   queries f32 [nq, width], zeros past dim   vectors f32 [n, width] or [0]   codes i8 [n, stride] or [0]   shift f32 [dim]
 *   lists   u32 [nq, listStride]: the first `listLength` are looked at, up to NONE   labels i32 [n]
 *   best    i32 [nq, k] labels, distances f32 [nq, k]; −1 and Infinity behind the last
 *
 * `step` holds the bits of an f32; width is a multiple of 16.
 */
export const refineLists = defineKernel({
  name: 'refine-lists',
  bindings: {
    queries: reads('f32'),
    vectors: reads('f32'),
    codes: reads('i8'),
    shift: reads('f32'),
    lists: reads('u32'),
    labels: reads('i32'),
    best: writes('i32'),
    distances: writes('f32'),
    scratch: scratches('u32'),
  },
  params: ['nq', 'width', 'metric', 'listStride', 'listLength', 'k', 'coded', 'dim', 'stride', 'step', 'slots', 'slotWords'],
  items: ({ nq }) => nq,
  terms: ({ nq, listLength, width }) => nq * listLength * width * 4,
  twin: refineListsTwin,
});

/** Words of scratch: a lock, one decoded row, and the best so far. */
export function refineScratchWords(width: number, k: number): number {
  return 16 + width + roundUp(2 * k, 16);
}
