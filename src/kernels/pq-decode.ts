import { pqDecodeTwin } from './cpu/pq-decode.ts';
import { defineKernel, reads, writes } from './kernel.ts';

/**
 * What product-quantiser codes say, as vectors. Host only: canonical arithmetic, each step rounded to f32.
 *
 *   row[j] = shift[j] + value / scale, value = the code's centroid's and, where there are lists, that of the list's centroid
 *
 *   codes      i8  [positions, stride]   places u32 [n, 2]: position and list of each row
 *   centroids  u32 [m, pairs, ksub] (layout: pq.ts); ksub is 16 (two codes a byte, the first in the low half) or 256
 *   lists      u32 [nlist, width / 2]: pairs of i16 values, looked at only where `withLists` is 1; sums stay within i16
 *   shift      f32 [width]   scale f32 [1]   rows f32 [n, width]: zeros from M · dsub on; width is a multiple of 8
 */
export const pqDecode = defineKernel({
  name: 'pq-decode',
  bindings: {
    codes: reads('i8'),
    places: reads('u32'),
    centroids: reads('u32'),
    lists: reads('u32'),
    shift: reads('f32'),
    scale: reads('f32'),
    rows: writes('f32'),
  },
  params: ['n', 'stride', 'M', 'dsub', 'ksub', 'width', 'withLists'],
  items: ({ n }) => n,
  terms: ({ n, width }) => n * width,
  twin: pqDecodeTwin,
});
