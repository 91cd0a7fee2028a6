import { randomWord } from '../util/random.ts';

/** No node stands higher, whatever its hash: M = 2 reaches this with one row in 2^31. */
export const MOST_LEVEL = 31;

/** Salts: the level of a row and its place in the order of insertion are drawn apart. */
const LEVEL_SALT = 0x1ef5a11d;
const ORDER_SALT = 0x0bd3a5c7;

/**
 * The level of a row: the largest l with hash(seed, serial) < ⌊2^32 / M^l⌋, so a share of 1 / M^l stands on level l or above,
 * as with HNSW's mL = 1 / ln M (Malkov, Yashunin, TPAMI 2020, alg. 1), and integers decide.
 */
export function levelOf(seed: number, serial: number, M: number): number {
  const hash = randomWord((seed ^ LEVEL_SALT) >>> 0, serial);
  let level = 0;
  for (let threshold = Math.floor(2 ** 32 / M); level < MOST_LEVEL && hash < threshold; threshold = Math.floor(threshold / M)) level++;
  return level;
}

/**
 * The order in which rows with these serials enter the graph: drawn from the seed, so that sorted data is no worse than
 * shuffled data.
 */
export function insertionOrder(seed: number, serials: ArrayLike<number>, first: number, count: number): Uint32Array {
  const keys = new Float64Array(count);
  // 21 bits of hash above 32 bits of place: an f64 holds both exactly.
  for (let i = 0; i < count; i++) keys[i] = (randomWord((seed ^ ORDER_SALT) >>> 0, serials[first + i]!) >>> 11) * 2 ** 32 + i;
  keys.sort();
  return Uint32Array.from(keys, (key) => first + (key % 2 ** 32));
}
