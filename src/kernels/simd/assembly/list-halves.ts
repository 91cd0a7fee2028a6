// Sixteen rows of pq4 at a time. A table of 16 entries is two vectors, the entries' low and high bytes, in which a swizzle looks
// sixteen rows up at once; for that the rows' bytes are transposed. Sums are exact: they stay within u16, so high bytes sum to
// 255 at most, and low bytes may wrap as u16.
import { isAdmitted, largestSum, termAt } from './list-rows';
import { lastKey, offer } from './nearest-kept';

const ROWS: i32 = 16;
/** Bytes of the tables of a code byte. */
const TABLE: usize = 64;

/** Bytes of split tables. */
// @ts-ignore: decorator
@inline
export function splitBytes(stride: i32): usize {
  return <usize>stride * TABLE;
}

/** Splits tables u16 [2 stride, 16] into their bytes: u8 [2 stride, 2, 16], the low ones first. */
export function splitTables(tables: usize, stride: i32, out: usize): void {
  for (let i = 0; i < stride << 1; i++, tables += 32, out += 32) {
    const a = v128.load(tables);
    const b = v128.load(tables, 16);
    v128.store(out, v128.shuffle<i8>(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30));
    v128.store(out, v128.shuffle<i8>(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31), 16);
  }
}

/**
 * Offers the rows of positions [from, to) to what a query keeps. `work` has room for sixteen rows, their
 * columns and four more, and their sums.
 */
export function scanHalves(
  tables: usize, work: usize, codes: usize, stride: i32, rowTerms: usize, rows: usize, admitted: usize, from: i32, to: i32,
  term: i32, shift: i32, kept: usize, keep: i32,
): void {
  const bytes = <usize>stride;
  const columns = work + (bytes << 4);
  const sums = columns + (bytes << 4) + 64;
  let last = lastKey(kept, keep);
  for (let first = from; first < to; first += ROWS) {
    const count = min(ROWS, to - first);
    let block = codes + <usize>first * bytes;
    if (count < ROWS) {
      memory.copy(work, block, <usize>count * bytes);
      block = work;
    }
    transpose(block, bytes, columns);
    sumColumns(tables, columns, bytes, sums);
    const limit = i16x8.splat(<i16>(shift < 0 ? largestSum(term, last) : 65535));
    const near = i8x16.narrow_i16x8_s(i16x8.le_u(v128.load(sums), limit), i16x8.le_u(v128.load(sums, 16), limit));
    for (let bits = i8x16.bitmask(near) & ((1 << count) - 1); bits; bits &= bits - 1) {
      const i = ctz(bits);
      const key = term + termAt(rowTerms, first + i, shift) + <i32>load<u16>(sums + (<usize>i << 1));
      if (key > last) continue;
      const id = load<u32>(rows + (<usize>(first + i) << 2));
      if (isAdmitted(admitted, id)) last = offer(kept, keep, key, id);
    }
  }
}

/** Sums u16 [16] of sixteen rows, given as columns u8 [stride, 16]. */
function sumColumns(tables: usize, columns: usize, stride: usize, sums: usize): void {
  // Low bytes as u16: of even rows with 256 times those of the odd row behind, and of odd rows alone. High bytes as u8.
  let pairs = i64x2.splat(0), odds = i64x2.splat(0), highs = i64x2.splat(0);
  let table = tables;
  for (let at = columns, end = columns + (stride << 4); at < end; at += 16, table += TABLE) {
    const codes = v128.load(at);
    const first = v128.and(codes, i8x16.splat(15));
    const second = i8x16.shr_u(codes, 4);
    const a = lookUp(v128.load(table), first);
    const b = lookUp(v128.load(table, 32), second);
    pairs = i16x8.add(pairs, i16x8.add(a, b));
    odds = i16x8.add(odds, i16x8.add(i16x8.shr_u(a, 8), i16x8.shr_u(b, 8)));
    highs = i8x16.add(highs, i8x16.add(lookUp(v128.load(table, 16), first), lookUp(v128.load(table, 48), second)));
  }
  const even = i16x8.add(i16x8.sub(pairs, i16x8.shl(odds, 8)), i16x8.shl(highs, 8));
  const odd = i16x8.add(odds, v128.and(highs, i16x8.splat(<i16>0xff00)));
  v128.store(sums, v128.shuffle<i16>(even, odd, 0, 8, 1, 9, 2, 10, 3, 11));
  v128.store(sums, v128.shuffle<i16>(even, odd, 4, 12, 5, 13, 6, 14, 7, 15), 16);
}

/** Entries by indices below 16, for which both kinds of swizzle do the same. */
// @ts-ignore: decorator
@inline
function lookUp(table: v128, indices: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? i8x16.relaxed_swizzle(table, indices) : i8x16.swizzle(table, indices);
}

/** Transposes u8 [16, stride] into [stride, 16], eight columns at a time; it may write four columns more. */
function transpose(rows: usize, stride: usize, columns: usize): void {
  let out = columns;
  for (let at: usize = 0; at < stride; at += 8, out += 128) {
    const from = rows + at;
    const narrow = stride - at < 8;
    const a0 = twoRows(from, stride, narrow), a1 = twoRows(from + 2 * stride, stride, narrow);
    const a2 = twoRows(from + 4 * stride, stride, narrow), a3 = twoRows(from + 6 * stride, stride, narrow);
    const a4 = twoRows(from + 8 * stride, stride, narrow), a5 = twoRows(from + 10 * stride, stride, narrow);
    const a6 = twoRows(from + 12 * stride, stride, narrow), a7 = twoRows(from + 14 * stride, stride, narrow);
    // Each round moves one bit of the row from the vector's number into the place, and one of the column out of it.
    const b0 = lows(a0, a4), b1 = lows(a1, a5), b2 = lows(a2, a6), b3 = lows(a3, a7);
    const b4 = highs(a0, a4), b5 = highs(a1, a5), b6 = highs(a2, a6), b7 = highs(a3, a7);
    const c0 = lows(b0, b2), c1 = lows(b1, b3), c2 = highs(b0, b2), c3 = highs(b1, b3);
    const c4 = lows(b4, b6), c5 = lows(b5, b7), c6 = highs(b4, b6), c7 = highs(b5, b7);
    const d0 = lows(c0, c1), d1 = highs(c0, c1), d2 = lows(c2, c3), d3 = highs(c2, c3);
    const d4 = lows(c4, c5), d5 = highs(c4, c5), d6 = lows(c6, c7), d7 = highs(c6, c7);
    v128.store(out, lows(d0, d4));
    v128.store(out, highs(d0, d4), 16);
    v128.store(out, lows(d1, d5), 32);
    v128.store(out, highs(d1, d5), 48);
    v128.store(out, lows(d2, d6), 64);
    v128.store(out, highs(d2, d6), 80);
    v128.store(out, lows(d3, d7), 96);
    v128.store(out, highs(d3, d7), 112);
  }
}

/** Eight bytes of a row and of the one behind it; `narrow`: four, and four zeros. */
// @ts-ignore: decorator
@inline
function twoRows(at: usize, stride: usize, narrow: bool): v128 {
  return narrow
    ? v128.load32_lane(at + stride, v128.load32_zero(at), 2)
    : v128.load64_lane(at + stride, v128.load64_zero(at), 1);
}

// @ts-ignore: decorator
@inline
function lows(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// @ts-ignore: decorator
@inline
function highs(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
