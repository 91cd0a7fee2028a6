/** What HNSW promises of its rows: labels and keys, removal, replacement, compaction, snapshots, ranges, memory. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HnswIndex } from '../../src/index/hnsw.ts';
import { makeVectors, randomFrom, seed } from '../contract/data.ts';
import { canonicalDistance, normalised, ranked, rowsOf } from '../contract/oracle.ts';
import { expectExact, expectSameBytes, expectSameNeighbors, failsWith, gate, labelled, metrics, type Row } from './helpers.ts';
import { dim, engine, filled, growTo, hnsw, many, observed, queries, small } from './hnsw-fixture.ts';
import { checkInvariants, parseGraph, reachable } from './hnsw-parse.ts';

const first = (n: number) => many.subarray(0, n * dim);

/** Every result is a row of these at its true distance, each once, in order. */
async function expectTrue(index: HnswIndex, rows: ReadonlyMap<number, Float32Array>, asked = queries, k = 10): Promise<void> {
  const { metric } = index;
  const { labels, distances } = await index.search(asked, { k });
  for (const [q, query] of rowsOf(asked, dim).entries()) {
    const direction = metric === 'cosine' ? normalised(query) : query;
    const found = labels.subarray(q * k, (q + 1) * k);
    expect(new Set(found).size, 'each once').toBe(Math.min(k, rows.size) + (rows.size < k ? 1 : 0));
    for (const [i, label] of found.entries()) {
      const distance = distances[q * k + i]!;
      if (i > 0) expect(distance).toBeGreaterThanOrEqual(distances[q * k + i - 1]!);
      if (label < 0) continue;
      const row = rows.get(label);
      expect(row, `label ${label}`).toBeDefined();
      expect(distance).toBe(canonicalDistance(metric, direction, metric === 'cosine' ? normalised(row!) : row!));
    }
  }
}

const asMap = (rows: readonly Row[]) => new Map(rows.map(({ label, vector }) => [label, vector]));

describe('labels', () => {
  it('count on from the largest ever used, and are never used again unasked', async () => {
    using index = await filled(first(1500));
    expect([...(await index.add(queries))]).toEqual([1500, 1501, 1502, 1503, 1504]);
    expect(await index.remove([1504, 1503])).toBe(2);
    expect([...(await index.add(queries.subarray(0, dim)))]).toEqual([1505]);
    expect([...(await index.add(queries.subarray(0, dim), { labels: [2 ** 31 - 1] }))]).toEqual([2 ** 31 - 1]);
    await expect(index.add(queries)).rejects.toEqual(failsWith('bad-argument', /default labels would pass 2\^31 − 1/));
    await index.compact();
    await expect(index.add(queries)).rejects.toEqual(failsWith('bad-argument', /default labels would pass/));
    expect([...(await index.search(queries.subarray(0, dim), { k: 3 })).labels]).toEqual([1500, 1505, 2 ** 31 - 1]);
  });

  it('break ties, whatever the order in which rows came', async () => {
    for (const metric of metrics) {
      using index = hnsw({ metric });
      const labels = Array.from({ length: 1000 }, (_, i) => (i * 7919) % 1000); // each once
      await index.add(many.subarray(0, 1000 * dim), { labels });
      await index.add(many.subarray(0, 1000 * dim), { labels: labels.map((label) => label + 1000) }); // all once more
      const { labels: found, distances } = await index.search(first(20), { k: 6, efSearch: 24 });
      for (let i = 0; i < found.length; i++) {
        if (i % 6 && distances[i] === distances[i - 1]) expect(found[i]).toBeGreaterThan(found[i - 1]!);
      }
      const pairs = Array.from({ length: 20 }, (_, q) => [...found.subarray(6 * q, 6 * q + 2)]);
      if (metric !== 'ip') for (const [a, b] of pairs) expect(b! - a!).toBe(1000);
    }
  });

  it('replace the row that has them; the old one is never seen again', async () => {
    for (const metric of metrics) {
      using index = await filled(first(2000), { metric });
      const replacement = makeVectors('normal', 900, dim, 77);
      await index.add(replacement, { labels: Array.from({ length: 900 }, (_, i) => 2 * i) });
      expect(index.size).toBe(2000);
      const rows = asMap(labelled(first(2000), dim));
      for (const [i, vector] of rowsOf(replacement, dim).entries()) rows.set(2 * i, vector);
      await expectTrue(index, rows);
      await expectTrue(index, rows, first(40), 3); // at the old vectors
      if (metric === 'l2') expect(await index.reconstruct(4)).toEqual(replacement.slice(2 * dim, 3 * dim));
      const found = await index.search(replacement, { k: 1 });
      const again = found.labels.filter((label, i) => label === 2 * i).length;
      if (metric !== 'ip') expect(again, 'replaced rows that find themselves').toBeGreaterThan(0.95 * 900);
      await index.add(first(1), { labels: [4] }); // and once more
      expect(index.size).toBe(2000);
      await index.compact();
      expect(parseGraph(await index.toBytes()).count).toBe(2000);
    }
  });

  it('carry keys, through compaction too', async () => {
    using index = await filled(first(1200));
    await index.add(queries.subarray(0, 2 * dim), { keys: ['café ☕', ''], labels: [9, 4000] });
    await index.remove([0, 1, 2]);
    for (let i = 0; i < 2; i++) {
      expect([9, 4000, 10, 0].map((label) => index.keyOf(label))).toEqual(['café ☕', '', undefined, undefined]);
      expect(await index.reconstruct(9)).toEqual(queries.slice(0, dim));
      await index.compact();
    }
    await index.add(queries.subarray(0, dim), { labels: [9] });
    expect(index.keyOf(9)).toBeUndefined();
  });
});

describe('removal', () => {
  it('hides rows at once; their nodes still carry searches, until compact', async () => {
    using index = await filled(first(2000));
    const gone = Array.from({ length: 1000 }, (_, i) => 2 * i);
    const before = parseGraph(await index.toBytes());
    expect(await index.remove([...gone, ...gone, -1, 5000, 1.5])).toBe(1000);
    expect(index.size).toBe(1000);
    const rows = labelled(first(2000), dim).filter(({ label }) => label % 2);
    await expectTrue(index, asMap(rows), first(50));
    const after = parseGraph(await index.toBytes());
    expect({ ...after, live: before.live }).toEqual(before);
    expect(after.live.filter(Boolean).length).toBe(1000);
    await expect(index.reconstruct(2)).rejects.toEqual(failsWith('bad-argument', /label 2 is not in the index/));
    await index.compact();
    const compact = parseGraph(await index.toBytes());
    checkInvariants(compact);
    expect([compact.count, reachable(compact).size]).toEqual([1000, 1000]);
    expect([...compact.labels]).toEqual(rows.map(({ label }) => label));
    await expectTrue(index, asMap(rows), first(50));
    const bytes = await index.toBytes();
    await index.compact(); // nothing to do
    expectSameBytes(await index.toBytes(), bytes);
  });

  it('of all rows answers with padding, and takes more', async () => {
    for (const description of ['HNSW6', 'HNSW6,SQ8']) {
      for (const compacts of [false, true]) {
        using index = await filled(first(1200), {}, description);
        expect(await index.remove(Array.from({ length: 1200 }, (_, i) => i))).toBe(1200);
        if (compacts) await index.compact();
        await expectExact(index, [], queries, 3);
        expect((await index.rangeSearch(queries, 1e9)).labels.length).toBe(0);
        await index.add(queries);
        expect([...(await index.search(queries, { k: 1 })).labels]).toEqual([1200, 1201, 1202, 1203, 1204]);
      }
    }
  });

  it('mixed with adds, replacements and compactions in any order returns what is there, at its distance', async () => {
    const step = fc.record({
      what: fc.constantFrom('add' as const, 'replace' as const, 'remove' as const, 'compact' as const, 'search' as const),
      size: fc.integer({ min: 1, max: 300 }),
      picks: fc.uniqueArray(fc.nat(1400), { minLength: 1, maxLength: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 9 }), fc.constantFrom(...metrics), async (steps, metric) => {
        using index = await filled(first(1000), { metric, efConstruction: 12, efSearch: 12 }, 'HNSW4');
        const rows = asMap(labelled(first(1000), dim));
        const random = randomFrom(steps.length);
        const add = async (n: number, given?: number[]) => {
          const vectors = Float32Array.from({ length: n * dim }, () => random.normal());
          const labels = await index.add(vectors, { labels: given });
          for (const [i, vector] of rowsOf(vectors, dim).entries()) rows.set(labels[i]!, vector);
        };
        const acts = {
          add: (size: number) => add(size),
          replace: (_size: number, picks: number[]) => add(picks.length, picks),
          compact: () => index.compact(),
          search: () => expectTrue(index, rows, queries.subarray(0, dim)),
          remove: async (size: number) => {
            const labels = [...rows.keys()].filter((label) => label % 4 === size % 4);
            expect(await index.remove(labels)).toBe(labels.length);
            for (const label of labels) rows.delete(label);
          },
        };
        for (const { what, size, picks } of steps) {
          await acts[what](size, picks);
          expect(index.size).toBe(rows.size);
        }
        await expectTrue(index, rows);
      }),
      { seed, numRuns: 25 },
    );
  });
});

describe('a search', () => {
  it.each([
    ['add', (index: HnswIndex) => index.add(queries)],
    ['add that replaces', (index: HnswIndex) => index.add(first(500), { labels: Array.from({ length: 500 }, (_, i) => i) })],
    ['remove', (index: HnswIndex) => index.remove(Array.from({ length: 900 }, (_, i) => i))],
    [
      'compact',
      async (index: HnswIndex) => {
        await index.remove(Array.from({ length: 900 }, (_, i) => i));
        await index.compact();
        await index.add(first(300));
      },
    ],
  ])('that began before an %s sees what was there', async (_, change) => {
    for (const description of ['HNSW6', 'HNSW6,SQ8']) {
      for (const options of [{ k: 5 }, { k: 5, filter: (label: number) => label % 2 === 0 }, { k: 1500 }]) {
        const used = engine.usedBytes;
        const { index, hooks } = observed({}, description);
        await growTo(index, 1500);
        const right = await index.search(queries, options);
        const range = await index.rangeSearch(queries, 2);
        const bytes = await index.toBytes();
        const [begun, wait] = [gate(), gate()];
        hooks.run = () => {
          begun.open();
          return wait.opened;
        };
        const searching = index.search(queries, options);
        const ranging = index.rangeSearch(queries, 2);
        const writing = index.toBytes();
        await begun.opened;
        delete hooks.run;
        await change(index);
        wait.open();
        expectSameNeighbors(await searching, right);
        expectSameNeighbors(await ranging, range);
        expectSameBytes(await writing, bytes);
        index.close();
        await expect.poll(() => engine.usedBytes).toBe(used);
      }
    }
  });
});

describe('ranges', () => {
  it('hold nothing beyond, and nearly all within: the radius itself too', async () => {
    for (const metric of metrics) {
      using index = await filled(many, { metric });
      const rows = labelled(many, dim);
      let hits = 0;
      let possible = 0;
      for (const query of rowsOf(queries, dim)) {
        const all = ranked(metric, rows, query);
        for (const at of [0, 3, 30, 300, 2999]) {
          const radius = all[at]!.distance;
          const found = await index.rangeSearch(query, radius);
          const inside = new Map(all.filter(({ distance }) => distance <= radius).map(({ label, distance }) => [label, distance]));
          for (const [i, label] of found.labels.entries()) expect(found.distances[i]).toBe(inside.get(label));
          hits += found.labels.length;
          possible += inside.size;
          if (at === 2999) expect(found.labels.length).toBe(3000);
        }
      }
      expect(hits / possible, metric).toBeGreaterThan(0.95);
    }
  });

  it.each([0, -1, Number.NEGATIVE_INFINITY])('within %s hold duplicates at most', async (radius) => {
    using index = await filled();
    const found = await index.rangeSearch(many.subarray(7 * dim, 8 * dim), radius);
    expect([...found.labels]).toEqual(radius === 0 ? [7] : []);
  });

  it('under a filter hold what passes, though all that lies near does not', async () => {
    using index = await filled(many.map((x, i) => (Math.floor(i / dim) % 2 ? x + 4 : x)));
    const query = queries.subarray(0, dim);
    const far = (await index.search(query, { k: 1500, filter: (label) => label % 2 === 1 })).distances[20]!;
    const found = await index.rangeSearch(query, far, { filter: (label) => label % 2 === 1 });
    expect(found.labels.length).toBeGreaterThan(18);
    expect(found.labels.every((label) => label % 2 === 1)).toBe(true);
  });
});

describe('memory', () => {
  it('is told by part, and goes back to nothing', async () => {
    expect(engine.usedBytes).toBe(0);
    for (const description of ['HNSW6', 'HNSW6,SQ8']) {
      const index = await filled(first(1000), small, description);
      const { originals, codes, links, nodes, labels } = index.memory as Record<string, number>;
      expect(originals).toBe(description === 'HNSW6' ? 1000 * 64 : 0);
      expect(codes).toBe(1000 * 16);
      expect(links).toBeGreaterThanOrEqual(1000 * 12 * 4);
      expect(nodes).toBeGreaterThanOrEqual(1000 * 8);
      expect(labels).toBeGreaterThanOrEqual(1000 * 4);
      const held = engine.usedBytes;
      expect(held).toBeGreaterThan(1000 * (16 + 48));
      await index.search(queries);
      await index.rangeSearch(queries, 1);
      expect(engine.usedBytes, 'after searches').toBe(held);
      await index.remove(Array.from({ length: 800 }, (_, i) => i));
      await index.compact();
      expect(engine.usedBytes, 'after most is gone').toBeLessThan(0.5 * held);
      for (let i = 0; i < 30; i++) await index.add(first(10), { labels: Array.from({ length: 10 }, (_, j) => j) });
      index.close();
      await expect.poll(() => engine.usedBytes).toBe(0);
    }
  });
});
