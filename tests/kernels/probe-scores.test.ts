import { NONE } from '../../src/kernels/graph.ts';
import { probeScores } from '../../src/kernels/probe-scores.ts';
import { randomFrom } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';
import { pairWords, type Spread } from './pq-cases.ts';

function scoresCase(nq: number, nprobe: number, words: number, squared: number, spread: Spread, bits = 12) {
  const random = randomFrom(nq + nprobe + words);
  return {
    name: JSON.stringify({ nq, nprobe, words, squared, spread, bits }),
    params: { nq, nprobe, words, squared },
    arrays: {
      queries: pairWords(random, nq * words, spread, bits),
      centroids: pairWords(random, 20 * words, spread, bits),
      probes: Uint32Array.from({ length: nq * nprobe }, () => (random() < 0.1 ? NONE : random.int(0, 19))),
      scores: new Float64Array(nq * nprobe).fill(999),
    },
  };
}

kernelContract(probeScores, [
  scoresCase(1, 1, 4, 1, 'ordinary'),
  scoresCase(1, 1, 4, 0, 'ordinary'),
  scoresCase(50, 16, 48, 1, 'ordinary'),
  scoresCase(50, 3, 48, 0, 'few'),
  scoresCase(7, 5, 2048, 1, 'extreme', 14), // past 32 bits
  scoresCase(7, 5, 2048, 0, 'extreme', 14),
  scoresCase(3, 2, 8, 0, 'equal'),
]);
