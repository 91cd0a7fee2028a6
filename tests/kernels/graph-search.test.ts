import { FORMS } from '../../src/kernels/graph.ts';
import { graphSearch } from '../../src/kernels/graph-search.ts';
import { kernelContract } from '../contract/kernel.ts';
import { type Filter, type RowKind, SEARCH_STRIDES, type Shape } from './graph-cases.ts';
import { type SearchShape, searchCase } from './search-cases.ts';

const FILTERS: readonly Filter[] = ['none', 'half', 'entry excluded', 'nobody', 'all', 'few', 'entry alone'];
const KINDS: readonly RowKind[] = ['ordinary', 'few', 'terms', 'extremes', 'equal'];
const SHAPES: readonly Shape[] = ['random', 'ring', 'full', 'hub'];
const DEGREES = [4, 6, 10, 16, 32, 64, 128];
const BEAMS = [1, 10, 33, 300];
const SIZES = [203, 256, 97, 161];

const pick = <T>(list: readonly T[], at: number): T => list[at % list.length]!;

/** Every form and stride with every filter; what else there is goes round. */
const mixed = SEARCH_STRIDES.flatMap(([form, stride], i) =>
  FILTERS.map((filter, j): SearchShape => {
    const at = i * FILTERS.length + j;
    const top = at % 4;
    return {
      ...{ nq: 5, form, stride, filter, top, level: at % 3 ? 0 : Math.min(top, at % 5) },
      ...{
        n: pick(SIZES, at + i),
        degree: pick(DEGREES, at + j + i),
        ef: pick(BEAMS, at + j),
        kind: pick(KINDS, at),
        shape: pick(SHAPES, at),
      },
    };
  }),
);

const base: SearchShape = {
  ...{ nq: 3, n: 100, degree: 8, shape: 'ring', top: 0, form: 0, stride: 64, kind: 'ordinary', filter: 'none', level: 0, ef: 16 },
};

const pq: SearchShape = { ...base, form: FORMS.pq8, stride: 32, n: 500, degree: 16, top: 2, ef: 30 };

const special: SearchShape[] = [
  ...[1, 2, 7, 8, 9, 31, 32, 33, 63, 64, 65, 511, 513].map((n): SearchShape => ({ ...base, n, filter: n % 2 ? 'half' : 'none' })),
  ...[1, 4, 8, 100].map((ef): SearchShape => ({ ...base, shape: 'path', ef, filter: 'half' })),
  { ...base, shape: 'path', n: 200, ef: 200 },
  { ...base, shape: 'isolated', top: 2 },
  { ...base, shape: 'isolated', filter: 'nobody' },
  { ...base, shape: 'hub', n: 1000, degree: 128, top: 1, ef: 40 },
  ...FILTERS.map((filter): SearchShape => ({ ...base, kind: 'equal', shape: 'full', n: 300, ef: 20, filter, top: 2 })),
  // Beams that fill up with what may not be returned, and are trimmed at both ends.
  ...[1, 2, 3, 5].map((ef): SearchShape => ({ ...base, n: 600, shape: 'full', degree: 32, ef, filter: 'few', kind: 'few' })),
  ...[1, 3, 20].map((ef): SearchShape => ({ ...base, n: 600, shape: 'full', degree: 32, ef, filter: 'half' })),
  // Sums of lookups: every kind of rows and tables, each with and without a filter.
  ...KINDS.flatMap((kind) => [
    { ...pq, kind },
    { ...pq, kind, filter: 'half' as const, form: FORMS.pq4, stride: 16 },
  ]),
  ...KINDS.map((kind): SearchShape => ({ ...pq, kind, n: 600, shape: 'full', ef: 200, filter: 'few', stride: 4 })),
  // Enough work for the threads of every engine.
  { ...base, nq: 150, n: 1500, stride: 128, degree: 32, shape: 'ring', top: 4, ef: 100, filter: 'none' },
  { ...base, nq: 150, n: 1500, stride: 128, degree: 32, shape: 'ring', top: 4, ef: 60, filter: 'half', form: 2 },
  { ...pq, nq: 150, n: 1500, degree: 32, top: 4, ef: 100 },
  { ...pq, nq: 150, n: 1500, degree: 32, top: 4, ef: 60, filter: 'half', form: FORMS.pq4, stride: 36 },
];

kernelContract(
  graphSearch,
  [...mixed, ...special].map((shape, at) => searchCase(shape, 10 * at)),
);
