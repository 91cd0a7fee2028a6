// Lanes run over centroids, sixteen at a time. Scores are computed twice, for there is no room to keep them: first for their
// spans, which wait in the first two words of each subquantiser's table beside the least score, then for the entries.

const TILE: i32 = 16;
const MOST: i32 = 65535;

export function pqTables(
  queries: usize, centroids: usize, terms: usize, tables: usize, shifts: usize,
  nq: i32, m: i32, pairs: i32, ksub: i32, weight: i32, leastShift: i32,
  begin: i32, end: i32,
): void {
  const queryBytes = <usize>pairs << 2;
  const bookBytes = (<usize>pairs * <usize>ksub) << 2;
  const termBytes = <usize>ksub << 2;
  const tableBytes = <usize>ksub << 1;
  for (let q = begin; q < end; q++) {
    const query = queries + <usize>q * <usize>m * queryBytes;
    const table = tables + <usize>q * <usize>m * tableBytes;
    for (let s: usize = 0; s < <usize>m; s++) {
      spanOf(query + s * queryBytes, centroids + s * bookBytes, terms + s * termBytes, table + s * tableBytes, pairs, ksub, weight);
    }
    const shift = shiftOf(table, m, tableBytes, leastShift);
    store<i32>(shifts + (<usize>q << 2), shift);
    for (let s: usize = 0; s < <usize>m; s++) {
      fill(query + s * queryBytes, centroids + s * bookBytes, terms + s * termBytes, table + s * tableBytes, pairs, ksub, weight, shift);
    }
  }
}

/** Puts the span of a subquantiser's scores, and the least of them, into the first words of its table. */
function spanOf(query: usize, book: usize, bookTerms: usize, table: usize, pairs: i32, ksub: i32, weight: i32): void {
  const weights = i32x4.splat(weight);
  const stride = <usize>ksub << 2;
  const words = <usize>pairs << 2;
  let least = i32x4.splat(0x7fffffff), most = i32x4.splat(-0x80000000);
  for (let first: usize = 0; first < stride; first += <usize>TILE << 2) {
    let tile = book + first;
    let a = i32x4.splat(0), b = a, c = a, d = a;
    for (let w: usize = 0; w < words; w += 4) {
      const word = v128.load32_splat(query + w);
      a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load(tile), word));
      b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load(tile, 16), word));
      c = i32x4.add(c, i32x4.dot_i16x8_s(v128.load(tile, 32), word));
      d = i32x4.add(d, i32x4.dot_i16x8_s(v128.load(tile, 48), word));
      tile += stride;
    }
    a = i32x4.sub(v128.load(bookTerms + first), i32x4.mul(weights, a));
    b = i32x4.sub(v128.load(bookTerms + first, 16), i32x4.mul(weights, b));
    c = i32x4.sub(v128.load(bookTerms + first, 32), i32x4.mul(weights, c));
    d = i32x4.sub(v128.load(bookTerms + first, 48), i32x4.mul(weights, d));
    least = i32x4.min_s(least, i32x4.min_s(i32x4.min_s(a, b), i32x4.min_s(c, d)));
    most = i32x4.max_s(most, i32x4.max_s(i32x4.max_s(a, b), i32x4.max_s(c, d)));
  }
  least = i32x4.min_s(least, v128.shuffle<i32>(least, least, 2, 3, 0, 1));
  least = i32x4.min_s(least, v128.shuffle<i32>(least, least, 1, 0, 3, 2));
  most = i32x4.max_s(most, v128.shuffle<i32>(most, most, 2, 3, 0, 1));
  most = i32x4.max_s(most, v128.shuffle<i32>(most, most, 1, 0, 3, 2));
  const low = i32x4.extract_lane(least, 0);
  store<i32>(table, i32x4.extract_lane(most, 0) - low);
  store<i32>(table, low, 4);
}

/** The smallest shift under which the spans sum to MOST at most. */
function shiftOf(table: usize, m: i32, tableBytes: usize, leastShift: i32): i32 {
  let shift = leastShift;
  while (shift < 31 && !fits(table, m, tableBytes, shift)) shift++;
  return shift;
}

function fits(table: usize, m: i32, tableBytes: usize, shift: i32): bool {
  let sum: u32 = 0;
  for (let s = 0; s < m; s++) {
    sum += min<u32>(MOST + 1, load<u32>(table + <usize>s * tableBytes) >> shift); // held down: no sum wraps
    if (sum > <u32>MOST) return false;
  }
  return true;
}

/** Writes the table of one subquantiser, once its least score has been read from it. */
function fill(query: usize, book: usize, bookTerms: usize, table: usize, pairs: i32, ksub: i32, weight: i32, shift: i32): void {
  const weights = i32x4.splat(weight);
  const low = v128.load32_splat(table + 4);
  const stride = <usize>ksub << 2;
  const words = <usize>pairs << 2;
  for (let first: usize = 0; first < stride; first += <usize>TILE << 2) {
    let tile = book + first;
    let a = i32x4.splat(0), b = a, c = a, d = a;
    for (let w: usize = 0; w < words; w += 4) {
      const word = v128.load32_splat(query + w);
      a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load(tile), word));
      b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load(tile, 16), word));
      c = i32x4.add(c, i32x4.dot_i16x8_s(v128.load(tile, 32), word));
      d = i32x4.add(d, i32x4.dot_i16x8_s(v128.load(tile, 48), word));
      tile += stride;
    }
    const out = table + (first >> 1);
    a = i32x4.sub(i32x4.sub(v128.load(bookTerms + first), i32x4.mul(weights, a)), low);
    b = i32x4.sub(i32x4.sub(v128.load(bookTerms + first, 16), i32x4.mul(weights, b)), low);
    v128.store(out, narrow(a, b, shift));
    c = i32x4.sub(i32x4.sub(v128.load(bookTerms + first, 32), i32x4.mul(weights, c)), low);
    d = i32x4.sub(i32x4.sub(v128.load(bookTerms + first, 48), i32x4.mul(weights, d)), low);
    v128.store(out, narrow(c, d, shift), 16);
  }
}

/** Eight u32 → u16, shifted right, 65535 at most. */
// @ts-ignore: decorator
@inline
function narrow(a: v128, b: v128, shift: i32): v128 {
  const most = i32x4.splat(MOST);
  return i16x8.narrow_i32x4_u(i32x4.min_u(i32x4.shr_u(a, shift), most), i32x4.min_u(i32x4.shr_u(b, shift), most));
}
