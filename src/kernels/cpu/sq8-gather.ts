/** Specification of the kernel `sq8-gather`. */
export function sq8GatherTwin(
  {
    queries,
    codes,
    rowTerms,
    pairs,
    count,
    keys,
  }: { queries: Int8Array; codes: Int8Array; rowTerms: Int32Array; pairs: Uint32Array; count: Uint32Array; keys: Int32Array },
  { words, weight, capacity }: Record<'words' | 'weight' | 'capacity', number>,
): void {
  const width = words * 4;
  const used = Math.min(count[0]!, capacity);
  for (let i = 0; i < used; i++) {
    const q = pairs[2 * i]! * width;
    const row = pairs[2 * i + 1]!;
    let dot = 0;
    for (let j = 0; j < width; j++) dot += queries[q + j]! * codes[row * width + j]!;
    keys[i] = rowTerms[row]! - weight * dot;
  }
}
