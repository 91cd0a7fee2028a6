/** Product of two words of two i16 each. */
// @ts-ignore: decorator
@inline
export function wordDot(a: i32, b: i32): i32 {
  return ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16);
}
