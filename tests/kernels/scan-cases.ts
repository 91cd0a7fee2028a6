/** Inputs shared by the scanning kernels: random codes with the extremes planted, and a mask with holes. */
import { passBlock } from '../../src/kernels/panels.ts';
import { randomFrom } from '../contract/data.ts';

export interface ScanShape {
  nq: number;
  words: number;
  step: number;
  skip: number;
  first: number;
  blocks: number;
}

export function scanCase(shape: ScanShape, offset: number) {
  const random = randomFrom(offset);
  const { nq, words, step, skip, first, blocks } = shape;
  const n = (passBlock(first + blocks - 1, step, skip) + 1) * 64;
  const width = words * 4;
  const queries = Int8Array.from({ length: Math.ceil(nq / 4) * 4 * width }, () => random.int(0, 127));
  const codes = Int8Array.from({ length: n * width }, () => random.int(-128, 127));
  queries.fill(127, 0, Math.min(queries.length, 4 * width)); // the largest products
  codes.fill(-128, 0, 4 * width);
  const rowTerms = Int32Array.from({ length: n }, () => random.int(-(2 ** 20), 2 ** 20));
  const mask = Uint32Array.from({ length: n / 32 }, () => random.int(0, 2 ** 32 - 1));
  return { n, width, random, arrays: { queries, codes, rowTerms, mask } };
}
