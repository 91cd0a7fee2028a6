/** What a list of samples says. */

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The q-quantile (0 to 1), interpolated between neighbours; NaN for no samples. */
export function quantile(samples: readonly number[], q: number): number {
  if (samples.length === 0) return Number.NaN;
  const sorted = [...samples].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low]! + (sorted[Math.min(low + 1, sorted.length - 1)]! - sorted[low]!) * (at - low);
}

export function summarise(samples: readonly number[]): Summary {
  return { median: quantile(samples, 0.5), min: quantile(samples, 0), max: quantile(samples, 1) };
}

/** How many times faster than `base`, round by round: rounds share the machine's mood, so their ratios are steadier than times. */
export function ratios(base: readonly number[], times: readonly number[]): number[] {
  if (base.length !== times.length) throw new Error(`ratios: ${base.length} and ${times.length} rounds do not pair up`);
  return base.map((seconds, round) => seconds / times[round]!);
}

/**
 * Local intrinsic dimension by maximum likelihood (Levina and Bickel, 2004; MacKay's correction), median over queries,
 * from Euclidean distances [nq, k] in increasing order. Queries with a zero or a constant distance are left out.
 */
export function intrinsicDimension(distances: ArrayLike<number>, k: number): number {
  const estimates: number[] = [];
  for (let at = 0; at + k <= distances.length; at += k) {
    const farthest = distances[at + k - 1]!;
    let sum = 0;
    for (let i = 0; i < k - 1; i++) sum += Math.log(farthest / distances[at + i]!);
    if (sum > 0 && Number.isFinite(sum)) estimates.push((k - 2) / sum);
  }
  return quantile(estimates, 0.5);
}
