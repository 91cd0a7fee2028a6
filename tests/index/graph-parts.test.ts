/** The small parts that a graph is kept and built with, against models written apart from them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupByTarget } from '../../src/index/graph-reverse.ts';
import { insertionOrder, levelOf, MOST_LEVEL } from '../../src/index/hnsw-levels.ts';
import { States } from '../../src/index/states.ts';
import { NONE } from '../../src/kernels/graph.ts';
import { seed } from '../contract/data.ts';

const U32 = 2n ** 32n;

/** splitmix32's finaliser over BigInts, and the hash of a seed and a number by it. */
function mixed(state: bigint): bigint {
  let z = state;
  z = ((z ^ (z >> 16n)) * 0x21f0aaadn) % U32;
  z = ((z ^ (z >> 15n)) * 0x735a2d97n) % U32;
  return z ^ (z >> 15n);
}
const hashOf = (of: number, salt: bigint, n: number) => mixed((mixed(BigInt(of) ^ salt) + BigInt(n) * 0x9e3779b9n) % U32);

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const serials = fc.oneof(fc.nat(1000), fc.nat(2 ** 31 - 1), fc.integer({ min: 2 ** 31, max: 2 ** 52 }));

describe('levelOf', () => {
  it('is the largest l with hash < ⌊2^32 / M^l⌋', () => {
    fc.assert(
      fc.property(seeds, serials, fc.integer({ min: 2, max: 128 }), (of, serial, M) => {
        const hash = hashOf(of, 0x1ef5a11dn, serial);
        let level = 0;
        while (level < MOST_LEVEL && hash < U32 / BigInt(M) ** BigInt(level + 1)) level++;
        expect(levelOf(of, serial, M)).toBe(level);
      }),
      { seed, numRuns: 3000 },
    );
  });

  it.each([2, 5, 16, 64])('leaves a share of 1 / M^l on level l and above, M = %i', (M) => {
    const n = 100_000;
    const counts = new Array<number>(MOST_LEVEL + 1).fill(0);
    for (let serial = 0; serial < n; serial++) for (let l = levelOf(seed >>> 0, serial, M); l > 0; l--) counts[l]!++;
    for (let l = 1; n / M ** l >= 1; l++) {
      const expected = n / M ** l;
      expect(Math.abs(counts[l]! - expected), `level ${l}`).toBeLessThan(6 * Math.sqrt(expected) + 1);
    }
  });

  it('never changes: graphs in files stand on it', () => {
    expect(Array.from({ length: 40 }, (_, serial) => levelOf(7, serial, 3)).join('')).toBe('1010002101020010001000010000302021030010');
  });
});

describe('insertionOrder', () => {
  it('takes every sixteenth row first, and each row once', () => {
    expect([...insertionOrder(5, 0)]).toEqual([]);
    expect([...insertionOrder(5, 19)]).toEqual([5, 21, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 23]);
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(500), (first, count) => {
        const sorted = insertionOrder(first, count).sort();
        expect([...sorted]).toEqual(Array.from({ length: count }, (_, i) => first + i));
      }),
      { seed, numRuns: 100 },
    );
  });
});

describe('groupByTarget', () => {
  it('turns links around', () => {
    const count = 40;
    const node = fc.nat(count - 1);
    const chosen = fc.uniqueArray(node, { maxLength: 6 });
    fc.assert(
      fc.property(fc.uniqueArray(node, { maxLength: 30 }), fc.array(chosen, { minLength: 30, maxLength: 30 }), (unsorted, lists) => {
        const nodes = unsorted.toSorted((a, b) => a - b);
        const width = 6;
        const links = new Uint32Array(nodes.length * width).fill(NONE);
        const model = new Map<number, number[]>();
        for (const [i, from] of nodes.entries()) {
          links.set(lists[i]!, i * width);
          for (const to of lists[i]!) model.set(to, [...(model.get(to) ?? []), from]);
        }
        const { targets, offsets, sources, largest } = groupByTarget(Uint32Array.from(nodes), links, width, count);
        expect([...targets]).toEqual([...model.keys()]);
        const groups = Array.from(targets, (_, i) => [...sources.subarray(offsets[i], offsets[i + 1])]);
        expect(groups).toEqual([...model.values()]);
        expect(offsets[0]).toBe(0);
        expect(offsets.at(-1)).toBe(sources.length);
        expect(largest).toBe(Math.max(0, ...groups.map((group) => group.length)));
      }),
      { seed, numRuns: 500 },
    );
  });
});

describe('States', () => {
  type Step =
    | { readonly kind: 'acquire' }
    | { readonly kind: 'replace'; readonly garbage: number }
    | { readonly kind: 'release'; at: number };
  const steps = fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('acquire' as const) }),
      fc.record({ kind: fc.constant('replace' as const), garbage: fc.nat(3) }),
      fc.record({ kind: fc.constant('release' as const), at: fc.nat(20) }),
    ),
    { maxLength: 60 },
  );

  interface Reader {
    readonly state: number;
    readonly release: () => void;
    held: boolean;
  }

  /** Garbage of state i goes when i is no longer current and nobody reads it or one before it, and never twice. */
  function play(list: readonly Step[]): void {
    const states = new States(0);
    const readers: Reader[] = [];
    const disposed: number[][] = [];
    let current = 0;
    for (const step of list) {
      if (step.kind === 'acquire') {
        const { state, release } = states.acquire();
        expect(state).toBe(current);
        readers.push({ state, held: true, release });
      } else if (step.kind === 'replace') {
        const times = new Array<number>(step.garbage).fill(0);
        disposed.push(times);
        const garbage = times.map((_, i) => ({ [Symbol.dispose]: () => void times[i]!++ }));
        states.replace(++current, garbage);
      } else if (readers.length > 0) {
        const reader = readers[step.at % readers.length]!; // some are released twice
        reader.release();
        reader.held = false;
      }
      expect(states.current).toBe(current);
      const oldest = Math.min(current, ...readers.filter(({ held }) => held).map(({ state }) => state));
      for (const [state, times] of disposed.entries()) {
        expect(times, `garbage of ${state}`).toEqual(times.map(() => Number(state < oldest)));
      }
    }
  }

  it('let go of what only older states use, when nobody reads those', () => {
    fc.assert(fc.property(steps, play), { seed, numRuns: 500 });
  });
});
