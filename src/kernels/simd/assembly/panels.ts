// The panel layout and the passes over blocks of 64 rows: see src/kernels/panels.ts.

export const BLOCK_ROWS: i32 = 64;

// @ts-ignore: decorator
@inline
export function passBlock(index: i32, step: i32, skip: i32): i32 {
  return step * (skip ? 2 * index + 1 : index);
}

// Dot products of one panel of four queries with one panel of four rows. Without relaxed SIMD a row's sum is split over
// two lanes until the end. Sums are exact i32 either way: queries hold 7 bits (0..127), so the relaxed dot product, whose
// 16-bit intermediate may saturate or wrap in general, cannot do either: 2 · 127 · 128 < 2^15.

/** Σ query · code for query lane `q` of the query panel at `query`, four rows at once → i32x4. */
// @ts-ignore: decorator
@inline
export function panelDots(query: usize, q: i32, panel: usize, words: i32): v128 {
  let at = query + (<usize>q << 2);
  const end = panel + (<usize>words << 4);
  if (ASC_FEATURE_RELAXED_SIMD) {
    let sum = i32x4.splat(0);
    while (panel < end) {
      sum = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(panel), v128.load32_splat(at), sum);
      panel += 16;
      at += 16;
    }
    return sum;
  }
  let low = i32x4.splat(0);
  let high = i32x4.splat(0);
  while (panel < end) {
    const codes = v128.load(panel);
    const query16 = i16x8.extend_low_i8x16_s(v128.load32_splat(at));
    low = i32x4.add(low, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(codes), query16));
    high = i32x4.add(high, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(codes), query16));
    panel += 16;
    at += 16;
  }
  return joinHalves(low, high);
}

/** [r0a r0b r1a r1b], [r2a r2b r3a r3b] → [r0 r1 r2 r3]. */
// @ts-ignore: decorator
@inline
export function joinHalves(low: v128, high: v128): v128 {
  return i32x4.add(
    v128.shuffle<i32>(low, high, 0, 2, 4, 6),
    v128.shuffle<i32>(low, high, 1, 3, 5, 7),
  );
}
