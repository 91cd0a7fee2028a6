/** Data of product quantisers for kernel tests (layouts: src/kernels/pq.ts). */
import { packPair } from '../../src/kernels/pq.ts';
import type { Random } from '../contract/data.ts';

export type Spread = 'ordinary' | 'few' | 'equal' | 'extreme' | 'wrapping';

/** One i16 value: 12 bits, three values with many ties, always the same, the ends of `bits` bits, or the ends of i16. */
function drawValue(random: Random, spread: Spread, bits: number): number {
  if (spread === 'few') return random.int(-1, 1);
  if (spread === 'equal') return 77;
  if (spread === 'extreme') return (random() < 0.5 ? -1 : 1) * (2 ** bits - 1);
  if (spread === 'wrapping') return random() < 0.6 ? -32768 : 32767;
  return random.int(-2047, 2047);
}

/** u32 [words]: pairs of values; with `odd` every `pairs`-th word has 0 in its high half. */
export function pairWords(random: Random, words: number, spread: Spread, bits = 12, odd = 0): Uint32Array {
  return Uint32Array.from({ length: words }, (_, i) =>
    packPair(drawValue(random, spread, bits), odd && i % odd === odd - 1 ? 0 : drawValue(random, spread, bits)),
  );
}

/** i32 [m, ksub]: squared lengths of centroids u32 [m, pairs, ksub]. */
export function squaresOf(centroids: Uint32Array, m: number, pairs: number, ksub: number): Int32Array {
  const terms = new Int32Array(m * ksub);
  for (const [at, word] of centroids.entries()) {
    const i = Math.floor(at / (pairs * ksub)) * ksub + (at % ksub);
    const [a, b] = [(word << 16) >> 16, word >> 16];
    terms[i] = terms[i]! + a * a + b * b;
  }
  return terms;
}
