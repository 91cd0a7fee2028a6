const { fround } = Math;

/** Specification of the kernel `canonical-distances`. metric: 0 l2, 1 ip, 2 cosine. */
export function canonicalDistancesTwin(
  { queries, rows, pairs, distances }: { queries: Float32Array; rows: Float32Array; pairs: Uint32Array; distances: Float32Array },
  { n, width, metric }: Record<'n' | 'width' | 'metric', number>,
): void {
  const lanes = new Float32Array(16);
  for (let i = 0; i < n; i++) {
    const q = pairs[2 * i]! * width;
    const x = pairs[2 * i + 1]! * width;
    lanes.fill(0);
    for (let j = 0; j < width; j++) {
      const a = queries[q + j]!;
      const b = rows[x + j]!;
      const difference = fround(a - b);
      const product = metric === 0 ? fround(difference * difference) : fround(a * b);
      lanes[j & 15] = fround(lanes[j & 15]! + product);
    }
    for (let half = 8; half >= 1; half >>= 1) {
      for (let j = 0; j < half; j++) lanes[j] = fround(lanes[j]! + lanes[j + half]!);
    }
    const sum = lanes[0]!;
    distances[i] = (metric === 0 ? sum : fround((metric === 1 ? 0 : 1) - sum)) + 0; // + 0 turns −0 into +0
  }
}
