import { centroidScore } from '../pq.ts';

interface NearestListsViews {
  readonly queries: Uint32Array;
  readonly centroids: Uint32Array;
  readonly terms: Int32Array;
  readonly keys: Int32Array;
  readonly ids: Uint32Array;
}

/** Specification of the kernel `nearest-lists`. */
export function nearestListsTwin(
  { queries, keys, ids, ...codebooks }: NearestListsViews,
  { n, keep, ...params }: Record<'n' | 'pairs' | 'ksub' | 'weight' | 'keep', number>,
): void {
  for (let q = 0; q < n; q++) {
    const found = Array.from({ length: params.ksub }, (_, id) => ({
      key: centroidScore(queries, q, codebooks, 0, id, { m: 1, ...params }),
      id,
    }));
    found.sort((a, b) => a.key - b.key || a.id - b.id);
    for (let i = 0; i < keep; i++) {
      keys[q * keep + i] = found[i]!.key;
      ids[q * keep + i] = found[i]!.id;
    }
  }
}
