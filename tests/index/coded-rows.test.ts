/** What indexes over codes promise of their rows: labels and keys, removal, replacement, compaction, filters, ranges, memory. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CodedIndex } from '../../src/index/coded.ts';
import { labelBitset } from '../../src/node.ts';
import { randomFrom, seed } from '../contract/data.ts';
import { canonicalDistance, normalised, rowsOf } from '../contract/oracle.ts';
import { descriptions, dim, engine, filled, first, many, queries } from './coded-fixture.ts';
import { expectExact, expectSameBytes, expectSameNeighbors, failsWith, labelled, metrics, nearest } from './helpers.ts';
import { parseFile } from './hnsw-parse.ts';

const all = { nprobe: 8, refineFactor: 1000 };

/** Every result is a live row, each once, in order, at its true distance or, where only codes are kept, at what its code says. */
async function expectTrue(index: CodedIndex, rows: ReadonlyMap<number, Float32Array>, asked = queries, k = 10): Promise<void> {
  const { metric } = index;
  const { labels, distances, distancesOf } = await index.search(asked, { k, ...(/IVF/.test(index.description) ? { nprobe: 8 } : {}) });
  const isOfVectors = /RFlat|Flat$/.test(index.description);
  expect(distancesOf).toBe(isOfVectors ? 'vectors' : 'codes');
  const stored = (row: Float32Array) => (metric === 'cosine' ? normalised(row) : row);
  for (const [q, query] of rowsOf(asked, dim).entries()) {
    const found = labels.subarray(q * k, (q + 1) * k);
    expect(found.filter((label) => label >= 0).length, 'as many as there are').toBe(Math.min(k, rows.size));
    expect(new Set(found).size, 'each once').toBe(Math.min(k, rows.size) + (rows.size < k ? 1 : 0));
    for (const [i, label] of found.entries()) {
      if (i > 0) expect(distances[q * k + i]).toBeGreaterThanOrEqual(distances[q * k + i - 1]!);
      if (label < 0) continue;
      const row = rows.get(label);
      expect(row, `label ${label}`).toBeDefined();
      if (isOfVectors) expect(distances[q * k + i]).toBe(canonicalDistance(metric, stored(query), stored(row!)));
    }
  }
}

describe('labels', () => {
  it.each(descriptions)('count on, are found again, replace their rows, and carry keys: %s', async (description) => {
    using index = await filled(description, first(600));
    expect([...(await index.add(queries.subarray(0, 2 * dim), { keys: ['café ☕', ''] }))]).toEqual([600, 601]);
    expect(await index.remove([601, 601, 7, -1, 1.5, 9999])).toBe(2);
    expect(index.size).toBe(600);
    expect([...(await index.add(queries.subarray(0, dim)))]).toEqual([602]);
    expect([...(await index.add(many.subarray(700 * dim, 702 * dim), { labels: [3, 70_000], keys: ['three', 'far'] }))]).toEqual([
      3, 70_000,
    ]);
    expect(index.size).toBe(602);
    for (let i = 0; i < 2; i++) {
      expect([600, 601, 3, 70_000, 4].map((label) => index.keyOf(label))).toEqual(['café ☕', undefined, 'three', 'far', undefined]);
      await expect(index.reconstruct(7)).rejects.toEqual(failsWith('bad-argument', 'label 7 is not in the index'));
      const row = await index.reconstruct(3);
      const own = canonicalDistance('l2', row, many.slice(700 * dim, 701 * dim));
      expect(own, 'the new row').toBeLessThan(canonicalDistance('l2', row, many.slice(3 * dim, 4 * dim)));
      const found = await index.search(many.subarray(700 * dim, 701 * dim), { k: 4, ...(/IVF/.test(description) ? { nprobe: 8 } : {}) });
      expect([...found.labels]).toContain(3);
      await index.compact();
    }
    await expect(index.add(queries, { labels: [1, 1, 2, 3, 4, 5] })).rejects.toEqual(failsWith('bad-argument', /comes twice/));
    await expect(index.add(queries, { keys: ['one'] })).rejects.toEqual(failsWith('bad-argument', /keys has 1 entries for 6 rows/));
  });

  it.each(descriptions)('that went leave nothing in the file but the numbers that were used: %s', async (description) => {
    using index = await filled(description, first(700), {}, engine);
    await index.remove(Array.from({ length: 200 }, (_, i) => 500 + i));
    const bytes = await index.toBytes();
    using other = await filled(description, first(500), {}, engine);
    const [left, right] = [parseFile(bytes), parseFile(await other.toBytes())];
    expect(Object.keys(left.sections)).toEqual(Object.keys(right.sections));
    for (const [name, section] of Object.entries(left.sections)) expectSameBytes(section, right.sections[name]!, name);
    expect(left.header).toEqual({ ...right.header, state: { ...right.header.state, nextLabel: 700, nextSerial: 700 } });
    expectSameNeighbors(await index.search(queries), await other.search(queries));
    await index.compact();
    expectSameBytes(await index.toBytes(), bytes, 'compacted');
    expectSameNeighbors(await index.search(queries), await other.search(queries));
    await index.compact(); // nothing to do
    for (const one of [index, other]) await one.add(first(5), { labels: [800, 801, 802, 803, 804] });
    expectSameNeighbors(await index.search(queries), await other.search(queries));
  });

  it.each(descriptions)('all gone: answers are padding, and more may come: %s', async (description) => {
    for (const compacts of [false, true]) {
      using index = await filled(description, first(300));
      expect(await index.remove(Array.from({ length: 300 }, (_, i) => i))).toBe(300);
      if (compacts) await index.compact();
      await expectExact(index, [], queries, 3);
      expect((await index.rangeSearch(queries, 1e9)).labels.length).toBe(0);
      expect(parseFile(await index.toBytes()).header.state.count).toBe(0);
      await index.add(queries);
      await expectTrue(index, new Map(rowsOf(queries, dim).map((row, i) => [300 + i, row])));
    }
  });
});

it('steps in any order leave what is there, at its distance', async () => {
  const step = fc.record({
    what: fc.constantFrom('add' as const, 'replace' as const, 'remove' as const, 'compact' as const, 'search' as const),
    size: fc.integer({ min: 1, max: 200 }),
    picks: fc.uniqueArray(fc.nat(900), { minLength: 1, maxLength: 40 }),
  });
  const kinds = fc.constantFrom('PQ4x4', 'IVF8,PQ4x4', 'IVF8,Flat', 'PCA8,SQ8,RFlat', 'RR,IVF8,SQ8');
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 8 }),
      fc.constantFrom(...metrics),
      kinds,
      async (steps, metric, description) => {
        const used = engine.usedBytes;
        using index = await filled(description, first(400), { metric });
        const rows = new Map(labelled(first(400), dim).map(({ label, vector }) => [label, vector]));
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
        index.close();
        await expect.poll(() => engine.usedBytes).toBe(used);
      },
    ),
    { seed, numRuns: 30 },
  );
});

describe('a search', () => {
  it('with all lists probed and enough candidates is exact where vectors are kept', async () => {
    for (const description of ['IVF8,Flat', 'IVF8,PQ4x4,RFlat', 'PQ4,RFlat', 'RR,Flat', 'PCA4,SQ8,RFlat', 'OPQ4,IVF8,PQ4x4,RFlat']) {
      for (const metric of metrics) {
        using index = await filled(description, many, { metric });
        const options = { k: 10, ...all, ...(/IVF/.test(description) ? {} : { nprobe: 1 }) };
        const what = `${description}, ${metric}`;
        expectSameNeighbors(await index.search(queries, options), nearest(metric, labelled(many, dim), queries, dim, 10), what);
        const passing = labelled(many, dim).filter(({ label }) => label % 3 === 1);
        const right = nearest(metric, passing, queries, dim, 10);
        expectSameNeighbors(await index.search(queries, { ...options, filter: (label) => label % 3 === 1 }), right, what);
        const bits = labelBitset(passing.map(({ label }) => label));
        expectSameNeighbors(await index.search(queries, { ...options, filter: bits }), right, what);
      }
    }
  });

  it.each(descriptions)('returns what passes, be it much or little: %s', async (description) => {
    using index = await filled(description);
    const lists = /IVF/.test(description) ? { nprobe: 8 } : {};
    for (const labels of [
      [],
      [5],
      [5, 900, 1199, 77],
      Array.from({ length: 600 }, (_, i) => 2 * i),
      Array.from({ length: 1199 }, (_, i) => i),
    ]) {
      const passing = new Set(labels);
      const found = await index.search(queries, { k: 20, filter: (label) => passing.has(label), ...lists });
      for (let q = 0; q < 6; q++) {
        const own = [...found.labels.subarray(20 * q, 20 * (q + 1))].filter((label) => label >= 0);
        expect(own.length).toBe(Math.min(20, labels.length));
        expect(own.every((label) => passing.has(label))).toBe(true);
      }
      expectSameNeighbors(await index.search(queries, { k: 20, filter: labelBitset(labels), ...lists }), found);
    }
    let asked = 0;
    await index.search(queries, { filter: () => ++asked > 0 });
    expect(asked, 'a predicate is asked once a row').toBe(1200);
    const reason = new Error('no');
    const held = engine.usedBytes;
    const thrown = index.search(queries, {
      filter: () => {
        throw reason;
      },
    });
    await expect(thrown).rejects.toBe(reason);
    expect(engine.usedBytes).toBe(held);
  });

  it.each(descriptions)('for more than there is returns all there is: %s', async (description) => {
    using index = await filled(description, first(300));
    const lists = /IVF/.test(description) ? { nprobe: 8 } : {};
    const most = await index.search(queries, { k: 300, ...lists });
    for (let q = 0; q < 6; q++) expect(new Set(most.labels.subarray(300 * q, 300 * (q + 1))).size).toBe(300);
    const beyond = await index.search(queries, { k: 1000, ...lists });
    for (let q = 0; q < 6; q++) {
      expect(beyond.labels.subarray(1000 * q, 1000 * q + 300)).toEqual(most.labels.subarray(300 * q, 300 * (q + 1)));
      expect(beyond.labels.subarray(1000 * q + 300, 1000 * (q + 1)).every((label) => label === -1)).toBe(true);
      expect(beyond.distances.subarray(1000 * q + 300, 1000 * (q + 1)).every((distance) => distance === Infinity)).toBe(true);
    }
  });
});
