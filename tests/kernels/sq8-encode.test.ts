import { sq8Encode } from '../../src/kernels/sq8-encode.ts';
import { kinds, makeVectors } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';

const cases = kinds.flatMap((kind, at) =>
  [1, 3, 16, 97].flatMap((dim) =>
    [0, 1].map((layout) => {
      const n = 12;
      const words = Math.ceil(dim / 4);
      const vectors = makeVectors(kind, n, dim, at);
      const scale = Math.fround(100 / Math.max(1e-30, ...vectors.map(Math.abs)));
      const query = layout === 1 && dim > 3;
      const range = query ? { low: -64, high: 63, bias: 64 } : { low: -128, high: 127, bias: 0 };
      return {
        name: `${kind}, dim ${dim}, layout ${layout}`,
        params: { n, dim, words, layout, ...range },
        arrays: {
          vectors,
          shift: makeVectors(kind, 1, dim, at + 50),
          scales: Float32Array.from({ length: n }, (_, i) => scale * (1 + i)),
          steps: Float64Array.from({ length: n }, (_, i) => 1 / Math.fround(scale * (1 + i))),
          codes: new Int8Array(n * words * 4).fill(99),
          sums: new Int32Array(2 * n).fill(-999),
          errors: new Float64Array(n).fill(-999),
        },
      };
    }),
  ),
);

kernelContract(sq8Encode, cases);
