import { type Codebooks, centroidScore } from '../pq.ts';

/** Specification of the kernel `nearest-centroid`. */
export function nearestCentroidTwin(
  { rows, nearest, ...codebooks }: Codebooks & { rows: Uint32Array; nearest: Uint32Array },
  params: Record<'n' | 'm' | 'pairs' | 'ksub' | 'weight', number>,
): void {
  const { n, m, ksub } = params;
  for (let i = 0; i < n; i++) {
    for (let sub = 0; sub < m; sub++) {
      let best = 0;
      let least = centroidScore(rows, i, codebooks, sub, 0, params);
      for (let c = 1; c < ksub; c++) {
        const score = centroidScore(rows, i, codebooks, sub, c, params);
        if (score < least) {
          least = score;
          best = c;
        }
      }
      nearest[i * m + sub] = best;
    }
  }
}
