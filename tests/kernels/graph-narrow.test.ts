import { graphNarrow } from '../../src/kernels/graph-narrow.ts';
import { kernelContract } from '../contract/kernel.ts';
import type { RowKind } from './graph-cases.ts';
import { type Loss, type NarrowShape, narrowCase } from './narrow-cases.ts';

const KINDS: readonly RowKind[] = ['ordinary', 'few', 'extremes', 'equal'];
const LOSSES: readonly Loss[] = ['none', 'fine', 'coarse', 'any', 'all'];
const LIMBS = ['any', 'zero', 'extreme'] as const;

const mixed = [0, 1].flatMap((form) =>
  [16, 32, 64, 448].flatMap((stride, i) =>
    LOSSES.map((loss, j): NarrowShape => {
      const at = (form * 4 + i) * LOSSES.length + j;
      return {
        ...{ nq: 3, n: [40, 150, 333][at % 3]!, stride, form, loss, kind: KINDS[at % 4]!, limbs: LIMBS[(at + i) % 3]! },
        ...{ split: [0, 50, 1000][at % 3]!, ef: [20, 33, 64][at % 3]!, length: [16, 20, 33][at % 3]!, k: [1, 10, 15][(at + j) % 3]! },
      };
    }),
  ),
);

const base: NarrowShape = {
  ...{ nq: 2, n: 100, stride: 64, form: 0, kind: 'ordinary', split: 60, ef: 30, length: 24, k: 10, loss: 'fine', limbs: 'any' },
};

const special: NarrowShape[] = [
  ...[0, 1, 9, 10, 11, 24].map((filled): NarrowShape => ({ ...base, filled, form: filled % 2 })),
  ...[23, 24, 25].map((k): NarrowShape => ({ ...base, k })),
  ...[0, 1].flatMap((form) =>
    (['few', 'equal'] as const).map((kind): NarrowShape => ({ ...base, form, kind, limbs: 'zero', loss: 'none' })),
  ),
  // As long as a workgroup can hold, and longer.
  ...[65, 1024, 1025].map((length): NarrowShape => ({ ...base, nq: 1, n: 1100, stride: 16, ef: 1030, length, k: 12 })),
  // The largest numbers: rows of 4,096 codes at both ends.
  ...[0, 1].map(
    (form): NarrowShape => ({ ...base, nq: 1, n: 20, stride: 4160, form, kind: 'extremes', limbs: 'extreme', ef: 12, length: 12, k: 3 }),
  ),
  // What bounds add to all rows: much, and so much that nothing is known.
  { ...base, room: 529, more: 2 ** 20 },
  ...[0xffffffff, 0xfffffffe].map((more): NarrowShape => ({ ...base, stride: 448, more })),
  { ...base, nq: 200, stride: 16 },
];

kernelContract(
  graphNarrow,
  [...mixed, ...special].map((shape, at) => narrowCase(shape, 10 * at)),
);
