import { canonicalDistances } from '../../src/kernels/canonical-distances.ts';
import { kinds, makeVectors, randomFrom } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';

const cases = kinds.flatMap((kind, at) =>
  [16, 112, 784].flatMap((width) =>
    [0, 1, 2].map((metric) => {
      const random = randomFrom(at);
      const n = 300;
      return {
        name: `${kind}, width ${width}, metric ${metric}`,
        params: { n, width, metric },
        arrays: {
          queries: makeVectors(kind, 9, width, at),
          rows: makeVectors(kind, 40, width, at + 100),
          pairs: Uint32Array.from({ length: 2 * n }, (_, i) => random.int(0, i % 2 ? 39 : 8)),
          distances: new Float32Array(n).fill(-999),
        },
      };
    }),
  ),
);

kernelContract(canonicalDistances, cases);
