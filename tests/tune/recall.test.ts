import { describe, expect, it } from 'vitest';
import { percentile, recallOf, recallOfLabels } from '../../src/tune/recall.ts';

const found = (k: number, labels: number[], distances: number[]) => ({
  k,
  labels: Int32Array.from(labels),
  distances: Float32Array.from(distances),
});
const truth = (...distances: number[]) => Float32Array.from(distances);

describe('recall', () => {
  it('is 1 for the true rows', () => {
    expect(recallOf(found(2, [3, 4, 5, 6], [1, 2, 3, 4]), truth(1, 2, 3, 4))).toEqual({ recall: 1, hits: 4, possible: 4, missed: 0 });
  });

  it('counts rows beyond the k-th true distance as misses', () => {
    expect(recallOf(found(2, [3, 9, 5, 9], [1, 2.5, 3, 4.5]), truth(1, 2, 3, 4))).toEqual({ recall: 0.5, hits: 2, possible: 4, missed: 2 });
  });

  it('counts ties with the k-th row as hits, whichever rows they are', () => {
    expect(recallOf(found(3, [8, 7, 9], [1, 2, 2]), truth(1, 2, 2)).recall).toBe(1);
    expect(recallOf(found(2, [100, 200], [0, 0]), truth(0, 0)).recall).toBe(1); // duplicates everywhere
  });

  it('does not count a label twice', () => {
    expect(recallOf(found(3, [8, 8, 8], [1, 1, 1]), truth(1, 2, 3))).toMatchObject({ hits: 1, possible: 3 });
  });

  it('has no hits in padding, and asks for no more than there is', () => {
    expect(recallOf(found(3, [5, -1, -1], [1, Infinity, Infinity]), truth(1, 2, Infinity))).toEqual({
      recall: 0.5,
      hits: 1,
      possible: 2,
      missed: 1,
    });
    expect(recallOf(found(3, [5, 6, -1], [1, 2, Infinity]), truth(1, 2, Infinity)).recall).toBe(1);
    expect(recallOf(found(1, [-1], [Infinity]), truth(Infinity))).toEqual({ recall: 1, hits: 0, possible: 0, missed: 0 });
  });

  it('takes truth in any order, and negative distances', () => {
    expect(recallOf(found(2, [1, 2], [-5, -4]), truth(-4, -5)).recall).toBe(1);
  });

  it('tells distances apart that differ in the last bit', () => {
    const above = Math.fround(1 + 2 ** -23);
    expect(recallOf(found(1, [1], [above]), truth(1)).recall).toBe(0);
    expect(recallOf(found(1, [1], [1]), truth(above)).recall).toBe(1);
  });

  it('refuses another shape', () => {
    expect(() => recallOf(found(2, [1, 2], [1, 2]), truth(1))).toThrow('truth has 1 distances for 2 results');
  });
});

describe('recall by labels', () => {
  const labels = (k: number, ...rows: number[]) => ({ k, labels: Int32Array.from(rows) });

  it('counts the labels that both have, of the first k', () => {
    const answer = found(2, [3, 4, 5, 6], [0, 0, 0, 0]);
    expect(recallOfLabels(answer, labels(3, 4, 3, 9, 6, 7, 5))).toEqual({ recall: 0.75, hits: 3, possible: 4, missed: 1 });
  });

  it('counts a label once, and no padding', () => {
    expect(recallOfLabels(found(3, [8, 8, -1], [0, 0, 0]), labels(3, 8, 2, -1))).toEqual({ recall: 0.5, hits: 1, possible: 2, missed: 1 });
    expect(recallOfLabels(found(1, [-1], [0]), labels(1, -1)).recall).toBe(1);
  });
});

describe('percentile', () => {
  it('is the value at the nearest rank', () => {
    const values = [5, 1, 4, 2, 3];
    expect([0, 0.2, 0.21, 0.5, 0.99, 1].map((p) => percentile(values, p))).toEqual([1, 1, 2, 3, 5, 5]);
    expect(values).toEqual([5, 1, 4, 2, 3]);
    expect(percentile([7], 0.5)).toBe(7);
  });

  it('needs values', () => expect(() => percentile([], 0.5)).toThrow('no values'));
});
