import { project } from '../../src/kernels/project.ts';
import { kinds, makeVectors } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';

const cases = kinds.flatMap((kind, at) =>
  [
    [5, 4],
    [64, 8],
    [99, 36],
  ].map(([dim, p]) => {
    const n = 15;
    const width = Math.ceil(dim! / 4) * 4;
    const mean = new Float32Array(width);
    mean.set(makeVectors(kind, 1, dim!, at + 7));
    return {
      name: `${kind}, dim ${dim}, p ${p}`,
      params: { n, dim: dim!, p: p! },
      arrays: {
        vectors: makeVectors(kind, n, dim!, at),
        mean,
        basis: makeVectors('unit', p!, width, at + 9),
        projected: new Float32Array(n * (p! + 4)).fill(-999),
        norms: new Float64Array(2 * n).fill(-999),
      },
    };
  }),
);

kernelContract(project, cases);
