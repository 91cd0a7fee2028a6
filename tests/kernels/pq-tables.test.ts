import { pqTables } from '../../src/kernels/pq-tables.ts';
import { randomFrom } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';
import { pairWords, type Spread, squaresOf } from './pq-cases.ts';

interface Shape {
  nq: number;
  m: number;
  pairs: number;
  ksub: number;
  weight?: number;
  leastShift?: number;
}

/** `bits` of the values where the spread is extreme; `odd`: the last word of a subvector holds one value. */
function tablesCase(shape: Shape, spread: Spread, bits = 12, odd = false) {
  const params = { weight: 2, leastShift: 0, ...shape };
  const { nq, m, pairs, ksub } = params;
  const random = randomFrom(nq + m + pairs + ksub);
  const queries = pairWords(random, nq * m * pairs, spread, bits, odd ? pairs : 0);
  const centroids = pairWords(random, m * pairs * ksub, spread, bits);
  return {
    name: JSON.stringify({ ...params, spread, bits, odd }),
    params,
    arrays: {
      queries,
      centroids,
      terms: params.weight === 2 ? squaresOf(centroids, m, pairs, ksub) : new Int32Array(m * ksub),
      tables: new Uint32Array((nq * m * ksub) / 2).fill(0xabcdabcd),
      shifts: new Uint32Array(nq).fill(999),
    },
  };
}

/** The last subquantisers are padding: all zero. */
function padded(one: ReturnType<typeof tablesCase>, subs: number) {
  const { m, pairs, ksub, nq } = one.params;
  const { queries, centroids, terms } = one.arrays;
  for (let q = 1; q <= nq; q++) queries.fill(0, (q * m - subs) * pairs, q * m * pairs);
  centroids.fill(0, (m - subs) * pairs * ksub);
  terms.fill(0, (m - subs) * ksub);
  return { ...one, name: `${one.name}, ${subs} of padding` };
}

kernelContract(pqTables, [
  tablesCase({ nq: 1, m: 4, pairs: 1, ksub: 16 }, 'ordinary'),
  tablesCase({ nq: 70, m: 4, pairs: 3, ksub: 16, leastShift: 9 }, 'ordinary'),
  padded(tablesCase({ nq: 5, m: 8, pairs: 2, ksub: 16, weight: 1 }, 'ordinary', 12, true), 3),
  tablesCase({ nq: 70, m: 8, pairs: 2, ksub: 256 }, 'ordinary'), // shared among threads
  padded(tablesCase({ nq: 3, m: 36, pairs: 1, ksub: 256, leastShift: 9 }, 'few'), 1),
  tablesCase({ nq: 2, m: 36, pairs: 11, ksub: 16, weight: 1 }, 'few'), // no shift
  tablesCase({ nq: 3, m: 4, pairs: 2, ksub: 256 }, 'equal'),
  tablesCase({ nq: 1, m: 8, pairs: 2, ksub: 16, weight: 1, leastShift: 9 }, 'equal'),
  tablesCase({ nq: 4, m: 4, pairs: 1, ksub: 256 }, 'extreme', 14, true),
  tablesCase({ nq: 4, m: 36, pairs: 12, ksub: 16 }, 'extreme', 12),
  tablesCase({ nq: 2, m: 36, pairs: 12, ksub: 256, leastShift: 9 }, 'extreme', 12),
  tablesCase({ nq: 3, m: 8, pairs: 2, ksub: 16, weight: 1 }, 'wrapping'),
  tablesCase({ nq: 1, m: 4, pairs: 2, ksub: 16, leastShift: 31 }, 'wrapping'),
  tablesCase({ nq: 1, m: 4096, pairs: 1, ksub: 16 }, 'extreme', 14, true),
]);
