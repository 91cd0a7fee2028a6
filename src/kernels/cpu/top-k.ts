const SEGMENT = 1024;

/** Specification of the kernel `top-k`: sort each segment by (key, id), keep k, fill up. */
export function topKTwin(
  { keys, ids, topKeys, topIds }: { keys: Int32Array; ids: Uint32Array; topKeys: Int32Array; topIds: Uint32Array },
  { nq, m, k, implicit }: Record<'nq' | 'm' | 'k' | 'implicit', number>,
): void {
  const segments = Math.ceil(m / SEGMENT);
  for (let q = 0; q < nq; q++) {
    for (let s = 0; s < segments; s++) {
      const places = Array.from({ length: Math.min(SEGMENT, m - s * SEGMENT) }, (_, i) => q * m + s * SEGMENT + i);
      const idOf = (place: number) => (implicit ? place - q * m : ids[place]!);
      places.sort((a, b) => keys[a]! - keys[b]! || idOf(a) - idOf(b));
      const out = (q * segments + s) * k;
      for (let i = 0; i < k; i++) {
        const place = places[i];
        topKeys[out + i] = place === undefined ? 0x7fffffff : keys[place]!;
        topIds[out + i] = place === undefined ? 0xffffffff : idOf(place);
      }
    }
  }
}
