import { sq8Filter } from '../../src/kernels/sq8-filter.ts';
import { kernelContract } from '../contract/kernel.ts';
import { type ScanShape, scanCase } from './scan-cases.ts';

const shapes: ScanShape[] = [
  { nq: 1, words: 1, step: 1, skip: 0, first: 0, blocks: 2 },
  { nq: 5, words: 16, step: 1, skip: 0, first: 0, blocks: 7 },
  { nq: 7, words: 25, step: 4, skip: 1, first: 2, blocks: 5 },
  { nq: 70, words: 9, step: 2, skip: 1, first: 0, blocks: 4 },
  { nq: 64, words: 11, step: 1, skip: 0, first: 0, blocks: 3 },
  { nq: 2, words: 1024, step: 1, skip: 0, first: 0, blocks: 1 },
];

/** Codes and bounds as an index makes them, so that sums of squares are sums of squares. */
function filterCase(shape: ScanShape, form: number, capacity: number, offset: number) {
  const { n, width, random, arrays } = scanCase(shape, offset);
  const { queries, codes, mask } = arrays;
  const rowTerms = new Int32Array(n);
  const codeOf = (row: number, j: number) => codes[((row >> 2) * shape.words + (j >> 2)) * 16 + (row & 3) * 4 + (j & 3)]!;
  const queryOf = (q: number, j: number) => queries[((q >> 2) * shape.words + (j >> 2)) * 16 + (q & 3) * 4 + (j & 3)]! - 64;
  for (let row = 0; row < n; row++) {
    let squares = 0;
    let sum = 0;
    for (let j = 0; j < width; j++) {
      squares += codeOf(row, j) ** 2;
      sum += codeOf(row, j);
    }
    rowTerms[row] = form === 0 ? squares + 256 * sum : 64 * sum;
  }
  const slacks = Uint32Array.from({ length: n }, () => (random() < 0.05 ? 65535 : random.int(0, 40)) | (random.int(0, 500) << 16));
  const bounds = new Uint32Array(Math.ceil(shape.nq / 4) * 16);
  for (let q = 0; q < shape.nq; q++) {
    let squares = 0;
    for (let j = 0; j < width; j++) squares += (2 * queryOf(q, j)) ** 2;
    const typical = Math.sqrt(width) * (form === 0 ? 4 * 105 : 30 * 74);
    if (form === 0) bounds.set([squares, q === 0 ? 65535 : Math.floor(typical * (0.6 + 0.4 * random()))], 4 * q);
    else bounds.set([Math.floor((random() * 2 - 0.5) * typical), random.int(0, 4097), random.int(0, 600)], 4 * q);
  }
  return {
    name: JSON.stringify({ ...shape, form, capacity }),
    params: { ...shape, form, capacity },
    arrays: { queries, codes, rowTerms, slacks, mask, bounds, pairs: new Uint32Array(2 * capacity), count: new Uint32Array(1) },
  };
}

const roomy = shapes.flatMap((shape, i) => [0, 1].map((form) => filterCase(shape, form, shape.nq * shape.blocks * 64, i)));

kernelContract(sq8Filter, roomy, ({ pairs, count }) => {
  const used = pairs!.subarray(0, 2 * count![0]!);
  const keys = Array.from({ length: count![0]! }, (_, i) => used[2 * i]! * 2 ** 24 + used[2 * i + 1]!).sort((a, b) => a - b);
  return { count: count!, pairs: Float64Array.from(keys) };
});

// Too little room: the count still tells how much there would have been, and nothing is written past the end.
kernelContract(sq8Filter, [filterCase(shapes[1]!, 0, 8, 1), filterCase(shapes[3]!, 1, 8, 3)], ({ count }) => ({ count: count! }));
