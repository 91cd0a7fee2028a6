import { refineLists } from '../../src/kernels/refine-lists.ts';
import { kinds } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';
import { type ListEnd, type RefineShape, refineCase } from './refine-cases.ts';

const ENDS: readonly ListEnd[] = ['none', 'middle', 'any'];
const DIMS = [1, 13, 16, 28, 60, 100, 784];

/** Every kind of data under every metric, from vectors and from codes; what else there is goes round. */
const mixed = kinds.flatMap((kind, i) =>
  [0, 1, 2].flatMap((metric) =>
    [false, true].map((coded, j): RefineShape => {
      const at = 6 * i + 2 * metric + j;
      const listLength = [1, 20, 37, 64][at % 4]!;
      const k = [1, 5, 20, 50][(at + i) % 4]!;
      return {
        nq: 5,
        n: 90,
        dim: DIMS[at % 7]!,
        kind,
        metric,
        coded,
        listStride: listLength + (at % 3),
        listLength,
        k,
        end: ENDS[(at + i) % 3]!,
      };
    }),
  ),
);

const base: RefineShape = {
  ...{ nq: 4, n: 60, dim: 20, kind: 'normal', metric: 0, coded: false, listStride: 40, listLength: 40, k: 10, end: 'none' },
};

const special: RefineShape[] = [
  ...[false, true].flatMap((coded) => (['start', 'middle'] as const).map((end): RefineShape => ({ ...base, coded, end }))),
  ...[1, 39, 40, 41, 60].map((k): RefineShape => ({ ...base, k })),
  ...[0, 1, 2].map((metric): RefineShape => ({ ...base, kind: 'constant', metric, k: 7 })), // labels alone decide
  { ...base, n: 20 }, // lists that end before their stride
  // Enough work for the threads of every engine.
  { ...base, nq: 300, n: 500, dim: 64, listStride: 100, listLength: 90 },
  { ...base, nq: 300, n: 500, dim: 64, listStride: 100, listLength: 90, coded: true, end: 'any' },
];

kernelContract(
  refineLists,
  [...mixed, ...special].map((shape, at) => refineCase(shape, 9000 + 10 * at)),
);
