import { graphJoin } from '../../src/kernels/graph-join.ts';
import { kernelContract } from '../contract/kernel.ts';
import { FORM_STRIDES, type RowKind, type Shape } from './graph-cases.ts';
import { type Group, type JoinShape, joinCase } from './link-cases.ts';

const KINDS: readonly RowKind[] = ['ordinary', 'few', 'terms', 'extremes', 'equal'];
const GROUPS: readonly Group[] = ['fits', 'overflows', 'any'];
const SHAPES: readonly Shape[] = ['random', 'isolated', 'ring', 'full'];
const DEGREES = [4, 6, 10, 16, 32, 128];

const mixed = FORM_STRIDES.flatMap(([form, stride], i) =>
  GROUPS.map((group, j): JoinShape => {
    const at = i * GROUPS.length + j;
    return {
      t: 20,
      n: 203 + at,
      form,
      stride,
      kind: KINDS[at % 5]!,
      degree: DEGREES[(at + i) % 6]!,
      level: at % 4 && 1,
      group,
      shape: SHAPES[at % 4]!,
    };
  }),
);

const base: JoinShape = { t: 30, n: 300, form: 0, stride: 64, kind: 'ordinary', degree: 16, level: 0, group: 'any' };

const special: JoinShape[] = [
  ...GROUPS.map((group): JoinShape => ({ ...base, kind: 'equal', group, shape: 'full' })),
  ...GROUPS.map((group): JoinShape => ({ ...base, level: 2, group, degree: 8 })),
  // One node that 3,000 chose, then some that few did.
  ...[0, 2, 4].map((form): JoinShape => ({ ...base, form, t: 4, n: 3010, degree: 32, group: 'hub', shape: 'isolated' })),
  { ...base, t: 3, n: 3010, degree: 32, group: 'hub', kind: 'few' },
  { ...base, t: 3, n: 3010, degree: 32, group: 'hub', kind: 'equal', stride: 16 },
  // Enough work for the threads of every engine.
  { ...base, t: 400, n: 900, degree: 32, stride: 128 },
  { ...base, t: 400, n: 900, degree: 32, stride: 128, form: 2, group: 'overflows' },
];

kernelContract(
  graphJoin,
  [...mixed, ...special].map((shape, at) => joinCase(shape, 5000 + 10 * at)),
);
