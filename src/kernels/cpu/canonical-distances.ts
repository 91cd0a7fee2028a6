const { fround } = Math;

const lanes = new Float32Array(16);

/** The canonical distance of query q and row x, f32 [width] each. metric: 0 l2, 1 ip, 2 cosine. */
export function canonicalDistance(queries: Float32Array, q: number, rows: Float32Array, x: number, width: number, metric: number): number {
  lanes.fill(0);
  for (let j = 0; j < width; j++) {
    const a = queries[q * width + j]!;
    const b = rows[x * width + j]!;
    const difference = fround(a - b);
    const product = metric === 0 ? fround(difference * difference) : fround(a * b);
    lanes[j & 15] = fround(lanes[j & 15]! + product);
  }
  for (let half = 8; half >= 1; half >>= 1) {
    for (let j = 0; j < half; j++) lanes[j] = fround(lanes[j]! + lanes[j + half]!);
  }
  const sum = lanes[0]!;
  return (metric === 0 ? sum : fround((metric === 1 ? 0 : 1) - sum)) + 0; // + 0 turns −0 into +0
}

/** Specification of the kernel `canonical-distances`. */
export function canonicalDistancesTwin(
  { queries, rows, pairs, distances }: { queries: Float32Array; rows: Float32Array; pairs: Uint32Array; distances: Float32Array },
  { n, width, metric }: Record<'n' | 'width' | 'metric', number>,
): void {
  for (let i = 0; i < n; i++) distances[i] = canonicalDistance(queries, pairs[2 * i]!, rows, pairs[2 * i + 1]!, width, metric);
}
