import { topK } from '../../src/kernels/top-k.ts';
import { randomFrom } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';

function topKCase(nq: number, m: number, k: number, implicit: number, spread: number) {
  const random = randomFrom(m + k);
  const out = nq * Math.ceil(m / 1024) * k;
  return {
    name: JSON.stringify({ nq, m, k, implicit, spread }),
    params: { nq, m, k, implicit },
    arrays: {
      keys: Int32Array.from({ length: nq * m }, () => (random() < 0.05 ? 0x7fffffff : random.int(-spread, spread))),
      ids: Uint32Array.from({ length: nq * m }, (_, i) => (Math.imul(i % m, 2654435761) ^ 0x5bd1e995) >>> 0),
      topKeys: new Int32Array(out).fill(-999),
      topIds: new Uint32Array(out).fill(999),
    },
  };
}

kernelContract(topK, [
  topKCase(1, 1, 1, 1, 5),
  topKCase(3, 10, 16, 1, 5), // k above m: filled up
  topKCase(2, 1024, 10, 1, 2 ** 30),
  topKCase(4, 3000, 26, 1, 50), // many ties
  topKCase(2, 2500, 256, 0, 2 ** 20),
  topKCase(5, 1030, 7, 0, 0), // all equal
]);
