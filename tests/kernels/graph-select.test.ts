import { graphSelect } from '../../src/kernels/graph-select.ts';
import { kernelContract } from '../contract/kernel.ts';
import { FORM_STRIDES, type RowKind } from './graph-cases.ts';
import { type SelectShape, selectCase } from './link-cases.ts';

const KINDS: readonly RowKind[] = ['ordinary', 'few', 'terms', 'extremes', 'equal'];

const mixed = FORM_STRIDES.flatMap(([form, stride]) =>
  KINDS.map(
    (kind, j): SelectShape => ({ m: 7, n: 150, form, stride, kind, ef: [1, 9, 40, 100, 17][j]!, most: [1, 2, 5, 16, 64][(j + form) % 5]! }),
  ),
);

const base: SelectShape = { m: 5, n: 90, form: 0, stride: 32, kind: 'ordinary', ef: 30, most: 8 };

const special: SelectShape[] = [
  ...[0, 1, 2, 3, 4, 5, 7, 8, 9].map((candidates): SelectShape => ({ ...base, candidates })),
  ...[0, 2].flatMap((form) => [30, 5, 0].map((candidates): SelectShape => ({ ...base, form, stride: 64, kind: 'equal', candidates }))),
  { ...base, ef: 4, most: 64 },
  { ...base, ef: 80, candidates: 80, most: 1 },
  // Far apart in all directions: nothing hides anything, so that all places are taken.
  { ...base, stride: 832, form: 0, kind: 'extremes', ef: 80, candidates: 80, most: 64 },
  // Enough work for the threads of every engine.
  { m: 300, n: 1000, form: 0, stride: 128, kind: 'ordinary', ef: 60, candidates: 60, most: 16 },
  { m: 300, n: 1000, form: 2, stride: 256, kind: 'few', ef: 60, most: 16 },
];

kernelContract(
  graphSelect,
  [...mixed, ...special].map((shape, at) => selectCase(shape, 1000 + 10 * at)),
);
