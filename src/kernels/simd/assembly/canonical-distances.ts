// Strict IEEE f32, never fused: sixteen lanes in four registers, then the fixed tree +8, +4, +2, +1.
export function canonicalDistances(
  queries: usize, rows: usize, pairs: usize, distances: usize,
  n: i32, width: i32, metric: i32,
  begin: i32, end: i32,
): void {
  const bytes = <usize>width << 2;
  for (let i = begin; i < end; i++) {
    const pair = pairs + (<usize>i << 3);
    const a = queries + <usize>load<u32>(pair) * bytes;
    const b = rows + <usize>load<u32>(pair, 4) * bytes;
    let distance: f32;
    if (metric == 0) distance = squaredL2(a, b, bytes);
    else distance = <f32>(metric == 1 ? 0 : 1) - dot(a, b, bytes);
    store<f32>(distances + (<usize>i << 2), distance + <f32>0); // + 0 turns −0 into +0
  }
}

// @ts-ignore: decorator
@inline
export function squaredL2(a: usize, b: usize, bytes: usize): f32 {
  let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
  const end = a + bytes;
  while (a < end) {
    const t0 = f32x4.sub(v128.load(a), v128.load(b));
    const t1 = f32x4.sub(v128.load(a, 16), v128.load(b, 16));
    const t2 = f32x4.sub(v128.load(a, 32), v128.load(b, 32));
    const t3 = f32x4.sub(v128.load(a, 48), v128.load(b, 48));
    s0 = f32x4.add(s0, f32x4.mul(t0, t0));
    s1 = f32x4.add(s1, f32x4.mul(t1, t1));
    s2 = f32x4.add(s2, f32x4.mul(t2, t2));
    s3 = f32x4.add(s3, f32x4.mul(t3, t3));
    a += 64;
    b += 64;
  }
  return tree(s0, s1, s2, s3);
}

// @ts-ignore: decorator
@inline
export function dot(a: usize, b: usize, bytes: usize): f32 {
  let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
  const end = a + bytes;
  while (a < end) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(a), v128.load(b)));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(a, 16), v128.load(b, 16)));
    s2 = f32x4.add(s2, f32x4.mul(v128.load(a, 32), v128.load(b, 32)));
    s3 = f32x4.add(s3, f32x4.mul(v128.load(a, 48), v128.load(b, 48)));
    a += 64;
    b += 64;
  }
  return tree(s0, s1, s2, s3);
}

// @ts-ignore: decorator
@inline
export function tree(s0: v128, s1: v128, s2: v128, s3: v128): f32 {
  const fours = f32x4.add(f32x4.add(s0, s2), f32x4.add(s1, s3));
  const twos = f32x4.add(fours, v128.shuffle<f32>(fours, fours, 2, 3, 0, 1));
  return f32x4.extract_lane(twos, 0) + f32x4.extract_lane(twos, 1);
}
