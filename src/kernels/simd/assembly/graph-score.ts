// Keys of graph rows, four at a time: see src/kernels/graph.ts and cpu/graph-score.ts. A query of an SQ8 form is widened to
// i16 once; its last four values are 0, so the term at the end of a row does not count.
import { dot, squaredL2 } from './canonical-distances';

const LINE: usize = 64;
/** Rows longer than this have only their first line touched ahead: the hardware fetches what follows. */
const TOUCHED: usize = 1024;

/** Takes the loads' values, so that no compiler drops them. */
export let touched: i32 = 0;

// @ts-ignore: decorator
@inline
function isSq8(form: i32): bool {
  return form <= 1;
}

/** Where a query is scored from: its i16 copy at `wide`, or, in f32 forms, the query itself. */
export function openQuery(query: usize, wide: usize, stride: i32, form: i32): usize {
  if (!isSq8(form)) return query;
  for (let j: usize = 0; j < <usize>stride; j += 8) v128.store(wide + (j << 1), v128.load8x8_s(query + j));
  store<u64>(wide + (<usize>stride << 1) - 8, 0);
  return wide;
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
  return form == 0 ? load<i32>(codes + (<usize>row + 1) * <usize>stride - 4) : 0;
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
  if (!isSq8(form)) {
    return i32x4(
      canonicalKey(query, r0, bytes, form),
      canonicalKey(query, r1, bytes, form),
      canonicalKey(query, r2, bytes, form),
      canonicalKey(query, r3, bytes, form),
    );
  }
  const dots = dotsOfFour(query, r0, r1, r2, r3, bytes);
  if (form == 1) return i32x4.neg(dots);
  const end = bytes - 4;
  let terms = v128.load32_zero(r0 + end);
  terms = v128.load32_lane(r1 + end, terms, 1);
  terms = v128.load32_lane(r2 + end, terms, 2);
  terms = v128.load32_lane(r3 + end, terms, 3);
  return i32x4.sub(terms, i32x4.shl(dots, 1));
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
