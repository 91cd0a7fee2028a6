import { sq8Scan } from '../../src/kernels/sq8-scan.ts';
import { kernelContract } from '../contract/kernel.ts';
import { scanCase } from './scan-cases.ts';

const shapes = [
  { nq: 1, words: 1, step: 1, skip: 0, first: 0, blocks: 1 },
  { nq: 3, words: 4, step: 1, skip: 0, first: 0, blocks: 3 },
  { nq: 9, words: 25, step: 4, skip: 0, first: 0, blocks: 4 },
  { nq: 66, words: 17, step: 2, skip: 1, first: 1, blocks: 5 },
  { nq: 4, words: 1024, step: 1, skip: 0, first: 0, blocks: 1 },
];

kernelContract(
  sq8Scan,
  shapes.flatMap((shape, i) =>
    [1, 4].map((weight) => {
      const { arrays } = scanCase(shape, i);
      const { queries, codes, rowTerms, mask } = arrays;
      const keys = new Int32Array(shape.nq * shape.blocks * 64).fill(-999);
      return { name: JSON.stringify({ ...shape, weight }), params: { ...shape, weight }, arrays: { queries, codes, rowTerms, mask, keys } };
    }),
  ),
);
