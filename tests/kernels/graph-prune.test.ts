import { isSq8 } from '../../src/kernels/graph.ts';
import { graphPrune } from '../../src/kernels/graph-prune.ts';
import { kernelContract } from '../contract/kernel.ts';
import { FORM_STRIDES, type RowKind, type Shape } from './graph-cases.ts';
import type { Group, JoinShape, SelectShape } from './link-cases.ts';
import { backCase, chooseCase, type Splits } from './prune-cases.ts';

const KINDS: readonly RowKind[] = ['ordinary', 'few', 'terms', 'extremes', 'equal'];
const GROUPS: readonly Group[] = ['fits', 'overflows', 'any'];
const SHAPES: readonly Shape[] = ['random', 'isolated', 'ring', 'full'];
const DEGREES = [4, 6, 10, 16, 32, 128];
const STRIDES = FORM_STRIDES.filter(([form]) => isSq8(form));
const SPLITS: readonly Splits[] = [
  { split: 1e6, linkSplit: 1e6 },
  { split: 50, linkSplit: 100 },
  { split: 0, linkSplit: 0 },
];

type Choosing = SelectShape & Splits & { readonly first: number };

const choosing = STRIDES.flatMap(([form, stride], i) =>
  KINDS.map(
    (kind, j): Choosing => ({
      ...{ m: 7, n: 150, form, stride, kind, ef: [1, 9, 40, 100, 17][j]!, most: [1, 2, 5, 16, 64][(i + j) % 5]!, first: j % 3 },
      ...SPLITS[(i + j) % 3]!,
    }),
  ),
);

const base: Choosing = { m: 5, n: 90, form: 0, stride: 32, kind: 'ordinary', ef: 30, most: 8, first: 0, split: 64, linkSplit: 10 };

const choosingSpecial: Choosing[] = [
  ...[0, 1, 2, 9].map((candidates): Choosing => ({ ...base, candidates })),
  ...[0, 1].flatMap((form) => [30, 5, 0].map((candidates): Choosing => ({ ...base, form, kind: 'equal', candidates }))),
  { ...base, ef: 4, most: 64 },
  { ...base, ef: 80, candidates: 80, most: 1 },
  // Far apart in all directions: nothing hides anything, so that all places are taken.
  { ...base, stride: 832, kind: 'extremes', ef: 80, candidates: 80, most: 64 },
  { ...base, m: 60, n: 1000, stride: 128, ef: 200, candidates: 200, most: 32 },
];

const backwards = STRIDES.flatMap(([form, stride], i) =>
  GROUPS.map((group, j): JoinShape & Splits => {
    const at = i * GROUPS.length + j;
    return {
      ...{ t: 12, n: 203 + at, form, stride, group, kind: KINDS[at % 5]!, degree: DEGREES[(at + i) % 6]! },
      ...{ level: at % 4 && 1, shape: SHAPES[at % 4]!, ...SPLITS[at % 3]! },
    };
  }),
);

const one = {
  t: 10,
  n: 300,
  form: 0,
  stride: 64,
  kind: 'ordinary',
  degree: 16,
  level: 0,
  group: 'any',
  split: 90,
  linkSplit: 200,
} as const;

const backwardsSpecial: (JoinShape & Splits)[] = [
  ...GROUPS.map((group) => ({ ...one, kind: 'equal' as const, group, shape: 'full' as const })),
  ...GROUPS.map((group) => ({ ...one, level: 2, group, degree: 8 })),
  // One node that 3,000 chose, then some that few did.
  { ...one, t: 4, n: 3010, degree: 32, group: 'hub', shape: 'isolated' },
  { ...one, t: 3, n: 3010, degree: 32, group: 'hub', kind: 'few' },
  { ...one, t: 3, n: 1025, degree: 128, group: 'hub', kind: 'equal', stride: 16, form: 1 },
];

kernelContract(graphPrune, [
  ...[...choosing, ...choosingSpecial].map((shape, at) => chooseCase(shape, 20_000 + 10 * at)),
  ...[...backwards, ...backwardsSpecial].map((shape, at) => backCase(shape, 30_000 + 10 * at)),
]);
