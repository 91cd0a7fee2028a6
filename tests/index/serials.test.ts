/** Serials are those of rows, whether they take memory or not. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Serials } from '../../src/index/serials.ts';
import { seed } from '../contract/data.ts';

type Change =
  | { readonly kind: 'append'; readonly n: number; readonly gap: number }
  | { readonly kind: 'leave out'; readonly every: number };

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), n: fc.integer({ min: 0, max: 20 }), gap: fc.constantFrom(0, 0, 3) }),
  fc.record({ kind: fc.constant('leave out' as const), every: fc.integer({ min: 1, max: 5 }) }),
);

const all = (serials: Serials, count: number) => Array.from({ length: count }, (_, row) => serials.at(row));

describe('serials', () => {
  it(`follow rows that come and go (seed ${seed})`, () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        let right: number[] = [];
        let serials = Serials.none;
        let next = 0;
        for (const one of changes) {
          const [before, old] = [serials, right];
          if (one.kind === 'append') {
            next += one.gap;
            serials = serials.appended(right.length, next, one.n);
            right = [...right, ...Array.from({ length: one.n }, (_, i) => next + i)];
            next += one.n;
          } else {
            const rows = Uint32Array.from(right.keys()).filter((row) => row % one.every > 0);
            serials = Serials.of(serials.pick(rows));
            right = Array.from(rows, (row) => old[row]!);
          }
          expect(all(serials, right.length)).toEqual(right);
          expect(all(before, old.length), 'what searches may still read').toEqual(old);
        }
      }),
      { seed },
    );
  });

  it('take memory only where they are not consecutive', () => {
    const two = Serials.none.appended(0, 7, 3).appended(3, 10, 2);
    expect([all(two, 5), two.byteLength]).toEqual([[7, 8, 9, 10, 11], 0]);
    const gap = two.appended(5, 20, 1);
    expect(all(gap, 6)).toEqual([7, 8, 9, 10, 11, 20]);
    expect(gap.byteLength).toBeGreaterThanOrEqual(24);
    expect(Serials.of(Uint32Array.of(4, 5, 6)).byteLength).toBe(0);
    expect(Serials.of(Uint32Array.of(4, 6)).byteLength).toBe(8);
    expect(Serials.of(new Uint32Array(0)).appended(0, 3, 1).at(0)).toBe(3);
  });
});
