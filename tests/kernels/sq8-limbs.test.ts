import { sq8Limbs } from '../../src/kernels/sq8-limbs.ts';
import { kinds } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';
import { limbCase } from './limb-cases.ts';

kernelContract(
  sq8Limbs,
  kinds.flatMap((kind, at) => [1, 3, 12, 16, 97].map((dim) => limbCase(kind, dim, at))),
);
