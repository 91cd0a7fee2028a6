import { roundUp } from '../util/math.ts';
import { nearestListsTwin } from './cpu/nearest-lists.ts';
import { defineKernel, reads, scratches, writes } from './kernel.ts';

/** Centroids that lie side by side, word by word. */
export const TILE = 8;
/** The term of places behind the last centroid, whose words are zeros. */
const NO_TERM = 0x7fffffff;
/** Queries that go against the same centroids together. */
const TOGETHER = 16;

/**
 * For each query the `keep` centroids with the smallest (key, number), key = terms − weight · (query · centroid), wrapping i32: which
 * lists a search probes, and which one a row joins. Words are pairs of i16 values (pq.ts). Host only.
 *
 *   queries    u32 [n, pairs]
 *   centroids  u32 [tiles, pairs, TILE]: of eight centroids the first words, then the second ones …; zeros behind the last
 *   terms      i32 [tiles, TILE]: NO_TERM behind the last
 *   keys       i32 [n, keep]   ids u32 [n, keep]; there are `keep` centroids or more
 *   scratch    u32 [slots, slotWords]: a thread takes a slot while it works (`nearestListsScratchWords`); zeroed
 */
export const nearestLists = defineKernel({
  name: 'nearest-lists',
  bindings: {
    queries: reads('u32'),
    centroids: reads('u32'),
    terms: reads('i32'),
    keys: writes('i32'),
    ids: writes('u32'),
    scratch: scratches('u32'),
  },
  params: ['n', 'pairs', 'tiles', 'weight', 'keep', 'slots', 'slotWords'],
  items: ({ n }) => n,
  terms: ({ n, pairs, tiles }) => n * pairs * 2 * tiles * TILE,
  twin: nearestListsTwin,
});

/** Words of a slot: a lock, and what each of the queries that go together keeps. */
export function nearestListsScratchWords(keep: number): number {
  return (64 + TOGETHER * roundUp(8 * (keep + 1), 64)) / 4;
}

/** Words u32 [n, pairs] of centroids as the kernel takes them. */
export function tiled(words: Uint32Array, pairs: number): Uint32Array {
  const n = words.length / pairs;
  const out = new Uint32Array(roundUp(n, TILE) * pairs);
  for (let i = 0; i < n; i++) {
    const to = Math.floor(i / TILE) * pairs * TILE + (i % TILE);
    for (let p = 0; p < pairs; p++) out[to + p * TILE] = words[i * pairs + p]!;
  }
  return out;
}

/** Their terms i32 [n] likewise. */
export function tiledTerms(terms: Int32Array): Int32Array {
  const out = new Int32Array(roundUp(terms.length, TILE)).fill(NO_TERM);
  out.set(terms);
  return out;
}
