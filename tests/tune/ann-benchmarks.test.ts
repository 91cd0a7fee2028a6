/** Recall by ann-benchmarks' definition, beside one that is written otherwise: by sorting hits query by query. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { annRecall, PAIR_DISTANCES } from '../../src/tune/ann-benchmarks.ts';

const f32 = (...values: number[]) => Float32Array.from(values);

describe('annRecall', () => {
  it('allows a thousandth beyond the k-th true distance, or 1 % or 10 % of it', () => {
    const truth = f32(0.5, 1, 1.5); // k = 2, so 1 counts
    const recallOf = (found: number) => annRecall({ k: 2, found: f32(0.5, found), truth, columns: 3 });
    expect(recallOf(1.0009)).toEqual({ recall: 1, epsilon01: 1, epsilon10: 1 });
    expect(recallOf(1.002)).toEqual({ recall: 0.5, epsilon01: 1, epsilon10: 1 });
    expect(recallOf(1.05)).toEqual({ recall: 0.5, epsilon01: 0.5, epsilon10: 1 });
    expect(recallOf(1.2)).toEqual({ recall: 0.5, epsilon01: 0.5, epsilon10: 0.5 });
    expect(recallOf(Infinity).recall).toBe(0.5);
    expect(recallOf(Number.NaN).recall).toBe(0.5);
  });

  it('is what another way of counting gives', () => {
    const distance = fc.integer({ min: 0, max: 3000 }).map((thousandths) => Math.fround(thousandths / 1000));
    const queries = fc.integer({ min: 1, max: 6 }).chain((k) =>
      fc.record({
        k: fc.constant(k),
        rows: fc.array(
          fc.record({
            found: fc.array(distance, { minLength: k, maxLength: k }),
            truth: fc.array(distance, { minLength: k + 2, maxLength: k + 2 }).map((values) => values.sort((a, b) => a - b)),
          }),
          { minLength: 1, maxLength: 5 },
        ),
      }),
    );
    fc.assert(
      fc.property(queries, ({ k, rows }) => {
        const share = (limit: (kth: number) => number) => {
          const hits = rows.map(({ found, truth }) => [...found].sort((a, b) => a - b).findIndex((value) => value > limit(truth[k - 1]!)));
          return hits.reduce((sum, first) => sum + (first < 0 ? k : first), 0) / (k * rows.length);
        };
        const [found, truth] = [f32(...rows.flatMap((row) => row.found)), f32(...rows.flatMap((row) => row.truth))];
        const { recall, epsilon01, epsilon10 } = annRecall({ k, found, truth, columns: k + 2 });
        expect(recall).toBeCloseTo(
          share((kth) => kth + 0.001),
          12,
        );
        expect(epsilon01).toBeCloseTo(
          share((kth) => kth * 1.01),
          12,
        );
        expect(epsilon10).toBeCloseTo(
          share((kth) => kth * 1.1),
          12,
        );
      }),
    );
  });
});

describe('distances of pairs', () => {
  it.each([
    ['euclidean', [3, 0], [0, 4], 5],
    ['angular', [1, 0], [1, 1], 1 - Math.SQRT1_2],
    ['angular', [2, 0], [-5, 0], 2],
    ['hamming', [1, 0, 1, 0], [1, 1, 0, 0], 0.5],
    ['dot', [1, 2], [3, 4], -11],
  ] as const)('%s of %j and %j', (name, a, b, expected) => {
    expect(PAIR_DISTANCES[name](f32(...a), f32(...b))).toBeCloseTo(expected, 12);
  });

  it('by angle of zeros are none', () => expect(PAIR_DISTANCES.angular(f32(0, 0), f32(1, 0))).toBeNaN());
});
