/** The power of two that takes `most` > 0 to [0.5, 1), so that neither squares nor their sums leave the range; 1 for 0. Multiplying by it is exact. */
export function unitScale(most: number): number {
  let scale = 1;
  if (most === 0) return scale;
  while (most * scale >= 1) scale /= 2;
  while (most * scale < 0.5 && scale < 1e300) scale *= 2; // subnormal numbers cannot be had larger
  return scale;
}
