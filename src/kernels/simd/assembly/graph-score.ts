// Keys of graph rows, four at a time: see src/kernels/graph.ts and cpu/graph-score.ts. A query of an SQ8 form is widened to
// i16 once; its last four values are 0, so the term at the end of a row does not count. Tables of pq4 are joined once.
import { dot, squaredL2 } from './canonical-distances';
import { joinTables, pqSum } from './pq-sum';

const LINE: usize = 64;
/** Rows longer than this have only their first line touched ahead: the hardware fetches what follows. */
const TOUCHED: usize = 1024;
// @ts-ignore: decorator
@inline
const PQ8: i32 = 5;
// @ts-ignore: decorator
@inline
const PQ4: i32 = 6;

/** Takes the loads' values, so that no compiler drops them. */
export let touched: i32 = 0;

// @ts-ignore: decorator
@inline
function isSq8(form: i32): bool {
  return form <= 1;
}

// @ts-ignore: decorator
@inline
function isPq(form: i32): bool {
  return form >= PQ8;
}

/** See queryStride in src/kernels/graph.ts. */
export function queryStride(form: i32, stride: i32): usize {
  return isPq(form) ? <usize>stride << (form == PQ8 ? 9 : 6) : <usize>stride;
}

/** See openedBytes in src/kernels/graph.ts. */
export function openedBytes(form: i32, stride: i32): usize {
  return ((<usize>stride << (form == PQ4 ? 9 : 1)) + 63) & ~63;
}

/** Where a query is scored from: what is made of it at `opened`, or, in f32 forms and pq8, the query itself. */
export function openQuery(query: usize, opened: usize, stride: i32, form: i32): usize {
  if (!isSq8(form)) return isPq(form) ? openTables(query, opened, stride, form) : query;
  for (let j: usize = 0; j < <usize>stride; j += 8) v128.store(opened + (j << 1), v128.load8x8_s(query + j));
  store<u64>(opened + (<usize>stride << 1) - 8, 0);
  return opened;
}

function openTables(query: usize, opened: usize, stride: i32, form: i32): usize {
  if (form == PQ4) {
    joinTables(query, stride, opened);
    return opened;
  }
  touchLines(query, queryStride(form, stride)); // lookups come in no order that memory could foresee
  return query;
}

/** Loads a byte of each line of a row, so that its lines are on their way before they are needed. */
// @ts-ignore: decorator
@inline
export function touchRow(row: usize, stride: usize): void {
  touchLines(row, stride > TOUCHED ? LINE : stride);
}

// @ts-ignore: decorator
@inline
function touchLines(from: usize, length: usize): void {
  let bytes = 0;
  for (let at: usize = 0; at < length; at += LINE) bytes ^= load<u8>(from + at);
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
    const four = isPq(form) ? sumsOfFour(query, codes, stride, list + at) : keysOfFour(query, codes, stride, form, list + at);
    v128.store(keys + at, four);
  }
}

/** Keys of four listed rows in PQ forms. */
function sumsOfFour(tables: usize, codes: usize, stride: i32, list: usize): v128 {
  const bytes = <usize>stride;
  return i32x4(
    pqSum(tables, codes + <usize>load<u32>(list) * bytes, bytes),
    pqSum(tables, codes + <usize>load<u32>(list, 4) * bytes, bytes),
    pqSum(tables, codes + <usize>load<u32>(list, 8) * bytes, bytes),
    pqSum(tables, codes + <usize>load<u32>(list, 12) * bytes, bytes),
  );
}

/** Keys of four listed rows in the other forms. */
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

/** The float of `orderedBits`. */
// @ts-ignore: decorator
@inline
export function fromOrderedBits(ordered: i32): f32 {
  return reinterpret<f32>(ordered < 0 ? ordered ^ 0x7fffffff : ordered);
}
