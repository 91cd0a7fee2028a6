// Candidate lists: rows lie one after the other, so a row is one run of memory, and waiting for it is most of the work.
// One byte of each cache line of a row is loaded some pairs ahead, so that several rows are on their way at once.

const AHEAD: i32 = 4;
const LINE: usize = 64;

/** Takes the loads' values, so that no compiler drops them. */
export let touched: i32 = 0;

export function sq8Gather(
  queries: usize, codes: usize, rowTerms: usize, pairs: usize, count: usize, keys: usize,
  words: i32, weight: i32, capacity: i32,
  begin: i32, end: i32,
): void {
  const used = <i32>min<u32>(load<u32>(count), <u32>capacity);
  const stop = min(end, used);
  const width = <usize>words << 2;
  for (let i = begin; i < stop; i++) {
    const ahead = pairs + (<usize>min(i + AHEAD, stop - 1) << 3);
    touch(codes + <usize>load<u32>(ahead, 4) * width, width);
    const pair = pairs + (<usize>i << 3);
    const row = load<u32>(pair, 4);
    const dot = rowDot(queries + <usize>load<u32>(pair) * width, codes + <usize>row * width, width);
    store<i32>(keys + (<usize>i << 2), load<i32>(rowTerms + (<usize>row << 2)) - weight * dot);
  }
}

// @ts-ignore: decorator
@inline
function touch(row: usize, width: usize): void {
  let bytes = 0;
  for (let at: usize = 0; at < width; at += LINE) bytes ^= load<u8>(row + at);
  touched ^= bytes;
}

// @ts-ignore: decorator
@inline
function rowDot(a: usize, b: usize, width: usize): i32 {
  let s0 = i32x4.splat(0), s1 = i32x4.splat(0), s2 = i32x4.splat(0), s3 = i32x4.splat(0);
  const whole = a + (width & ~31);
  while (a < whole) {
    s0 = i32x4.add(s0, i32x4.dot_i16x8_s(v128.load8x8_s(a), v128.load8x8_s(b)));
    s1 = i32x4.add(s1, i32x4.dot_i16x8_s(v128.load8x8_s(a, 8), v128.load8x8_s(b, 8)));
    s2 = i32x4.add(s2, i32x4.dot_i16x8_s(v128.load8x8_s(a, 16), v128.load8x8_s(b, 16)));
    s3 = i32x4.add(s3, i32x4.dot_i16x8_s(v128.load8x8_s(a, 24), v128.load8x8_s(b, 24)));
    a += 32;
    b += 32;
  }
  s0 = i32x4.add(i32x4.add(s0, s1), i32x4.add(s2, s3));
  let sum = i32x4.extract_lane(s0, 0) + i32x4.extract_lane(s0, 1) + i32x4.extract_lane(s0, 2) + i32x4.extract_lane(s0, 3);
  const end = a + (width & 31);
  while (a < end) {
    sum += <i32>load<i8>(a) * <i32>load<i8>(b);
    a++;
    b++;
  }
  return sum;
}
