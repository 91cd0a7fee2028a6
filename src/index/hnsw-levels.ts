import { randomWord } from '../util/random.ts';

/** No node stands higher, whatever its hash: M = 2 reaches this with one row in 2^31. */
export const MOST_LEVEL = 31;

/** Of new rows, one in so many enters before the others. */
const SKELETON_EVERY = 16;

/** Levels are drawn apart from whatever else a seed may decide. */
const LEVEL_SALT = 0x1ef5a11d;

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
 * The order in which `count` new rows, numbered from `first` on, enter the graph: every sixteenth, then the others, both as
 * they come. The first ones span the graph where rows are sorted; the rest keeps an order that means something, such as
 * best-known first.
 */
export function insertionOrder(first: number, count: number): Uint32Array {
  const order = new Uint32Array(count);
  let n = 0;
  for (let i = 0; i < count; i += SKELETON_EVERY) order[n++] = first + i;
  for (let i = 0; i < count; i++) if (i % SKELETON_EVERY !== 0) order[n++] = first + i;
  return order;
}
