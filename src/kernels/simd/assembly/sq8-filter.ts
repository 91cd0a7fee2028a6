import { BLOCK_ROWS, joinHalves, passBlock } from './panels';

const SATURATED: i32 = 65535;

// One block of rows against all queries before the next block: 64 short rows stay in the first-level cache. Inside, a
// tile is four queries by one panel of rows (by two with relaxed SIMD): eight accumulators, what registers allow.
export function sq8Filter(
  queries: usize, codes: usize, rowTerms: usize, slacks: usize, mask: usize, bounds: usize, pairs: usize, count: usize,
  nq: i32, words: i32, form: i32, step: i32, skip: i32, first: i32, blocks: i32, capacity: i32,
  begin: i32, end: i32,
): void {
  const panelBytes = <usize>words << 4;
  const tiled = (nq & 3) == 1 ? nq - 1 : nq; // one query left over goes alone: a tile would waste three quarters
  for (let i = begin; i < end; i++) {
    const firstRow = passBlock(first + i, step, skip) * BLOCK_ROWS;
    for (let q = 0; q < tiled; q += 4) {
      const query = queries + <usize>(q >> 2) * panelBytes;
      if (ASC_FEATURE_RELAXED_SIMD) {
        for (let row = firstRow; row < firstRow + BLOCK_ROWS; row += 8) {
          relaxedTile(query, codes + <usize>(row >> 2) * panelBytes, panelBytes, q, row, form, rowTerms, slacks, mask, bounds, pairs, count, nq, capacity);
        }
      } else {
        for (let row = firstRow; row < firstRow + BLOCK_ROWS; row += 4) {
          plainTile(query, codes + <usize>(row >> 2) * panelBytes, panelBytes, q, row, form, rowTerms, slacks, mask, bounds, pairs, count, nq, capacity);
        }
      }
    }
    if (tiled < nq) {
      const query = queries + <usize>(tiled >> 2) * panelBytes;
      for (let row = firstRow; row < firstRow + BLOCK_ROWS; row += 16) {
        loneTile(query, codes + <usize>(row >> 2) * panelBytes, panelBytes, tiled, row, form, rowTerms, slacks, mask, bounds, pairs, count, capacity);
      }
    }
  }
}

/** One query by four panels of rows. */
// @ts-ignore: decorator
@inline
function loneTile(
  query: usize, panel: usize, panelBytes: usize, q: i32, row: i32, form: i32,
  rowTerms: usize, slacks: usize, mask: usize, bounds: usize, pairs: usize, count: usize, capacity: i32,
): void {
  let a = i32x4.splat(0), b = i32x4.splat(0), c = i32x4.splat(0), d = i32x4.splat(0);
  const stop = panel + panelBytes;
  let at = query;
  let from = panel;
  if (ASC_FEATURE_RELAXED_SIMD) {
    while (from < stop) {
      const w = v128.load32_splat(at);
      a = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(from), w, a);
      b = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(from + panelBytes), w, b);
      c = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(from + 2 * panelBytes), w, c);
      d = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(from + 3 * panelBytes), w, d);
      from += 16;
      at += 16;
    }
  } else {
    let a2 = i32x4.splat(0), b2 = i32x4.splat(0), c2 = i32x4.splat(0), d2 = i32x4.splat(0);
    while (from < stop) {
      const w = i16x8.extend_low_i8x16_s(v128.load32_splat(at));
      let codes = v128.load(from);
      a = i32x4.add(a, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(codes), w));
      a2 = i32x4.add(a2, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(codes), w));
      codes = v128.load(from + panelBytes);
      b = i32x4.add(b, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(codes), w));
      b2 = i32x4.add(b2, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(codes), w));
      codes = v128.load(from + 2 * panelBytes);
      c = i32x4.add(c, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(codes), w));
      c2 = i32x4.add(c2, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(codes), w));
      codes = v128.load(from + 3 * panelBytes);
      d = i32x4.add(d, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(codes), w));
      d2 = i32x4.add(d2, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(codes), w));
      from += 16;
      at += 16;
    }
    a = joinHalves(a, a2);
    b = joinHalves(b, b2);
    c = joinHalves(c, c2);
    d = joinHalves(d, d2);
  }
  keepLone(a, q, row, form, rowTerms, slacks, mask, bounds, pairs, count, capacity);
  keepLone(b, q, row + 4, form, rowTerms, slacks, mask, bounds, pairs, count, capacity);
  keepLone(c, q, row + 8, form, rowTerms, slacks, mask, bounds, pairs, count, capacity);
  keepLone(d, q, row + 12, form, rowTerms, slacks, mask, bounds, pairs, count, capacity);
}

/** Tests one query against the four rows of a panel. */
// @ts-ignore: decorator
@inline
function keepLone(
  dots: v128, q: i32, row: i32, form: i32,
  rowTerms: usize, slacks: usize, mask: usize, bounds: usize, pairs: usize, count: usize, capacity: i32,
): void {
  const terms = v128.load(rowTerms + (<usize>row << 2));
  const slack = v128.load(slacks + (<usize>row << 2));
  const a = v128.and(slack, i32x4.splat(0xffff));
  const bound = bounds + (<usize>q << 4);
  const kept = form == 0 ? keptByL2(dots, terms, a, bound) : keptByIp(dots, terms, a, i32x4.shr_u(slack, 16), bound);
  if (!kept) return;
  const live = <i32>(load<u32>(mask + (<usize>(row >> 5) << 2)) >> (row & 31));
  append(kept & live, q, row, pairs, count, q + 1, capacity);
}

// @ts-ignore: decorator
@inline
function relaxedTile(
  query: usize, panel: usize, panelBytes: usize, q: i32, row: i32, form: i32,
  rowTerms: usize, slacks: usize, mask: usize, bounds: usize, pairs: usize, count: usize, nq: i32, capacity: i32,
): void {
  let a0 = i32x4.splat(0), a1 = i32x4.splat(0), a2 = i32x4.splat(0), a3 = i32x4.splat(0);
  let b0 = i32x4.splat(0), b1 = i32x4.splat(0), b2 = i32x4.splat(0), b3 = i32x4.splat(0);
  const stop = panel + panelBytes;
  let at = query;
  let from = panel;
  while (from < stop) {
    const a = v128.load(from);
    const b = v128.load(from + panelBytes);
    let w = v128.load32_splat(at);
    a0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a, w, a0);
    b0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b, w, b0);
    w = v128.load32_splat(at, 4);
    a1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a, w, a1);
    b1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b, w, b1);
    w = v128.load32_splat(at, 8);
    a2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a, w, a2);
    b2 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b, w, b2);
    w = v128.load32_splat(at, 12);
    a3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(a, w, a3);
    b3 = i32x4.relaxed_dot_i8x16_i7x16_add_s(b, w, b3);
    from += 16;
    at += 16;
  }
  keepPanel(a0, a1, a2, a3, q, row, form, rowTerms, slacks, mask, bounds, pairs, count, nq, capacity);
  keepPanel(b0, b1, b2, b3, q, row + 4, form, rowTerms, slacks, mask, bounds, pairs, count, nq, capacity);
}

// @ts-ignore: decorator
@inline
function plainTile(
  query: usize, panel: usize, panelBytes: usize, q: i32, row: i32, form: i32,
  rowTerms: usize, slacks: usize, mask: usize, bounds: usize, pairs: usize, count: usize, nq: i32, capacity: i32,
): void {
  let a0 = i32x4.splat(0), a1 = i32x4.splat(0), a2 = i32x4.splat(0), a3 = i32x4.splat(0);
  let b0 = i32x4.splat(0), b1 = i32x4.splat(0), b2 = i32x4.splat(0), b3 = i32x4.splat(0);
  const stop = panel + panelBytes;
  let at = query;
  let from = panel;
  while (from < stop) {
    const a = v128.load(from, 0);
    const low = i16x8.extend_low_i8x16_s(a);
    const high = i16x8.extend_high_i8x16_s(a);
    let w = i16x8.extend_low_i8x16_s(v128.load32_splat(at));
    a0 = i32x4.add(a0, i32x4.dot_i16x8_s(low, w));
    b0 = i32x4.add(b0, i32x4.dot_i16x8_s(high, w));
    w = i16x8.extend_low_i8x16_s(v128.load32_splat(at, 4));
    a1 = i32x4.add(a1, i32x4.dot_i16x8_s(low, w));
    b1 = i32x4.add(b1, i32x4.dot_i16x8_s(high, w));
    w = i16x8.extend_low_i8x16_s(v128.load32_splat(at, 8));
    a2 = i32x4.add(a2, i32x4.dot_i16x8_s(low, w));
    b2 = i32x4.add(b2, i32x4.dot_i16x8_s(high, w));
    w = i16x8.extend_low_i8x16_s(v128.load32_splat(at, 12));
    a3 = i32x4.add(a3, i32x4.dot_i16x8_s(low, w));
    b3 = i32x4.add(b3, i32x4.dot_i16x8_s(high, w));
    from += 16;
    at += 16;
  }
  keepPanel(
    joinHalves(a0, b0), joinHalves(a1, b1), joinHalves(a2, b2), joinHalves(a3, b3),
    q, row, form, rowTerms, slacks, mask, bounds, pairs, count, nq, capacity,
  );
}

/** Tests four queries against the four rows of a panel and appends what stays. */
// @ts-ignore: decorator
@inline
function keepPanel(
  d0: v128, d1: v128, d2: v128, d3: v128, q: i32, row: i32, form: i32,
  rowTerms: usize, slacks: usize, mask: usize, bounds: usize, pairs: usize, count: usize, nq: i32, capacity: i32,
): void {
  const terms = v128.load(rowTerms + (<usize>row << 2));
  const slack = v128.load(slacks + (<usize>row << 2));
  const a = v128.and(slack, i32x4.splat(0xffff));
  const bound = bounds + (<usize>q << 4);
  let k0: i32, k1: i32, k2: i32, k3: i32;
  if (form == 0) {
    k0 = keptByL2(d0, terms, a, bound);
    k1 = keptByL2(d1, terms, a, bound + 16);
    k2 = keptByL2(d2, terms, a, bound + 32);
    k3 = keptByL2(d3, terms, a, bound + 48);
  } else {
    const b = i32x4.shr_u(slack, 16);
    k0 = keptByIp(d0, terms, a, b, bound);
    k1 = keptByIp(d1, terms, a, b, bound + 16);
    k2 = keptByIp(d2, terms, a, b, bound + 32);
    k3 = keptByIp(d3, terms, a, b, bound + 48);
  }
  if (!(k0 | k1 | k2 | k3)) return;
  const live = <i32>(load<u32>(mask + (<usize>(row >> 5) << 2)) >> (row & 31)) & 15;
  append(k0 & live, q, row, pairs, count, nq, capacity);
  append(k1 & live, q + 1, row, pairs, count, nq, capacity);
  append(k2 & live, q + 2, row, pairs, count, nq, capacity);
  append(k3 & live, q + 3, row, pairs, count, nq, capacity);
}

/** Bits of the rows with 16 · squared ≤ (T + A)², all unsigned: both sides stay below 2^32. */
// @ts-ignore: decorator
@inline
function keptByL2(dots: v128, terms: v128, a: v128, bound: usize): i32 {
  const squared = i32x4.add(v128.load32_splat(bound), i32x4.sub(terms, i32x4.shl(dots, 2)));
  const reach = i32x4.min_u(i32x4.splat(SATURATED), i32x4.add(v128.load32_splat(bound, 4), a));
  return i32x4.bitmask(i32x4.le_u(i32x4.shl(squared, 4), i32x4.mul(reach, reach)));
}

/** Bits of the rows with dot + slack ≥ K, or with a saturated slack. */
// @ts-ignore: decorator
@inline
function keptByIp(dots: v128, terms: v128, a: v128, b: v128, bound: usize): i32 {
  const products = i32x4.add(i32x4.mul(v128.load32_splat(bound, 4), a), i32x4.mul(v128.load32_splat(bound, 8), b));
  const reach = i32x4.add(i32x4.shr_u(products, 4), i32x4.splat(1));
  const upper = i32x4.add(i32x4.sub(dots, terms), reach);
  const kept = i32x4.ge_s(upper, v128.load32_splat(bound));
  return i32x4.bitmask(v128.or(kept, i32x4.eq(a, i32x4.splat(SATURATED))));
}

// @ts-ignore: decorator
@inline
function append(kept: i32, q: i32, row: i32, pairs: usize, count: usize, nq: i32, capacity: i32): void {
  if (!kept || q >= nq) return;
  let slot = atomic.add<u32>(count, <u32>popcnt(kept));
  while (kept) {
    if (slot < <u32>capacity) {
      store<u32>(pairs + (<usize>slot << 3), q);
      store<u32>(pairs + (<usize>slot << 3), row + ctz(kept), 4);
    }
    slot++;
    kept &= kept - 1;
  }
}
