// Up to eight queries over one list of PQ rows: their tables lie side by side, u16 [stride, 256, 8], so that one load and one
// addition serve all eight. Rows go in tiles, and a tile four code bytes at a time, whose tables stay in the first-level cache.
import { isAdmitted, largestSum } from './list-rows';
import { keptBytes, lastKey, offer } from './nearest-kept';

/** As in listScanScratchWords in src/kernels/list-scan.ts. */
const TILE_ROWS: i32 = 512;
/** Bytes of the eight tables of a code byte. */
const TABLE: usize = 4096;

/** Lays `count` tables of `entries` u16, `queryStride` bytes apart, side by side; the places behind the last repeat it. */
export function interleave(tables: usize, queryStride: usize, count: i32, entries: usize, out: usize): void {
  const last = <usize>(count - 1);
  for (let at: usize = 0; at < entries << 1; at += 16) {
    const from = tables + at;
    const r0 = v128.load(from);
    const r1 = v128.load(from + min<usize>(1, last) * queryStride);
    const r2 = v128.load(from + min<usize>(2, last) * queryStride);
    const r3 = v128.load(from + min<usize>(3, last) * queryStride);
    const r4 = v128.load(from + min<usize>(4, last) * queryStride);
    const r5 = v128.load(from + min<usize>(5, last) * queryStride);
    const r6 = v128.load(from + min<usize>(6, last) * queryStride);
    const r7 = v128.load(from + min<usize>(7, last) * queryStride);
    transposeHalf(lows16(r0, r1), lows16(r2, r3), lows16(r4, r5), lows16(r6, r7), out);
    transposeHalf(highs16(r0, r1), highs16(r2, r3), highs16(r4, r5), highs16(r6, r7), out + 64);
    out += 128;
  }
}

/** Four entries of eight queries, from pairs of them. */
// @ts-ignore: decorator
@inline
function transposeHalf(p0: v128, p1: v128, p2: v128, p3: v128, out: usize): void {
  const a = v128.shuffle<i32>(p0, p1, 0, 4, 1, 5);
  const b = v128.shuffle<i32>(p2, p3, 0, 4, 1, 5);
  const c = v128.shuffle<i32>(p0, p1, 2, 6, 3, 7);
  const d = v128.shuffle<i32>(p2, p3, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<i64>(a, b, 0, 2));
  v128.store(out, v128.shuffle<i64>(a, b, 1, 3), 16);
  v128.store(out, v128.shuffle<i64>(c, d, 0, 2), 32);
  v128.store(out, v128.shuffle<i64>(c, d, 1, 3), 48);
}

// @ts-ignore: decorator
@inline
function lows16(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function highs16(a: v128, b: v128): v128 {
  return v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Interleaved tables of pq4, [2 stride, 16, 8], as tables of whole bytes, [stride, 256, 8]. */
export function joinInterleaved(tables: usize, stride: i32, out: usize): void {
  for (let i = 0; i < stride; i++) {
    for (let high: usize = 0; high < 16; high++) {
      const entry = v128.load(tables + (high << 4), 256);
      for (let low: usize = 0; low < 256; low += 16) v128.store(out + low, i16x8.add(v128.load(tables + low), entry));
      out += 256;
    }
    tables += 512;
  }
}

/** Offers the rows of positions [from, to) to what `count` queries keep; `terms` are theirs, one for each. */
export function scanTogether(
  tables: usize, sums: usize, codes: usize, stride: usize, rows: usize, admitted: usize, from: i32, to: i32,
  terms: usize, kept: usize, keep: i32, count: i32,
): void {
  const present = i16x8.gt_s(i16x8.splat(<i16>count), i16x8(0, 1, 2, 3, 4, 5, 6, 7));
  let limits = limitsOf(terms, kept, keep, count);
  for (let first = from; first < to; first += TILE_ROWS) {
    const tile = min(TILE_ROWS, to - first);
    sumTile(tables, codes + <usize>first * stride, stride, tile, sums);
    for (let i = 0; i < tile; i++) {
      const sum = v128.load(sums + (<usize>i << 4));
      const near = v128.and(i16x8.le_u(sum, limits), present);
      if (!v128.any_true(near)) continue;
      const id = load<u32>(rows + (<usize>(first + i) << 2));
      if (!isAdmitted(admitted, id)) continue;
      for (let bits = i16x8.bitmask(near); bits; bits &= bits - 1) {
        const q = <usize>ctz(bits);
        const key = load<i32>(terms + (q << 2)) + <i32>load<u16>(sums + (<usize>i << 4) + (q << 1));
        offer(kept + q * keptBytes(keep), keep, key, id);
      }
      limits = limitsOf(terms, kept, keep, count);
    }
  }
}

/** Sums of a tile of rows for eight queries, u16 [rows, 8]. */
function sumTile(tables: usize, codes: usize, stride: usize, rows: i32, sums: usize): void {
  memory.fill(sums, 0, <usize>rows << 4);
  const end = sums + (<usize>rows << 4);
  for (let at: usize = 0; at < stride; at += 4) {
    let row = codes + at;
    for (let out = sums; out < end; out += 16) {
      const low = i16x8.add(
        v128.load(tables + (<usize>load<u8>(row) << 4)),
        v128.load(tables + (<usize>load<u8>(row, 1) << 4), TABLE),
      );
      const high = i16x8.add(
        v128.load(tables + (<usize>load<u8>(row, 2) << 4), 2 * TABLE),
        v128.load(tables + (<usize>load<u8>(row, 3) << 4), 3 * TABLE),
      );
      v128.store(out, i16x8.add(v128.load(out), i16x8.add(low, high)));
      row += stride;
    }
    tables += 4 * TABLE;
  }
}

/** The largest sum that each query may still take in, u16. */
function limitsOf(terms: usize, kept: usize, keep: i32, count: i32): v128 {
  let limits = i64x2.splat(0);
  for (let q = count - 1; q >= 0; q--) {
    const limit = largestSum(load<i32>(terms + (<usize>q << 2)), lastKey(kept + <usize>q * keptBytes(keep), keep));
    limits = i16x8.replace_lane(v128.shuffle<i16>(limits, limits, 0, 0, 1, 2, 3, 4, 5, 6), 0, <i16>limit);
  }
  return limits;
}
