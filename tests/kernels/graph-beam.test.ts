import { graphBeam } from '../../src/kernels/graph-beam.ts';
import { kernelContract } from '../contract/kernel.ts';
import { type BeamShape, beamCase } from './beam-cases.ts';
import type { Filter, RowKind, Shape } from './graph-cases.ts';

const FILTERS: readonly Filter[] = ['none', 'half', 'entry excluded', 'nobody', 'all', 'few', 'entry alone'];
const KINDS: readonly RowKind[] = ['ordinary', 'few', 'terms', 'extremes', 'equal'];
const SHAPES: readonly Shape[] = ['random', 'ring', 'full', 'hub'];
const DEGREES = [4, 6, 10, 16, 32, 64, 128];
const BEAMS = [1, 10, 33, 100];
const SIZES = [203, 256, 97, 161];

const pick = <T>(list: readonly T[], at: number): T => list[at % list.length]!;

/** Every form and stride with every filter; what else there is goes round. */
const mixed = [0, 1].flatMap((form) =>
  [16, 32, 64, 192].flatMap((stride, i) =>
    FILTERS.map((filter, j): BeamShape => {
      const at = (form * 4 + i) * FILTERS.length + j;
      const top = at % 4;
      return {
        ...{
          nq: 3,
          form,
          stride,
          filter,
          top,
          level: at % 3 ? 0 : Math.min(top, at % 5),
          split: [0, 50, 1000][at % 3]!,
          linkSplit: [1000, 0, 80][at % 3]!,
        },
        ...{ n: pick(SIZES, at + i), degree: pick(DEGREES, at + j + i), ef: pick(BEAMS, at + j) },
        ...{ kind: pick(KINDS, at), shape: pick(SHAPES, at) },
      };
    }),
  ),
);

const base: BeamShape = {
  ...{ nq: 3, n: 100, degree: 8, shape: 'ring', top: 0, form: 0, stride: 64, kind: 'ordinary', filter: 'none', level: 0, ef: 16 },
  ...{ split: 64, linkSplit: 1000 },
};

const special: BeamShape[] = [
  ...[1, 2, 31, 33, 63, 64, 65].map((n): BeamShape => ({ ...base, n, filter: n % 2 ? 'half' : 'none' })),
  ...[1, 4, 100].map((ef): BeamShape => ({ ...base, shape: 'path', ef, filter: 'half' })),
  { ...base, shape: 'isolated', top: 2 },
  { ...base, shape: 'isolated', filter: 'nobody' },
  { ...base, shape: 'hub', n: 1000, degree: 128, top: 1, ef: 40 },
  ...FILTERS.map((filter): BeamShape => ({ ...base, kind: 'equal', shape: 'full', n: 200, ef: 20, filter, top: 2 })),
  ...[1, 2, 3, 5].map((ef): BeamShape => ({ ...base, n: 600, shape: 'full', degree: 32, ef, filter: 'few', kind: 'few' })),
  // Beams in the workgroup's memory and beyond it, with and without a filter.
  ...[255, 256, 257, 1024, 1025].map((ef): BeamShape => ({ ...base, nq: 1, n: 1500, degree: 16, ef, filter: ef < 300 ? 'half' : 'none' })),
  // As wide as can be: ef 2,048, and 1,024 under a filter, which is 4,096 entries; links of M 64.
  { ...base, nq: 1, n: 2100, degree: 128, shape: 'random', ef: 2048, form: 1, kind: 'extremes', stride: 192 },
  { ...base, nq: 1, n: 4200, degree: 128, shape: 'random', ef: 1024, filter: 'few', kind: 'few', stride: 128, top: 1 },
  // A table of visited nodes that forgets most of them.
  { ...base, n: 900, degree: 16, ef: 60, visited: 8 },
  { ...base, n: 900, degree: 16, ef: 60, visited: 2, filter: 'half', form: 1 },
  // Links to nodes that are not there, and upper rows that are missing.
  { ...base, n: 300, top: 2, damaged: true },
  { ...base, n: 300, top: 2, damaged: true, filter: 'half', degree: 64 },
];

kernelContract(
  graphBeam,
  [...mixed, ...special].map((shape, at) => beamCase(shape, 10 * at)),
  ({ found }) => ({ found: found! }), // what is left in `spill` means nothing
);
