/** Frontiers and choices against their definitions. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OperatingPoint } from '../../src/index/tuned.ts';
import { bestFor, costOf, frontier, OBJECTIVES, type Wish } from '../../src/tune/operating-points.ts';
import { seed } from '../contract/data.ts';

const few = fc.integer({ min: 1, max: 6 });

/** Few values, so that there are ties. */
const point: fc.Arbitrary<OperatingPoint> = fc.tuple(few, few, few, few, few, fc.nat()).map(([recall, p99, rate, memory, build, id]) => ({
  build: { description: `HNSW${id}`, config: {} },
  search: { efSearch: id },
  recall: recall / 6,
  recallInterval: [recall / 7, recall / 6],
  latency: { p50: p99 / 3, p95: p99 / 2, p99 },
  qps: { 1: rate, 16: rate * 2 },
  buildSeconds: build,
  memory: { codes: memory },
  memoryBytes: memory,
}));

const wish: fc.Arbitrary<Wish> = fc.record(
  {
    minRecall: few.map((x) => x / 6),
    maxP99: few,
    maxMemory: few,
    maxBuild: few,
    objective: fc.constantFrom(...OBJECTIVES),
  },
  { requiredKeys: [] },
);

const points = fc.array(point, { maxLength: 12 });

const meets = (one: OperatingPoint, { minRecall = 0, maxP99 = Infinity, maxMemory = Infinity, maxBuild = Infinity }: Wish) =>
  one.recall >= minRecall && one.latency.p99 <= maxP99 && one.memoryBytes <= maxMemory && one.buildSeconds <= maxBuild;

describe(`operating points (seed ${seed})`, () => {
  it('on the frontier are beaten by none, and whatever is not there is matched or beaten by one that is', () => {
    fc.assert(
      fc.property(points, fc.constantFrom(...OBJECTIVES), (all, objective) => {
        const cost = (one: OperatingPoint) => costOf(one, objective);
        const beats = (a: OperatingPoint, b: OperatingPoint) =>
          a.recall >= b.recall && cost(a) <= cost(b) && (a.recall > b.recall || cost(a) < cost(b));
        const kept = frontier(all, objective);
        for (const one of kept) expect(all.some((other) => beats(other, one))).toBe(false);
        for (const one of all) expect(kept.some((other) => other.recall >= one.recall && cost(other) <= cost(one))).toBe(true);
        for (const [i, one] of kept.entries()) if (i > 0) expect(one.recall).toBeGreaterThan(kept[i - 1]!.recall);
        expect(frontier(kept, objective)).toEqual(kept);
      }),
      { seed },
    );
  });

  it('that are chosen meet the wish at the least cost; where none does the nearest is told with what it misses', () => {
    fc.assert(
      fc.property(points, wish, (all, asked) => {
        const { best, nearest, missed } = bestFor(all, asked);
        const meeting = all.filter((one) => meets(one, asked));
        if (meeting.length > 0) {
          expect(nearest).toBeUndefined();
          expect(meets(best!, asked)).toBe(true);
          const objective = asked.objective ?? 'p99';
          expect(costOf(best!, objective)).toBe(Math.min(...meeting.map((one) => costOf(one, objective))));
          return;
        }
        expect(best).toBeUndefined();
        expect(nearest === undefined).toBe(all.length === 0);
        if (nearest) expect(missed.length).toBeGreaterThan(0);
      }),
      { seed },
    );
  });
});
