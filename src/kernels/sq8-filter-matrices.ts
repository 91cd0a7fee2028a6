/**
 * When 8-bit matrices of subgroups may scan: sums of 8-bit products are exact whatever adds them up, so what has to be shown on a device is
 * that matrices lie in memory as the shader takes them to. Every dot product of the trials is f(query) + g(row) by the choice of codes;
 * g is the row's term and f the query's threshold, so all pairs are kept, and in the second trial, with thresholds one higher, none. A
 * sum that is off by one in either direction shows.
 */
import { randomUniforms } from '../util/random.ts';
import type { Experiment, Trial } from './kernel.ts';
import { BLOCK_ROWS, panelWord } from './panels.ts';

/** Sizes that fill no tile: 64 queries, 128 rows, 64 dimensions. */
const NQ = 70;
const WORDS = 21;
const BLOCKS = 3;

export const matrixExperiment: Experiment = {
  feature: 'chromium-experimental-subgroup-matrix',
  suits: ({ QUERY_PANELS, BLOCKS: blocks }) => QUERY_PANELS === 16 && blocks === 2,
  trials: () => [trial(0), trial(1)],
  inOrder: ({ pairs, count }) => {
    const n = Math.min(count![0]!, pairs!.length / 2); // a device that fails may count anything
    return [count![0]!, ...Array.from({ length: n }, (_, i) => pairs![2 * i]! * 2 ** 24 + pairs![2 * i + 1]!).sort((a, b) => a - b)];
  },
};

/** Thresholds are `above` what every pair reaches. */
function trial(above: number): Trial {
  const random = randomUniforms(1);
  const rows = BLOCKS * BLOCK_ROWS;
  const queries = new Int8Array(NQ_PADDED * 4 * WORDS);
  const codes = new Int8Array(rows * 4 * WORDS);
  const reached = new Int32Array(NQ);
  const rowTerms = new Int32Array(rows);
  for (let j = 0; j < 4 * WORDS; j++) {
    // In half of the dimensions all rows have one code, in the others all queries.
    const byQuery = random() < 0.5;
    const one = extreme(random, -128);
    const shared = extreme(random, 0);
    for (let q = 0; q < NQ; q++) {
      const value = byQuery ? extreme(random, 0) : shared;
      queries[byteOf(q, j)] = value;
      if (byQuery) reached[q]! += value * one;
    }
    for (let row = 0; row < rows; row++) {
      const value = byQuery ? one : extreme(random, -128);
      codes[byteOf(row, j)] = value;
      if (!byQuery) rowTerms[row]! += value * shared;
    }
  }
  const bounds = new Uint32Array(4 * NQ_PADDED);
  for (const [q, sum] of reached.entries()) bounds[4 * q] = sum + 1 + above; // the least reach is 1
  const arrays = {
    ...{ queries, codes, rowTerms, bounds, slacks: new Uint32Array(rows), mask: new Uint32Array(rows / 32).fill(0xffffffff) },
    ...{ pairs: new Uint32Array(2 * NQ * rows), count: new Uint32Array(1) },
  };
  return { params: { nq: NQ, words: WORDS, form: 1, step: 1, skip: 0, first: 0, blocks: BLOCKS, capacity: NQ * rows }, arrays };
}

const NQ_PADDED = 4 * Math.ceil(NQ / 4);

function byteOf(row: number, j: number): number {
  return 4 * panelWord(row, j >> 2, WORDS) + (j & 3);
}

/** From `least` to 127, either often. */
function extreme(random: () => number, least: number): number {
  const which = random();
  if (which < 0.2) return least;
  return which < 0.4 ? 127 : least + Math.floor(random() * (128 - least));
}
