import { FORMS, queryStride } from '../../src/kernels/graph.ts';
import { pqGather } from '../../src/kernels/pq-gather.ts';
import { randomFrom } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';

function gatherCase(form: number, nq: number, n: number, words: number, used: number, capacity: number) {
  const random = randomFrom(words + form);
  const bytes = (length: number) => Int8Array.from({ length }, () => random.int(-128, 127));
  return {
    name: JSON.stringify({ form, nq, n, words, used, capacity }),
    params: { words, form, capacity },
    arrays: {
      tables: bytes(nq * queryStride(form, 4 * words)),
      codes: bytes(n * 4 * words),
      pairs: Uint32Array.from({ length: 2 * capacity }, (_, i) => random.int(0, (i % 2 ? n : nq) - 1)),
      count: Uint32Array.of(used),
      keys: new Int32Array(capacity).fill(-999),
    },
  };
}

kernelContract(
  pqGather,
  [FORMS.pq8, FORMS.pq4].flatMap((form) => [
    gatherCase(form, 1, 1, 1, 1, 1),
    gatherCase(form, 3, 50, 3, 100, 128),
    gatherCase(form, 5, 200, 8, 333, 400),
    gatherCase(form, 2, 40, 25, 90, 64), // more pairs than room
    gatherCase(form, 2, 8, 7, 0, 20), // no pairs
  ]),
);
