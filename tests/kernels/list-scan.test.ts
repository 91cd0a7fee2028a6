import { FORMS } from '../../src/kernels/graph.ts';
import { listScan } from '../../src/kernels/list-scan.ts';
import { kernelContract } from '../contract/kernel.ts';
import { type ListShape, listCase, type Rows } from './list-cases.ts';

const { sq8L2, sq8Ip, pq8, pq4, sq4, lvq, f16L2, f16Ip } = FORMS;
const LISTS: readonly (readonly number[])[] = [
  [1],
  [37],
  [0],
  [5, 0, 1, 33, 8, 0],
  [15, 16, 17, 32],
  Array.from({ length: 40 }, (_, i) => (i * 7) % 23),
  [0, 150, 3],
];
const KEEPS = [1, 3, 10, 64, 1000];
const KINDS: readonly Rows[] = ['ordinary', 'few', 'extremes', 'equal'];
const FILTERS = ['none', 'half', 'few', 'nobody', 'all'] as const;
const PROBING = ['lists', 'gaps', 'flat', 'alike'] as const;
const TERMS = ['signed', 'zero', 'edge'] as const;

const pick = <T>(list: readonly T[], at: number): T => list[at % list.length]!;

/** Every form and stride with every set of lists; what else there is goes round. */
const mixed = [
  ...[16, 32, 64, 832].flatMap((stride) => [[sq8L2, stride] as const, [sq8Ip, stride] as const]),
  ...[4, 8, 12, 32, 36].flatMap((stride) => [[pq8, stride] as const, [pq4, stride] as const]),
  ...[16, 20, 28, 32, 92, 196].map((stride) => [sq4, stride] as const),
  ...[32, 64, 224].flatMap((stride) => [f16L2, f16Ip].map((form) => [form, stride] as const)),
].flatMap(([form, stride], i) =>
  LISTS.map((lists, j): ListShape => {
    const at = i * LISTS.length + j;
    return {
      ...{ form, stride, lists, nq: pick([1, 4, 9], at + i), nprobe: pick([1, 2, 7], at + j), keep: pick(KEEPS, at + i) },
      ...{ rows: pick(KINDS, at + j), filter: pick(FILTERS, at), withTerms: (at + i) % 2 },
      ...{ probing: pick(PROBING, at + j), terms: pick(TERMS, at + i) },
    };
  }),
);

const flat: ListShape = {
  ...{ nq: 8, nprobe: 1, form: pq8, stride: 32, keep: 10, lists: [1500], rows: 'ordinary' },
  ...{ filter: 'none', withTerms: 0, probing: 'flat', terms: 'signed' },
};

/** Every number of bits, alone and with others, over rows with nothing behind their scales, and with something. */
const blocks = [[0], [1], [2], [3], [4], [5], [6], [7], [8], [9], [11], [12, 0, 3, 7, 1], [4, 4, 4, 2, 1, 6], [0, 0, 5]].flatMap(
  (bits, i) =>
    LISTS.map((lists, j): ListShape => {
      const at = i * LISTS.length + j;
      const stride = 4 * bits.reduce((a, b) => a + b, 0) + 4 * Math.ceil(bits.length / 4) + 4 * (at % 2);
      return {
        ...{ form: lvq, bits, stride, lists, nq: pick([1, 4, 9], at), nprobe: pick([1, 2, 7], at + j), keep: pick(KEEPS, at + i) },
        ...{ rows: pick(KINDS, at), filter: pick(FILTERS, at + j), withTerms: (at + i) % 2 },
        ...{ probing: pick(PROBING, at + j), terms: pick(TERMS, at) },
      };
    }),
);

/** Long lists, over which queries go together where nothing forbids it. */
const together: ListShape[] = [
  ...[1, 2, 3, 7, 8, 9, 21].map((nq): ListShape => ({ ...flat, nq })),
  ...[4, 12, 36].flatMap((stride) => [pq8, pq4].map((form): ListShape => ({ ...flat, stride, form, nq: 5, lists: [1025] }))),
  ...KINDS.flatMap((rows) => TERMS.map((terms): ListShape => ({ ...flat, rows, terms, stride: 4, filter: 'half' }))),
  ...FILTERS.map((filter): ListShape => ({ ...flat, filter, form: pq4, stride: 4, rows: 'few' })),
  ...[1, 2, 511, 512, 513, 514, 1499, 1500, 2000].map(
    (keep): ListShape => ({ ...flat, keep, stride: 8, rows: keep % 2 ? 'few' : 'extremes', terms: 'zero' }),
  ),
  ...[1023, 1024, 1536, 1537].map((size): ListShape => ({ ...flat, lists: [size], stride: 4 })),
  ...[pq8, pq4].map((form): ListShape => ({ ...flat, form, nq: 40, lists: [1100, 30, 1024], probing: 'alike', stride: 4 })),
  { ...flat, withTerms: 1, rows: 'few' },
  { ...flat, nprobe: 2 },
  { ...flat, form: sq8L2, stride: 64, terms: 'zero' },
  { ...flat, form: sq8Ip, stride: 64, rows: 'few' },
];

kernelContract(
  listScan,
  [...mixed, ...together, ...blocks].map((shape, at) => listCase(shape, 10 * at)),
);
