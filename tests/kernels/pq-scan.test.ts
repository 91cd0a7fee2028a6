import { FORMS } from '../../src/kernels/graph.ts';
import { pqScan } from '../../src/kernels/pq-scan.ts';
import { randomFrom } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';
import { makePqCodes, makeTables, type Rows } from './list-cases.ts';

/** `gap`: words between the tables of two queries that belong to none. */
const shapes = [
  { nq: 1, stride: 4, first: 0, count: 1, after: 0, gap: 0 },
  { nq: 3, stride: 12, first: 5, count: 64, after: 3, gap: 0 },
  { nq: 9, stride: 32, first: 31, count: 130, after: 0, gap: 1 },
  { nq: 2, stride: 36, first: 64, count: 500, after: 70, gap: 7 },
  { nq: 70, stride: 8, first: 1, count: 129, after: 1, gap: 0 },
  { nq: 2, stride: 256, first: 0, count: 33, after: 0, gap: 0 },
];

const KINDS: readonly Rows[] = ['ordinary', 'extremes', 'few'];

function scanCase(shape: (typeof shapes)[number], form: number, rows: Rows, offset: number) {
  const { nq, stride, first, count, after, gap } = shape;
  const random = randomFrom(offset);
  const n = first + count + after;
  const own = new Uint32Array(makeTables(form, nq, stride, rows, random).buffer);
  const tableWords = own.length / nq + gap;
  const tables = new Uint32Array(nq * tableWords).fill(0xffffffff);
  for (let q = 0; q < nq; q++) tables.set(own.subarray((q * own.length) / nq, ((q + 1) * own.length) / nq), q * tableWords);
  return {
    name: JSON.stringify({ ...shape, form, rows }),
    params: { nq, form, stride, tableWords, first, count },
    arrays: {
      tables,
      codes: makePqCodes(n, stride, rows, random),
      mask: Uint32Array.from({ length: Math.ceil(n / 32) }, (_, i) => (i % 3 ? random.int(0, 2 ** 32 - 1) : 0xffffffff)),
      keys: new Int32Array(nq * count).fill(-999),
    },
  };
}

kernelContract(
  pqScan,
  shapes.flatMap((shape, i) => [FORMS.pq8, FORMS.pq4].flatMap((form) => KINDS.map((rows, j) => scanCase(shape, form, rows, 10 * i + j)))),
);
