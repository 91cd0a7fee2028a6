import { nearestCentroid } from '../../src/kernels/nearest-centroid.ts';
import { randomFrom } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';
import { pairWords, type Spread, squaresOf } from './pq-cases.ts';

function nearestCase(n: number, m: number, pairs: number, ksub: number, weight: number, spread: Spread, terms?: number) {
  const random = randomFrom(n + m + pairs + ksub);
  const centroids = pairWords(random, m * pairs * ksub, spread);
  return {
    name: JSON.stringify({ n, m, pairs, ksub, weight, spread, terms }),
    params: { n, m, pairs, ksub, weight },
    arrays: {
      rows: pairWords(random, n * m * pairs, spread),
      centroids,
      terms: terms === undefined ? squaresOf(centroids, m, pairs, ksub) : new Int32Array(m * ksub).fill(terms),
      nearest: new Uint32Array(n * m).fill(999),
    },
  };
}

kernelContract(nearestCentroid, [
  nearestCase(1, 1, 1, 1, 2, 'ordinary'),
  nearestCase(5, 3, 2, 3, 2, 'ordinary'),
  nearestCase(66, 2, 3, 7, 1, 'few'),
  nearestCase(7, 4, 1, 8, 2, 'few'),
  nearestCase(130, 3, 5, 21, 2, 'few'), // ties, the last tile overlaps
  nearestCase(67, 8, 1, 16, 2, 'ordinary'),
  nearestCase(201, 4, 6, 256, 2, 'ordinary'), // shared among threads
  nearestCase(70, 1, 98, 200, 1, 'ordinary', 0),
  nearestCase(9, 4, 12, 256, 2, 'extreme'),
  nearestCase(9, 2, 3, 31, 2, 'equal'), // the first of all
  nearestCase(9, 2, 2, 12, 1, 'wrapping', -5),
  nearestCase(3, 1, 1, 40, 0, 'ordinary', 0x7fffffff), // every score is the largest there is
  nearestCase(3, 1, 1, 40, 0, 'ordinary', -0x80000000),
]);
