/** Probed lists are those of the nearest centroids by canonical distances, whatever the grid cannot tell apart. */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Coarse } from '../../src/index/coding/coarse.ts';
import { type CoarsePlan, centroidVectors } from '../../src/index/coding/coarse-plan.ts';
import { bitsFor, integerGrid, packValues, splitOf, toGrid } from '../../src/index/coding/integer-grid.ts';
import { openEngine } from '../../src/node.ts';
import { type Kind, kinds, makeVectors, randomFrom, seed } from '../contract/data.ts';
import { ranked, rowsOf } from '../contract/oracle.ts';

const engines = [
  { name: 'reference', engine: openEngine({ prefer: 'reference' }) },
  { name: 'cpu', engine: openEngine({ prefer: 'cpu', threads: 2 }) },
];
afterAll(async () => {
  for (const { engine } of engines) (await engine).close();
});

/** Centroids at given rows, on a grid of so many bits. */
function planOf(rows: Float32Array, dim: number, bits: number): CoarsePlan {
  const grid = integerGrid(rows, dim, bits, true);
  const packed = packValues(toGrid(rows, grid), dim, splitOf(dim, 1));
  return { nlist: rows.length / dim, grid, values: new Int16Array(packed.buffer) };
}

interface Asked {
  readonly kind: Kind;
  readonly metric: 'l2' | 'ip' | 'cosine';
  readonly dim: number;
  readonly nlist: number;
  readonly nprobe: number;
  readonly bits: number;
  /** How far queries are from centroids, and how many times as far from zero. */
  readonly off: number;
  readonly stretch: number;
}

const asked: fc.Arbitrary<Asked> = fc.record({
  kind: fc.constantFrom(...kinds),
  metric: fc.constantFrom('l2', 'ip', 'cosine'),
  dim: fc.integer({ min: 1, max: 40 }),
  nlist: fc.integer({ min: 1, max: 70 }),
  nprobe: fc.integer({ min: 1, max: 70 }),
  bits: fc.integer({ min: 2, max: 14 }),
  off: fc.constantFrom(0, 0, 1e-3, 0.5),
  stretch: fc.constantFrom(1, 1, 1.5, 1000, 1e-6, 0),
});

async function expectNearest(engine: Awaited<(typeof engines)[number]['engine']>, one: Asked): Promise<number> {
  const { kind, metric, dim, nlist, off, stretch } = one;
  const nprobe = Math.min(one.nprobe, nlist);
  const plan = planOf(makeVectors(kind, nlist, dim), dim, Math.min(one.bits, bitsFor(dim)));
  const centroids = rowsOf(centroidVectors(plan), dim).map((vector, label) => ({ label, vector }));
  const random = randomFrom(dim);
  const queries = Float32Array.from({ length: 6 * dim }, (_, i) => {
    const at = centroids[Math.floor(i / dim) % nlist]!.vector[i % dim]!;
    return stretch * (at + off * random.normal() * (Math.abs(at) + 1));
  }).map((x) => (Number.isFinite(x) ? x : 0));
  using coarse = await Coarse.open(engine, plan, metric);
  const found = await coarse.probe(queries, nprobe);
  for (const [q, query] of rowsOf(queries, dim).entries()) {
    const right = ranked(metric === 'ip' ? 'ip' : 'l2', centroids, query).slice(0, nprobe);
    const lists = [...found.subarray(q * nprobe, (q + 1) * nprobe)].sort((a, b) => a - b);
    expect(lists, `query ${q}`).toEqual(right.map(({ label }) => label).sort((a, b) => a - b));
  }
  return found.length;
}

describe('probed lists', () => {
  for (const { name, engine } of engines) {
    it(`are those of the nearest centroids (${name}, seed ${seed})`, { timeout: 120_000 }, async () => {
      const opened = await engine;
      await fc.assert(
        fc.asyncProperty(asked, async (one) => {
          await expectNearest(opened, one);
        }),
        { numRuns: 150, seed },
      );
    });
  }

  it('are found among many that the grid cannot tell apart', async () => {
    const opened = await engines[1]!.engine;
    for (const metric of ['l2', 'ip'] as const) {
      const one = { kind: 'duplicates', metric, dim: 8, nlist: 700, nprobe: 40, bits: 2, off: 0.5, stretch: 1 } as const;
      expect(await expectNearest(opened, one)).toBe(6 * 40);
    }
  });
});
