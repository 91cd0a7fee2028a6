import { pqDecode } from '../../src/kernels/pq-decode.ts';
import { randomFrom } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';
import { pairWords, type Spread } from './pq-cases.ts';

interface Shape {
  readonly n: number;
  readonly M: number;
  readonly dsub: number;
  readonly nBits: 4 | 8;
  readonly withLists: number;
  readonly scale: number;
  readonly spread: Spread;
}

function decodeCase(shape: Shape) {
  const { n, M, dsub, nBits, withLists, scale, spread } = shape;
  const random = randomFrom(n + M + dsub);
  const stride = nBits === 8 ? Math.ceil(M / 4) * 4 : Math.ceil(M / 8) * 4;
  const m = nBits === 8 ? stride : 2 * stride;
  const pairs = Math.ceil(dsub / 2);
  const width = Math.ceil((M * dsub) / 16) * 16;
  const positions = 30;
  return {
    name: JSON.stringify(shape),
    params: { n, stride, M, dsub, ksub: 2 ** nBits, width, withLists },
    arrays: {
      codes: Int8Array.from({ length: positions * stride }, () => random.int(-128, 127)),
      places: Uint32Array.from({ length: 2 * n }, (_, i) => (i % 2 ? random.int(0, 4) : random.int(0, positions - 1))),
      centroids: pairWords(random, m * pairs * 2 ** nBits, spread),
      lists: pairWords(random, (5 * width) / 2, spread),
      shift: Float32Array.from({ length: width }, () => random.normal() * 10 ** random.int(-3, 3)),
      scale: Float32Array.of(scale),
      rows: new Float32Array(n * width).fill(999),
    },
  };
}

kernelContract(pqDecode, [
  decodeCase({ n: 1, M: 1, dsub: 1, nBits: 8, withLists: 0, scale: 1, spread: 'ordinary' }),
  decodeCase({ n: 9, M: 5, dsub: 3, nBits: 8, withLists: 1, scale: 3.7, spread: 'ordinary' }), // an odd last value
  decodeCase({ n: 60, M: 28, dsub: 28, nBits: 8, withLists: 1, scale: 0.0123, spread: 'ordinary' }),
  decodeCase({ n: 60, M: 32, dsub: 12, nBits: 8, withLists: 0, scale: 12345, spread: 'extreme' }),
  decodeCase({ n: 17, M: 7, dsub: 5, nBits: 4, withLists: 0, scale: 2 ** -100, spread: 'few' }),
  decodeCase({ n: 17, M: 16, dsub: 6, nBits: 4, withLists: 1, scale: 2 ** 100, spread: 'ordinary' }),
]);
