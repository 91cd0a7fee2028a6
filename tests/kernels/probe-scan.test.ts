import { FORMS, NONE } from '../../src/kernels/graph.ts';
import { probeScan } from '../../src/kernels/probe-scan.ts';
import { kernelContract } from '../contract/kernel.ts';
import { type ListShape, listCase, type Rows } from './list-cases.ts';

const { sq8L2, sq8Ip, pq8, pq4 } = FORMS;
const LISTS: readonly (readonly number[])[] = [
  [1],
  [37],
  [0],
  [5, 0, 1, 33, 8, 0],
  Array.from({ length: 40 }, (_, i) => (i * 7) % 23),
  [0, 300, 3], // several workgroups
];
const KINDS: readonly Rows[] = ['ordinary', 'few', 'extremes', 'equal'];
const FILTERS = ['half', 'few', 'nobody', 'all'] as const;
const PROBING = ['lists', 'gaps', 'flat'] as const;
const TERMS = ['signed', 'zero', 'edge'] as const;

const pick = <T>(list: readonly T[], at: number): T => list[at % list.length]!;

/** Every form and stride with every set of lists; what else there is goes round. */
const shapes = [
  ...[16, 32, 64, 832].flatMap((stride) => [[sq8L2, stride] as const, [sq8Ip, stride] as const]),
  ...[4, 8, 12, 36].flatMap((stride) => [[pq8, stride] as const, [pq4, stride] as const]),
].flatMap(([form, stride], i) =>
  LISTS.map((lists, j): ListShape => {
    const at = i * LISTS.length + j;
    return {
      ...{ form, stride, lists, nq: pick([1, 4, 9], at + i), nprobe: pick([1, 2, 7, 16], at + j), keep: 1 },
      ...{ rows: pick(KINDS, at + j), filter: pick(FILTERS, at), withTerms: (at + i) % 2 },
      ...{ probing: pick(PROBING, at + j), terms: pick(TERMS, at + i) },
    };
  }),
);

/** The jobs of probes, and keys for the longest query and `spare` more. */
function probeCase(shape: ListShape, offset: number, spare: number) {
  const { name, params, arrays } = listCase(shape, offset);
  const { nq, nprobe, form, stride, queryStride, withTerms } = params;
  const { offsets, probes, probeTerms, shifts, rows, codes, rowTerms, admitted } = arrays;
  const jobs = new Uint32Array(nq * (nprobe + 1) * 4).fill(12345);
  let m = 1;
  for (let q = 0; q < nq; q++) {
    let begin = 0;
    for (let p = 0; p < nprobe; p++) {
      const list = probes[q * nprobe + p]!;
      const first = list === NONE ? 999_999 : offsets[list]!;
      jobs.set([first, begin, probeTerms[q * nprobe + p]!, shifts[q]!], (q * (nprobe + 1) + p) * 4);
      if (list !== NONE) begin += offsets[list + 1]! - first;
    }
    jobs[(q * (nprobe + 1) + nprobe) * 4 + 1] = begin;
    m = Math.max(m, begin + spare);
  }
  return {
    name,
    params: { nq, nprobe, form, stride, queryWords: queryStride / 4, withTerms, m },
    arrays: {
      queries: new Uint32Array(arrays.queries.buffer),
      ...{ codes, rowTerms, rows, mask: admitted, jobs },
      keys: new Int32Array(nq * m).fill(-999),
      ids: new Uint32Array(nq * m).fill(999),
    },
  };
}

kernelContract(
  probeScan,
  shapes.map((shape, at) => probeCase(shape, 10 * at, at % 3)),
);
