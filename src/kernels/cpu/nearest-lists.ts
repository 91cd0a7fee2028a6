import { pairDot } from '../pq.ts';

const TILE = 8;

interface NearestListsViews {
  readonly queries: Uint32Array;
  readonly centroids: Uint32Array;
  readonly terms: Int32Array;
  readonly keys: Int32Array;
  readonly ids: Uint32Array;
}

/** Specification of the kernel `nearest-lists`. */
export function nearestListsTwin(
  { queries, centroids, terms, keys, ids }: NearestListsViews,
  { n, pairs, tiles, weight, keep }: Record<'n' | 'pairs' | 'tiles' | 'weight' | 'keep', number>,
): void {
  for (let q = 0; q < n; q++) {
    const found = Array.from({ length: tiles * TILE }, (_, id) => {
      const at = Math.floor(id / TILE) * pairs * TILE + (id % TILE);
      return { key: (terms[id]! - Math.imul(weight, pairDot(queries, q * pairs, centroids, at, pairs, TILE))) | 0, id };
    });
    found.sort((a, b) => a.key - b.key || a.id - b.id);
    for (let i = 0; i < keep; i++) {
      keys[q * keep + i] = found[i]!.key;
      ids[q * keep + i] = found[i]!.id;
    }
  }
}
