// Scans of inverted lists: see src/kernels/list-scan.ts. The layout of a slot is that of listScanScratchWords there.
import { NONE } from './graph-links';
import { keysOfFour, openQuery, touchRow } from './graph-score';
import { scanHalves, splitBytes, splitTables } from './list-halves';
import { blocksOfFour } from './list-blocks';
import { floatsOfFour } from './list-floats';
import { nibblesBytes, nibblesOfFour, openNibbles } from './list-nibbles';
import { isAdmitted, termAt } from './list-rows';
import { interleave, joinInterleaved, scanTogether } from './list-together';
import { keptBytes, lastKey, offer, openKept, writeKept } from './nearest-kept';
import { pqSum } from './pq-sum';
import { giveSlot, takeSlot } from './slots';

const PQ8: i32 = 5;
const PQ4: i32 = 6;
const SQ4: i32 = 7;
const LVQ: i32 = 8;
const F16_L2: i32 = 9;
/** Queries that go together, and how many and how long a list must be that it pays to lay their tables side by side. */
const TOGETHER: i32 = 8;
const FEWEST: i32 = 3;
const SHORTEST: u32 = 1024;

export function listScan(
  queries: usize, codes: usize, rowTerms: usize, rows: usize, offsets: usize, probes: usize, probeTerms: usize, shifts: usize,
  admitted: usize, keys: usize, ids: usize, scratch: usize,
  nq: i32, nprobe: i32, form: i32, stride: i32, queryStride: i32, keep: i32, withTerms: i32, filtered: i32, slots: i32, slotWords: i32,
  begin: i32, end: i32,
): void {
  const slot = takeSlot(scratch, slots, slotWords);
  const opened = slot + 64;
  const openedBytes = bytesOpened(form, stride);
  const kept = opened + openedBytes;
  const mayPass = filtered ? admitted : 0;
  const together = (form == PQ8 || form == PQ4) && nq > 1 && nprobe == 1 && !withTerms;
  const outBytes = <usize>keep << 2;
  for (let q = begin; q < end; ) {
    const query = queries + <usize>q * <usize>queryStride;
    const count = together ? alike(probes + (<usize>q << 2), offsets, min(TOGETHER, end - q)) : 1;
    for (let i = 0; i < count; i++) openKept(kept + <usize>i * keptBytes(keep), keep);
    if (count > 1) {
      const list = offsets + (<usize>load<u32>(probes + (<usize>q << 2)) << 2);
      const tables = kept + <usize>TOGETHER * keptBytes(keep);
      if (form == PQ4) {
        interleave(query, queryStride, count, <usize>stride << 5, opened);
        joinInterleaved(opened, stride, tables);
      } else interleave(query, queryStride, count, <usize>stride << 8, tables);
      scanTogether(
        tables, tables + (<usize>stride << 12), codes, stride, rows, mayPass, load<i32>(list), load<i32>(list, 4),
        probeTerms + (<usize>q << 2), kept, keep, count,
      );
    } else {
      const ready = openTables(query, opened, stride, form);
      for (let p: usize = <usize>q * <usize>nprobe, stop = p + <usize>nprobe; p < stop; p++) {
        const list = load<u32>(probes + (p << 2));
        if (list == NONE) continue;
        const from = load<i32>(offsets + (<usize>list << 2));
        const to = load<i32>(offsets + (<usize>list << 2), 4);
        const term = load<i32>(probeTerms + (p << 2));
        const shift = withTerms ? load<i32>(shifts + (<usize>q << 2)) : -1;
        if (form == PQ8) scanPq(ready, codes, stride, rowTerms, rows, mayPass, from, to, term, shift, kept, keep);
        else if (form == PQ4) {
          scanHalves(ready, opened + splitBytes(stride), codes, stride, rowTerms, rows, mayPass, from, to, term, shift, kept, keep);
        } else {
          scanFours(
            ready, queryStride, opened + openedBytes - 64, codes, stride, form, rowTerms, rows, mayPass, from, to, term, shift, kept,
            keep,
          );
        }
      }
    }
    for (let i = 0; i < count; i++, q++) {
      writeKept(kept + <usize>i * keptBytes(keep), keep, keys + <usize>q * outBytes, ids + <usize>q * outBytes);
    }
  }
  giveSlot(slot);
}

/** How many queries, `most` or 1, go over the same long list. */
function alike(probes: usize, offsets: usize, most: i32): i32 {
  const list = load<u32>(probes);
  if (list == NONE || most < FEWEST) return 1;
  const at = offsets + (<usize>list << 2);
  if (load<u32>(at, 4) - load<u32>(at) < SHORTEST) return 1;
  let count = 1;
  while (count < most && load<u32>(probes + (<usize>count << 2)) == list) count++;
  return count < FEWEST ? 1 : count;
}

/** See openedBytes in src/kernels/list-scan.ts. */
function bytesOpened(form: i32, stride: i32): usize {
  if (form == PQ8) return 0;
  if (form == PQ4) return <usize>stride << 9;
  if (form >= LVQ) return 64;
  return form == SQ4 ? nibblesBytes(stride) + 64 : ((<usize>stride << 1) + 127) & ~63;
}

/** Where a query is scored from: its tables, or its codes widened, or its weights laid out. */
function openTables(query: usize, opened: usize, stride: i32, form: i32): usize {
  if (form == PQ8 || form >= LVQ) return query;
  if (form == SQ4) openNibbles(query, opened, stride);
  else if (form == PQ4) splitTables(query, stride, opened);
  else return openQuery(query, opened, stride, form);
  return opened;
}

/** Offers the rows of positions [from, to) to what a query keeps. A negative `shift` says that rows have no terms. */
function scanPq(
  tables: usize, codes: usize, stride: i32, rowTerms: usize, rows: usize, admitted: usize, from: i32, to: i32,
  term: i32, shift: i32, kept: usize, keep: i32,
): void {
  const bytes = <usize>stride;
  let last = lastKey(kept, keep);
  let row = codes + <usize>from * bytes;
  for (let i = from; i < to; i++, row += bytes) {
    if (!isAdmitted(admitted, load<u32>(rows + (<usize>i << 2)))) continue;
    const key = term + termAt(rowTerms, i, shift) + pqSum(tables, row, bytes);
    if (key <= last) last = offer(kept, keep, key, load<u32>(rows + (<usize>i << 2)));
  }
}

/** Keys of four listed rows. */
// @ts-ignore: decorator
@inline
function fourKeys(query: usize, queryStride: i32, codes: usize, stride: i32, form: i32, list: usize): v128 {
  if (form == SQ4) return nibblesOfFour(query, codes, stride, list);
  if (form == LVQ) return blocksOfFour(query, queryStride, codes, stride, list);
  if (form > LVQ) return floatsOfFour(query, codes, stride, form == F16_L2, list);
  return keysOfFour(query, codes, stride, form, list);
}

/** The same, four rows at a time; `list` has room for their positions and keys. */
function scanFours(
  query: usize, queryStride: i32, list: usize, codes: usize, stride: i32, form: i32, rowTerms: usize, rows: usize, admitted: usize,
  from: i32, to: i32, term: i32, shift: i32, kept: usize, keep: i32,
): void {
  let last = lastKey(kept, keep);
  for (let first = from; first < to; first += 4) {
    const count = min(4, to - first);
    let any = admitted == 0;
    for (let i = 0; i < count && !any; i++) any = isAdmitted(admitted, load<u32>(rows + (<usize>(first + i) << 2)));
    if (!any) continue;
    // The next four rows are on their way while these are scored.
    if (first + 8 <= to) for (let i = 4; i < 8; i++) touchRow(codes + <usize>(first + i) * <usize>stride, stride);
    // A place behind the last row repeats it.
    v128.store(list, i32x4.min_s(i32x4.add(i32x4.splat(first), i32x4(0, 1, 2, 3)), i32x4.splat(to - 1)));
    v128.store(list, fourKeys(query, queryStride, codes, stride, form, list), 16);
    for (let i = 0; i < count; i++) {
      const key = term + termAt(rowTerms, first + i, shift) + load<i32>(list + (<usize>i << 2), 16);
      if (key > last) continue;
      const id = load<u32>(rows + (<usize>(first + i) << 2));
      if (isAdmitted(admitted, id)) last = offer(kept, keep, key, id);
    }
  }
}
