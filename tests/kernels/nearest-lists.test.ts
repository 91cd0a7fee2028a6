import { nearestLists, nearestListsScratchWords, tiled, tiledTerms } from '../../src/kernels/nearest-lists.ts';
import { randomFrom } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';
import { pairWords, type Spread, squaresOf } from './pq-cases.ts';

const SLOTS = 8;

function listsCase(n: number, pairs: number, nlist: number, keep: number, weight: number, spread: Spread, terms?: number) {
  const random = randomFrom(n + pairs + nlist + keep);
  const words = pairWords(random, pairs * nlist, spread);
  const slotWords = nearestListsScratchWords(keep);
  return {
    name: JSON.stringify({ n, pairs, nlist, keep, weight, spread, terms }),
    params: { n, pairs, tiles: Math.ceil(nlist / 8), weight, keep, slots: SLOTS, slotWords },
    arrays: {
      queries: pairWords(random, n * pairs, spread),
      centroids: tiled(words, pairs),
      terms: tiledTerms(terms === undefined ? squaresOf(words, nlist, pairs, 1) : new Int32Array(nlist).fill(terms)),
      keys: new Int32Array(n * keep).fill(999),
      ids: new Uint32Array(n * keep).fill(999),
      scratch: new Uint32Array(SLOTS * slotWords),
    },
  };
}

kernelContract(nearestLists, [
  listsCase(1, 1, 1, 1, 2, 'ordinary'),
  listsCase(5, 3, 7, 7, 2, 'ordinary'), // less than a tile
  listsCase(66, 3, 8, 3, 1, 'few'), // ties
  listsCase(7, 2, 21, 21, 2, 'few'),
  listsCase(130, 5, 64, 10, 2, 'ordinary'),
  listsCase(201, 12, 100, 37, 2, 'ordinary'), // shared among threads
  listsCase(9, 50, 1030, 600, 2, 'ordinary'), // kept as a heap
  listsCase(6, 2, 1024, 1024, 2, 'few'),
  listsCase(70, 98, 200, 16, 1, 'ordinary', 0),
  listsCase(9, 12, 256, 9, 2, 'extreme'),
  listsCase(9, 3, 31, 12, 2, 'equal'),
  listsCase(9, 2, 12, 5, 1, 'wrapping', -5),
  listsCase(3, 1, 40, 40, 0, 'ordinary', 0x7fffffff), // every key is the largest there is
  listsCase(3, 1, 40, 8, 0, 'ordinary', -0x80000000),
]);
