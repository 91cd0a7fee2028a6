import { matmul } from '../../src/kernels/matmul.ts';
import { kinds, makeVectors } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';

/** Whole tiles and their edges: n and m of every remainder, one step of k, and more rows of `b` than a block of the cache. */
const shapes = [
  [1, 1, 4],
  [2, 4, 8],
  [3, 5, 12],
  [7, 6, 100],
  [33, 31, 16],
  [5, 3, 784],
  [17, 70, 784],
  [1, 9, 32_768],
] as const;

const matmulCase = (kind: (typeof kinds)[number], [n, m, k]: readonly [number, number, number], at: number, first = 0) => ({
  name: `${kind}, ${n} × ${m} × ${k}, from row ${first}`,
  params: { first, n, m, k },
  arrays: {
    a: makeVectors(kind, first + n, k, at),
    b: makeVectors(kind, m, k, at + 3),
    c: new Float32Array((first + n + 1) * m).fill(-999), // a row behind stays as it is
  },
});

kernelContract(matmul, [
  ...shapes.map((shape, at) => matmulCase('normal', shape, at)),
  ...kinds.map((kind, at) => matmulCase(kind, [6, 13, 36], at, at % 4)),
  matmulCase('mixed', [130, 131, 128], 50), // long enough for threads
]);
