/** What is true of every graph, whatever the rows and the calls that brought them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Metric, VectorIndex } from '../../src/index/vector-index.ts';
import { type Kind, kinds, makeVectors, seed } from '../contract/data.ts';
import { metrics } from './helpers.ts';
import { engine, hnsw } from './hnsw-fixture.ts';
import { checkInvariants, type ParsedGraph, parseGraph, reachable } from './hnsw-parse.ts';

async function expectSoundGraph(index: { toBytes(): Promise<Uint8Array> }, what = ''): Promise<ParsedGraph> {
  const graph = parseGraph(await index.toBytes());
  checkInvariants(graph);
  expect(reachable(graph).size, `${what}: reachable nodes`).toBe(graph.count);
  return graph;
}

/** Rows that the metric takes. */
const rowsFor = (metric: Metric, kind: Kind, n: number, dim: number, offset: number) => {
  const rows = makeVectors(kind, n, dim, offset);
  if (metric === 'cosine') for (let i = 0; i < n; i++) rows[i * dim] ||= 1;
  return rows;
};

interface Call {
  readonly what: 'add' | 'replace' | 'remove' | 'compact';
  readonly n: number;
  readonly kind: Kind;
}

async function perform(index: VectorIndex, { what, n, kind }: Call, i: number): Promise<void> {
  const rows = rowsFor(index.metric, kind, n, index.dim, i);
  if (what === 'add') await index.add(rows);
  else if (what === 'replace') await index.add(rows, { labels: Array.from({ length: n }, (_, j) => 3 * j) });
  else if (what === 'remove') await index.remove(Array.from({ length: n }, (_, j) => 2 * j + (i % 3)));
  else await index.compact();
}

describe('a graph', () => {
  const calls: fc.Arbitrary<Call> = fc.record({
    what: fc.constantFrom<Call['what']>('add', 'add', 'add', 'replace', 'remove', 'compact'),
    n: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 150 })),
    kind: fc.constantFrom(...kinds),
  });
  const indexes = fc.record({
    metric: fc.constantFrom(...metrics),
    dim: fc.constantFrom(1, 2, 3, 17),
    M: fc.integer({ min: 2, max: 8 }),
    efConstruction: fc.integer({ min: 1, max: 40 }),
    seed: fc.nat(5),
    codec: fc.constantFrom('', ',SQ8'),
  });

  it('keeps its invariants through any calls: degrees, targets, levels, entry, reach', async () => {
    await fc.assert(
      fc.asyncProperty(indexes, fc.array(calls, { minLength: 1, maxLength: 6 }), async ({ M, codec, ...config }, performed) => {
        using index = hnsw(config, `HNSW${M}${codec}`);
        for (const [i, one] of performed.entries()) {
          await perform(index, one, i);
          const graph = await expectSoundGraph(index, `after ${one.what}`);
          expect(graph.live.filter(Boolean).length).toBe(index.size);
          if (one.what === 'compact') expect(graph.count).toBe(index.size);
        }
      }),
      { seed, numRuns: 120 },
    );
    expect(engine.usedBytes).toBe(0);
  });

  it.each([2, 3, 8])('over rows that are all equal, or nearly all, leads everywhere: M %s', async (M) => {
    for (const metric of metrics) {
      for (const [name, vectors] of [
        ['equal', makeVectors('constant', 900, 5)],
        ['seven different rows', makeVectors('duplicates', 900, 5).map((x, i, all) => (i < 35 ? x : all[i % 35]!))],
        ['one other row', makeVectors('constant', 900, 5).map((x, i) => (i === 2222 ? -5 : x))],
        ['two heaps', makeVectors('constant', 900, 5).map((x, i) => (i < 2000 ? -x : 2 * x))],
      ] as const) {
        for (const step of [900, 299]) {
          using index = hnsw({ dim: 5, metric, efConstruction: 10 }, `HNSW${M}`);
          for (let at = 0; at < 900; at += step) await index.add(vectors.subarray(at * 5, Math.min(900, at + step) * 5));
          await expectSoundGraph(index, `${metric}, ${name}, ${step} at a time`);
        }
      }
    }
  });

  it.each(['normal', 'duplicates', 'constant'] as const)('grown one row at a time: %s', async (kind) => {
    const dim = 3;
    const vectors = makeVectors(kind, 300, dim, 3);
    using index = hnsw({ dim, efConstruction: 10 }, 'HNSW3');
    for (let row = 0; row < 300; row++) {
      await index.add(vectors.subarray(row * dim, (row + 1) * dim));
      if (row < 20 || row % 40 === 0) await expectSoundGraph(index, `${row + 1} rows`);
    }
  });

  it('that lost no more than it may gets whole again: beyond 4,096 rows, once a 64th was added', async () => {
    const dim = 2;
    const vectors = makeVectors('duplicates', 4500, dim, 4);
    using index = hnsw({ dim, efConstruction: 8 }, 'HNSW2');
    await index.add(vectors.subarray(0, 4400 * dim));
    await expectSoundGraph(index, 'the first rows');
    for (let at = 4400; at < 4500; at += 10) {
      await index.add(vectors.subarray(at * dim, (at + 10) * dim));
      checkInvariants(parseGraph(await index.toBytes()));
      if (at === 4460) await expectSoundGraph(index, '70 rows later'); // no fewer than 4,470 / 64
    }
  });

  it('of no row, one, and two', async () => {
    for (const metric of metrics) {
      using index = hnsw({ dim: 2, metric }, 'HNSW2');
      expect((await expectSoundGraph(index)).count).toBe(0);
      await index.add(Float32Array.of(1, 2));
      expect((await expectSoundGraph(index)).links[0]![0]!.every((id) => id === 0xffffffff)).toBe(true);
      await index.add(Float32Array.of(2, 1));
      const { links } = await expectSoundGraph(index);
      expect([links[0]![0]![0], links[0]![1]![0]]).toEqual([1, 0]);
    }
  });

  it('fills its levels by the hash of serials: a share of 1 / M goes up', async () => {
    using index = hnsw({ dim: 2, efConstruction: 8 }, 'HNSW4');
    await index.add(makeVectors('normal', 4000, 2, 5));
    const { levels, links } = await expectSoundGraph(index);
    const above = [1, 2, 3].map((level) => levels.filter((top) => top >= level).length);
    for (const [i, expected] of [1000, 250, 62.5].entries()) {
      expect(Math.abs(above[i]! - expected), `level ${i + 1}: ${above[i]}`).toBeLessThan(4 * Math.sqrt(expected));
    }
    // above level 0 nodes are linked too: all but the first one on a level choose somebody
    for (const level of [1, 2]) {
      const alone = links[level]!.filter((row) => row[0] === 0xffffffff).length;
      expect(alone, `nodes without links on level ${level}`).toBeLessThanOrEqual(2);
    }
  });
});
