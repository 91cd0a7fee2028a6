import { roundUp } from '../util/math.ts';
import { listScanTwin } from './cpu/list-scan.ts';
import { FORMS, isHalf, isPq, isSq8 } from './graph.ts';
import { defineKernel, type ParamsOf, reads, scratches, writes } from './kernel.ts';

/** Rows of a list, by and large: what cost models count with. */
const LIST_ROWS = 256;
/** Queries that go over one list together, in PQ forms without row terms. */
const TOGETHER = 8;
/** Rows that they take at a time, and bytes of such a row's sums. */
const TILE_ROWS = 512;
const SUM_BYTES = 2 * TOGETHER;

/**
 * Scans the inverted lists that each query probes, and keeps the nearest rows. Host only.
 *
 *   key = probeTerms[q, p] + (withTerms ? rowTerms[position] >> shifts[q] : 0) + score, wrapping i32
 *   score  sq8L2, sq8Ip: as graphs score rows (graph.ts)    pq8, pq4: the sum of table entries that the codes name (cpu/pq-sum.ts)
 *          sq4, lvq: less the dot product of the row's numbers and the query's weights (cpu/nibble-dot.ts, cpu/block-dot.ts)
 *          f16L2, f16Ip: the canonical distance, as bits that ascend with it (cpu/half-distance.ts)
 *
 *   queries    i8  [nq, queryStride]: SQ8 forms: the codes, the last four bytes 0; PQ forms: the query's tables, u16 [m, ksub],
 *              of which no sum passes 65535; sq4: weights i16 [2 stride];
 *              lvq: blocks (cpu/block-dot.ts); f16 forms: f32 [stride / 2]
 *   codes      i8  [positions, stride]: list after list; stride is a multiple of 16 in SQ8 forms, of 4 in the others,
 *              and 16 at least in the form sq4; in f16 forms of 32
 *   rowTerms   i32 [positions], looked at only where `withTerms` is 1; shifted arithmetically by shifts u32 [nq], below 32
 *   rows       u32 [positions]: the id of the row at a position
 *   offsets    u32 [nlist + 1]: where lists begin
 *   probes     u32 [nq, nprobe]: lists, NONE where there is none    probeTerms i32 [nq, nprobe]
 *   admitted   u32 [⌈n / 32⌉]: which ids may be returned; looked at only where `filtered` is 1
 *   keys       i32 [nq, keep]   ids u32 [nq, keep]: the smallest (key, id) in order; behind the last 0x7fffffff and NONE
 *   scratch    u32 [slots, slotWords]: a thread takes a slot while it works (`listScanScratchWords`); zeroed
 */
export const listScan = defineKernel({
  name: 'list-scan',
  bindings: {
    queries: reads('i8'),
    codes: reads('i8'),
    rowTerms: reads('i32'),
    rows: reads('u32'),
    offsets: reads('u32'),
    probes: reads('u32'),
    probeTerms: reads('i32'),
    shifts: reads('u32'),
    admitted: reads('u32'),
    keys: writes('i32'),
    ids: writes('u32'),
    scratch: scratches('u32'),
  },
  params: ['nq', 'nprobe', 'form', 'stride', 'queryStride', 'keep', 'withTerms', 'filtered', 'slots', 'slotWords'],
  items: ({ nq }) => nq,
  terms: ({ nq, nprobe, stride }) => nq * nprobe * stride * LIST_ROWS,
  twin: listScanTwin,
});

type ScratchParam = 'nq' | 'nprobe' | 'form' | 'stride' | 'keep' | 'withTerms';

/**
 * Words of a slot: a lock, the query as it is scored from and room to work in, and what is kept. Queries that may go together
 * also need what the others keep, their tables side by side, and the sums of a tile.
 */
export function listScanScratchWords(params: ParamsOf<ScratchParam>): number {
  const { nq, nprobe, form, keep, withTerms, stride } = params;
  const query = openedBytes(params);
  const kept = roundUp(8 * (keep + 1), 64);
  const together = isPq(form) && nq > 1 && nprobe === 1 && !withTerms;
  const more = together ? (TOGETHER - 1) * kept + stride * 256 * SUM_BYTES + TILE_ROWS * SUM_BYTES : 0;
  return (64 + query + kept + more) / 4;
}

/** Bytes of a query as it is scored from, and of the room to work in behind it. */
function openedBytes({ form, stride }: ParamsOf<'form' | 'stride'>): number {
  if (isSq8(form)) return roundUp(2 * stride, 64) + 64;
  if (form === FORMS.sq4) return roundUp(stride, 16) * 4 + 64;
  if (form === FORMS.lvq || isHalf(form)) return 64;
  return form === FORMS.pq4 ? stride * 512 : 0;
}
