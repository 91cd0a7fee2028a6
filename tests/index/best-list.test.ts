import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BestList } from '../../src/index/best-list.ts';
import { seed } from '../contract/data.ts';

const bits = (x: Float32Array) => [...new Uint32Array(x.buffer)];

/** Few distinct distances, so that ties abound, and the extremes. */
const distance = fc.oneof(
  fc.constantFrom(0, 1, 1, 2, -1, 2 ** -149, -(2 ** -149), 3.4028234663852886e38, -3.4028234663852886e38),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0),
);

describe('BestList', () => {
  it('holds the k first of the sorted candidates, whatever order they come in', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.array(distance, { maxLength: 120 }), fc.integer(), (k, distances, shuffle) => {
        const candidates = distances.map((d, i) => ({ distance: d, label: (i * 7919 + shuffle) & 0x7fffffff }));
        const sorted = [...candidates].sort((a, b) => a.distance - b.distance || a.label - b.label);
        const list = new BestList(k);
        for (const [i, { distance: d, label }] of candidates.entries()) {
          list.push(d, label);
          const soFar = [...candidates.slice(0, i + 1)].sort((a, b) => a.distance - b.distance || a.label - b.label).slice(0, k);
          expect(list.size).toBe(soFar.length);
          expect(list.threshold).toBe(soFar.length < k ? Number.POSITIVE_INFINITY : soFar.at(-1)!.distance);
          expect(list.has(label)).toBe(soFar.some((one) => one.label === label));
        }
        const labels = new Int32Array(k + 4).fill(7);
        const out = new Float32Array(k + 4).fill(7);
        list.writeTo(labels, out, 2);
        const best = sorted.slice(0, k);
        const padding = k - best.length;
        expect([...labels]).toEqual([7, 7, ...best.map(({ label }) => label), ...new Array(padding).fill(-1), 7, 7]);
        const expected = [7, 7, ...best.map((one) => one.distance), ...new Array(padding).fill(Number.POSITIVE_INFINITY), 7, 7];
        expect(bits(out)).toEqual(bits(Float32Array.from(expected)));
      }),
      { seed, numRuns: 300 },
    );
  });
});
