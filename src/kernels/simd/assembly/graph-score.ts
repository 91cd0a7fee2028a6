// Keys of graph rows, four at a time: see src/kernels/graph.ts and cpu/graph-score.ts. A query of SQ8 is widened to i16 once; its
// last four values are 0, so the term at the end of a row does not count. One of SQ4 is widened where there is no relaxed SIMD.
import { dot, squaredL2 } from './canonical-distances';

const LINE: usize = 64;
/** Rows longer than this have only their first line touched ahead: the hardware fetches what follows. */
const TOUCHED: usize = 1024;

/** Takes the loads' values, so that no compiler drops them. */
export let touched: i32 = 0;

const SQ8_IP = 1;
const SQ4_L2 = 5;
const NIBBLE: i32 = 15;

// @ts-ignore: decorator
@inline
function isSq8(form: i32): bool {
  return form <= SQ8_IP;
}

/** Bytes of a query against rows of `stride` bytes. */
// @ts-ignore: decorator
@inline
export function queryStride(form: i32, stride: i32): usize {
  return form == SQ4_L2 ? (<usize>stride << 1) - 32 : <usize>stride;
}

/** Where a query is scored from: its i16 copy at `wide`, or the query itself, where it is scored as it lies. */
export function openQuery(query: usize, wide: usize, stride: i32, form: i32): usize {
  if (isSq8(form)) {
    widen(query, wide, <usize>stride);
    store<u64>(wide + (<usize>stride << 1) - 8, 0); // a row that is the query ends in its term
    return wide;
  }
  if (form != SQ4_L2 || ASC_FEATURE_RELAXED_SIMD) return query;
  widen(query, wide, queryStride(form, stride));
  return wide;
}

/** The same for a row that is the query: of SQ4, its codes in a query's finer steps. */
export function openRow(row: usize, wide: usize, stride: i32, form: i32): usize {
  if (form != SQ4_L2) return openQuery(row, wide, stride, form);
  const mask = i8x16.splat(<i8>NIBBLE);
  const blocks = row + <usize>stride - 16;
  let out = wide;
  for (let at = row; at < blocks; at += 16) {
    const bytes = v128.load(at);
    const low = i8x16.shl(v128.and(bytes, mask), 3);
    const high = i8x16.shl(i8x16.shr_u(bytes, 4), 3);
    if (ASC_FEATURE_RELAXED_SIMD) {
      v128.store(out, low);
      v128.store(out, high, 16);
      out += 32;
    } else {
      v128.store(out, i16x8.extend_low_i8x16_s(low));
      v128.store(out, i16x8.extend_high_i8x16_s(low), 16);
      v128.store(out, i16x8.extend_low_i8x16_s(high), 32);
      v128.store(out, i16x8.extend_high_i8x16_s(high), 48);
      out += 64;
    }
  }
  return wide;
}

// @ts-ignore: decorator
@inline
function widen(query: usize, wide: usize, bytes: usize): void {
  for (let j: usize = 0; j < bytes; j += 8) v128.store(wide + (j << 1), v128.load8x8_s(query + j));
}

/** Loads a byte of each line of a row, so that its lines are on their way before they are needed. */
// @ts-ignore: decorator
@inline
export function touchRow(row: usize, stride: usize): void {
  let bytes = 0;
  const end = stride > TOUCHED ? LINE : stride;
  for (let at: usize = 0; at < end; at += LINE) bytes ^= load<u8>(row + at);
  touched ^= bytes;
}

// @ts-ignore: decorator
@inline
export function termOf(codes: usize, stride: i32, form: i32, row: u32): i32 {
  return form == 0 || form == SQ4_L2 ? load<i32>(codes + (<usize>row + 1) * <usize>stride - 4) : 0;
}

/** Keys of `m` listed rows. The list has room for three more ids, which are overwritten. */
export function scoreList(query: usize, codes: usize, stride: i32, form: i32, list: usize, m: i32, keys: usize): void {
  const last = load<u32>(list + (<usize>(m - 1) << 2));
  for (let i = m; i & 3; i++) store<u32>(list + (<usize>i << 2), last);
  for (let i = 0; i < m; i += 4) {
    const at = <usize>i << 2;
    v128.store(keys + at, keysOfFour(query, codes, stride, form, list + at));
  }
}

export function keysOfFour(query: usize, codes: usize, stride: i32, form: i32, list: usize): v128 {
  const bytes = <usize>stride;
  const r0 = codes + <usize>load<u32>(list) * bytes;
  const r1 = codes + <usize>load<u32>(list, 4) * bytes;
  const r2 = codes + <usize>load<u32>(list, 8) * bytes;
  const r3 = codes + <usize>load<u32>(list, 12) * bytes;
  if (!isSq8(form) && form != SQ4_L2) {
    return i32x4(
      canonicalKey(query, r0, bytes, form),
      canonicalKey(query, r1, bytes, form),
      canonicalKey(query, r2, bytes, form),
      canonicalKey(query, r3, bytes, form),
    );
  }
  const dots = form == SQ4_L2 ? nibbleDotsOfFour(query, r0, r1, r2, r3, bytes) : dotsOfFour(query, r0, r1, r2, r3, bytes);
  if (form == SQ8_IP) return i32x4.neg(dots);
  const end = bytes - 4;
  let terms = v128.load32_zero(r0 + end);
  terms = v128.load32_lane(r1 + end, terms, 1);
  terms = v128.load32_lane(r2 + end, terms, 2);
  terms = v128.load32_lane(r3 + end, terms, 3);
  return i32x4.sub(terms, form == SQ4_L2 ? dots : i32x4.shl(dots, 1));
}

// @ts-ignore: decorator
@inline
function dotsOfFour(query: usize, r0: usize, r1: usize, r2: usize, r3: usize, bytes: usize): v128 {
  let s0 = i32x4.splat(0), s1 = i32x4.splat(0), s2 = i32x4.splat(0), s3 = i32x4.splat(0);
  for (let j: usize = 0; j < bytes; j += 16) {
    const low = v128.load(query + (j << 1));
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(v128.load8x8_s(r0 + j), low));
    s1 = i32x4.add(s1, i32x4.dot_i16x8_s(v128.load8x8_s(r1 + j), low));
    s2 = i32x4.add(s2, i32x4.dot_i16x8_s(v128.load8x8_s(r2 + j), low));
    s3 = i32x4.add(s3, i32x4.dot_i16x8_s(v128.load8x8_s(r3 + j), low));
    const high = v128.load(query + (j << 1), 16);
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(v128.load8x8_s(r0 + j, 8), high));
    s1 = i32x4.add(s1, i32x4.dot_i16x8_s(v128.load8x8_s(r1 + j, 8), high));
    s2 = i32x4.add(s2, i32x4.dot_i16x8_s(v128.load8x8_s(r2 + j, 8), high));
    s3 = i32x4.add(s3, i32x4.dot_i16x8_s(v128.load8x8_s(r3 + j, 8), high));
  }
  return sumsOf(s0, s1, s2, s3);
}

/** SQ4: codes of 0..15 are seven bits, so the relaxed dot product is exact: 2 · 128 · 15 < 2^15. */
// @ts-ignore: decorator
@inline
function nibbleDotsOfFour(query: usize, r0: usize, r1: usize, r2: usize, r3: usize, bytes: usize): v128 {
  let s0 = i32x4.splat(0), s1 = i32x4.splat(0), s2 = i32x4.splat(0), s3 = i32x4.splat(0);
  const end = bytes - 16;
  for (let j: usize = 0; j < end; j += 16) {
    s0 = addNibbles(s0, v128.load(r0 + j), query);
    s1 = addNibbles(s1, v128.load(r1 + j), query);
    s2 = addNibbles(s2, v128.load(r2 + j), query);
    s3 = addNibbles(s3, v128.load(r3 + j), query);
    query += ASC_FEATURE_RELAXED_SIMD ? 32 : 64;
  }
  return sumsOf(s0, s1, s2, s3);
}

// @ts-ignore: decorator
@inline
function addNibbles(sum: v128, codes: v128, query: usize): v128 {
  const low = v128.and(codes, i8x16.splat(<i8>NIBBLE));
  const high = i8x16.shr_u(codes, 4);
  if (ASC_FEATURE_RELAXED_SIMD) {
    sum = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(query), low, sum);
    return i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(query, 16), high, sum);
  }
  sum = i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(low), v128.load(query)));
  sum = i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(low), v128.load(query, 16)));
  sum = i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(high), v128.load(query, 32)));
  return i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(high), v128.load(query, 48)));
}

/** Four sums of four lanes each. */
// @ts-ignore: decorator
@inline
function sumsOf(s0: v128, s1: v128, s2: v128, s3: v128): v128 {
  const a = i32x4.add(v128.shuffle<i32>(s0, s1, 0, 1, 4, 5), v128.shuffle<i32>(s0, s1, 2, 3, 6, 7));
  const b = i32x4.add(v128.shuffle<i32>(s2, s3, 0, 1, 4, 5), v128.shuffle<i32>(s2, s3, 2, 3, 6, 7));
  return i32x4.add(v128.shuffle<i32>(a, b, 0, 2, 4, 6), v128.shuffle<i32>(a, b, 1, 3, 5, 7));
}

/** The i32 whose order is that of canonical distances. */
function canonicalKey(query: usize, row: usize, bytes: usize, form: i32): i32 {
  const distance = form == 2 ? squaredL2(query, row, bytes) : <f32>(form == 3 ? 0 : 1) - dot(query, row, bytes);
  return orderedBits(distance + <f32>0);
}

// @ts-ignore: decorator
@inline
export function orderedBits(distance: f32): i32 {
  const bits = reinterpret<i32>(distance);
  return bits < 0 ? bits ^ 0x7fffffff : bits;
}
