import { rotate } from '../../src/kernels/rotate.ts';
import { randomFrom } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';
import { pairWords, type Spread } from './pq-cases.ts';

function rotateCase(n: number, dout: number, words: number, spread: Spread) {
  const random = randomFrom(n + dout + words);
  return {
    name: JSON.stringify({ n, dout, words, spread }),
    params: { n, dout, words },
    arrays: {
      rows: pairWords(random, n * words, spread),
      matrix: pairWords(random, dout * words, spread),
      rotated: new Int32Array(n * dout).fill(-999),
    },
  };
}

kernelContract(rotate, [
  rotateCase(1, 1, 4, 'ordinary'),
  rotateCase(3, 2, 8, 'wrapping'),
  rotateCase(17, 3, 4, 'ordinary'),
  rotateCase(16, 16, 64, 'few'),
  rotateCase(33, 37, 68, 'extreme'),
  rotateCase(5, 7, 132, 'wrapping'),
  rotateCase(70, 100, 392, 'ordinary'), // shared among threads
  rotateCase(1, 300, 2048, 'ordinary'),
]);
