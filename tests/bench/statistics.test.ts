import { describe, expect, it } from 'vitest';
import { agreement, differing } from '../../bench/agreement.ts';
import { threadCounts } from '../../bench/contenders.ts';
import { intrinsicDimension, quantile, ratios, summarise } from '../../bench/statistics.ts';
import { spread, table, three } from '../../bench/table.ts';
import { clustered } from '../../src/tune/clustered.ts';

describe('quantile', () => {
  it('interpolates between neighbours', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([3, 1, 2], 0.5)).toBe(2);
    expect(quantile([0, 10], 0.99)).toBeCloseTo(9.9);
    expect(quantile([7], 0.99)).toBe(7);
    expect(quantile([], 0.5)).toBeNaN();
  });

  it('leaves its argument in order', () => {
    const samples = [3, 1, 2];
    expect(summarise(samples)).toEqual({ median: 2, min: 1, max: 3 });
    expect(samples).toEqual([3, 1, 2]);
  });
});

describe('ratios', () => {
  it('pairs rounds', () => {
    expect(ratios([2, 6], [1, 2])).toEqual([2, 3]);
    expect(() => ratios([1], [1, 2])).toThrow('do not pair up');
  });
});

describe('intrinsicDimension', () => {
  it('finds the dimension of points spread evenly in a ball', () => {
    const [k, dim] = [100, 7];
    // the i-th of k nearest lies where the ball holds i / k of the points
    const distances = Float64Array.from({ length: 3 * k }, (_, i) => (((i % k) + 1) / k) ** (1 / dim));
    expect(intrinsicDimension(distances, k)).toBeGreaterThan(6);
    expect(intrinsicDimension(distances, k)).toBeLessThan(8);
  });

  it('leaves out queries that say nothing', () => {
    expect(intrinsicDimension([0, 1, 2, 1, 1, 1], 3)).toBeNaN();
  });
});

describe('agreement', () => {
  const set = { name: 'line', metric: 'l2' as const, dim: 1, base: Float32Array.of(0, 1, 2, 3, 1), queries: Float32Array.of(0, 3) };

  it('takes ties of the farthest as hits, and nothing farther', () => {
    expect(agreement(set, Int32Array.of(0, 4, 3, 2), Int32Array.of(0, 1, 3, 2), 2)).toBe(1);
    expect(agreement(set, Int32Array.of(0, 2, 3, 2), Int32Array.of(0, 1, 3, 2), 2)).toBe(0.75);
  });

  it('counts padding', () => {
    expect(agreement(set, Int32Array.of(0, -1, 3, 2), Int32Array.of(0, 1, 3, 2), 2)).toBe(0.75);
  });
});

it('differing looks at labels and at bits of distances', () => {
  const one = { labels: Int32Array.of(1, 2, 3, 4), distances: Float32Array.of(0, 1, 2, 3) };
  expect(differing(one, one, 2)).toBe(0);
  expect(differing(one, { ...one, distances: Float32Array.of(-0, 1, 2, 3) }, 2)).toBe(1);
  expect(differing(one, { ...one, labels: Int32Array.of(1, 2, 4, 3) }, 2)).toBe(1);
});

it('clustered data are the same for the same seed, with members of the same clusters as queries', () => {
  const { base, queries } = clustered(1000, 10, 16, 3);
  expect(clustered(1000, 10, 16, 3).base).toEqual(base);
  expect(clustered(1000, 10, 16, 4).base).not.toEqual(base);
  expect([base.length, queries.length]).toEqual([16000, 160]);
  expect(base.every(Number.isFinite)).toBe(true);
});

it('threadCounts takes numbers and all, each once', () => {
  expect(threadCounts('1,3,1')).toEqual([1, 3]);
  expect(threadCounts('all')[0]).toBeGreaterThan(0);
  expect(() => threadCounts('0')).toThrow('≥ 1');
  expect(() => threadCounts('many')).toThrow('≥ 1');
});

it('tables line up', () => {
  expect(table(['a', 'b'], [['one', '1']])).toBe('a    b\n───  ─\none  1');
  expect([three(1234.5), three(12.345), three(0.0012345), three(0), three(Number.NaN)]).toEqual(['1235', '12.3', '0.00123', '0', '–']);
  expect(spread({ median: 2, min: 1, max: 3 })).toBe('2.00 (1.00–3.00)');
});
