/** Percentiles of histograms beside those of the sorted numbers themselves. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Timings } from '../../src/util/timings.ts';

const ms = fc.array(fc.double({ min: 0.001, max: 1e5, noNaN: true }), { minLength: 1, maxLength: 300 });

/** The smallest number that a share of all is at most. */
function nearestRank(all: readonly number[], share: number): number {
  const sorted = [...all].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

function of(all: readonly number[]): Timings {
  const timings = new Timings();
  for (const one of all) timings.record(one);
  return timings;
}

describe('timings', () => {
  it('are 0 of nothing', () => expect(new Timings().summary).toEqual({ count: 0, p50: 0, p95: 0, p99: 0, max: 0 }));

  it('are within 1 % of the truth, or 0.1 µs', () => {
    fc.assert(
      fc.property(ms, (all) => {
        const { count, ...found } = of(all).summary;
        expect(count).toBe(all.length);
        for (const [name, share] of [
          ['p50', 0.5],
          ['p95', 0.95],
          ['p99', 0.99],
          ['max', 1],
        ] as const) {
          const right = nearestRank(all, share);
          expect(Math.abs(found[name] - right), `${name} of ${all.length}`).toBeLessThanOrEqual(Math.max(0.01 * right, 1e-4));
        }
      }),
    );
  });

  it('merged are those of all together', () => {
    fc.assert(
      fc.property(ms, ms, (a, b) => {
        expect(Timings.merged(of(a), of(b), new Timings()).summary).toEqual(of([...a, ...b]).summary);
      }),
    );
  });

  it('count what took equally long at once', () => {
    const timings = new Timings();
    timings.record(2, 5);
    for (let i = 0; i < 5; i++) timings.record(1);
    expect(timings.summary).toMatchObject({ count: 10, max: expect.closeTo(2, 1) });
    expect(timings.summary.p50).toBeCloseTo(1, 1);
  });
});
