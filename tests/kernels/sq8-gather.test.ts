import { sq8Gather } from '../../src/kernels/sq8-gather.ts';
import { randomFrom } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';

function gatherCase(nq: number, n: number, words: number, used: number, capacity: number, weight: number) {
  const random = randomFrom(words);
  const width = words * 4;
  const codesOf = (rows: number) => Int8Array.from({ length: rows * width }, () => random.int(-128, 127)).fill(-128, 0, width);
  return {
    name: JSON.stringify({ nq, n, words, used, capacity, weight }),
    params: { words, weight, capacity },
    arrays: {
      queries: codesOf(nq),
      codes: codesOf(n),
      rowTerms: Int32Array.from({ length: n }, () => random.int(0, 2 ** 24)),
      pairs: Uint32Array.from({ length: 2 * capacity }, (_, i) => random.int(0, (i % 2 ? n : nq) - 1)),
      count: Uint32Array.of(used),
      keys: new Int32Array(capacity).fill(-999),
    },
  };
}

kernelContract(sq8Gather, [
  gatherCase(1, 1, 1, 1, 1, 2),
  gatherCase(3, 50, 3, 100, 128, 1),
  gatherCase(5, 200, 24, 333, 400, 2),
  gatherCase(2, 40, 196, 90, 64, 2), // more pairs than room
  gatherCase(2, 8, 1024, 20, 20, 1),
  gatherCase(2, 8, 7, 0, 20, 1), // no pairs
]);
