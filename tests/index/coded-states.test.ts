/** Searches while an index changes, ranges, and the memory that is held. */
import { describe, expect, it } from 'vitest';
import type { CodedIndex } from '../../src/index/coded.ts';
import { makeIndex } from '../../src/index/factory.ts';
import { makeVectors } from '../contract/data.ts';
import { ranked, rowsOf } from '../contract/oracle.ts';
import { coded, descriptions, dim, engine, filled, first, many, observed, queries } from './coded-fixture.ts';
import { expectSameBytes, expectSameNeighbors, gate, labelled, metrics } from './helpers.ts';

const lists = (description: string) => (/IVF/.test(description) ? { nprobe: 8 } : {});

describe('a search', () => {
  const changes: [string, (index: CodedIndex) => Promise<unknown>][] = [
    ['add', (index) => index.add(queries)],
    ['add that replaces', (index) => index.add(first(500), { labels: Array.from({ length: 500 }, (_, i) => i) })],
    ['remove', (index) => index.remove(Array.from({ length: 500 }, (_, i) => i))],
    [
      'compact',
      async (index) => {
        await index.remove(Array.from({ length: 500 }, (_, i) => i));
        await index.compact();
        await index.add(first(300));
      },
    ],
  ];

  it.each(changes)('that began before an %s sees what was there', async (_, change) => {
    for (const description of ['PQ4x4', 'IVF8,PQ4x4,RFlat']) {
      for (const options of [{ k: 5 }, { k: 5, filter: (label: number) => label % 2 === 0 }, { k: 900 }]) {
        const used = engine.usedBytes;
        const { index, hooks } = observed(description);
        await index.train(many);
        await index.add(first(800));
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
        expectSameNeighbors(await searching, right, description);
        expectSameNeighbors(await ranging, range, description);
        expectSameBytes(await writing, bytes, description);
        index.close();
        await expect.poll(() => engine.usedBytes, { message: description }).toBe(used);
      }
    }
  });

  it.each([1, 2])('and adds at once: each sees what one after the other would, %s lists', async (nlist) => {
    const description = nlist === 1 ? 'PQ4x4' : 'IVF2,PQ4x4';
    using index = await filled(description, first(200), { nprobe: nlist });
    using other = await filled(description, first(200), { nprobe: nlist });
    const right = [await other.search(queries)];
    const steps = Array.from(
      { length: 20 },
      (_, i) => (one: CodedIndex) => one.add(many.subarray((200 + 10 * i) * dim, (210 + 10 * i) * dim)),
    );
    for (const step of steps) {
      await step(other);
      right.push(await other.search(queries));
    }
    const work: Promise<unknown>[] = steps.map((step) => step(index));
    let searches = 0;
    const searching = async () => {
      for (let busy = true; busy; searches++) {
        const before = (index.size - 200) / 10;
        expectSameNeighbors(await index.search(queries), right[before]!, `after ${before} adds`);
        busy = index.size < 400;
      }
    };
    await Promise.all([...work, ...Array.from({ length: 3 }, searching)]);
    expect(searches).toBeGreaterThan(3); // three would be one each, after all is done
    expectSameBytes(await index.toBytes(), await other.toBytes());
  });
});

it('more candidates than are refined at a time are all compared', async () => {
  const rows = makeVectors('normal', 66_000, 2, 1);
  const asked = makeVectors('normal', 70, 2, 2);
  using flat = makeIndex('Flat', { dim: 2 }, engine);
  using index = coded('RR,SQ8,RFlat', { dim: 2 });
  await index.train(rows);
  for (const one of [flat, index]) await one.add(rows);
  const found = await index.search(asked, { k: 100, refineFactor: 660 }); // 4.6 million, beyond 2^22
  expectSameNeighbors(found, await flat.search(asked, { k: 100 }));
  expect((await index.rangeSearch(asked.subarray(0, 2), 1e9)).labels.length).toBe(66_000);
});

describe('ranges', () => {
  it.each(descriptions)('hold what a search finds within, and nothing beyond: %s', async (description) => {
    for (const metric of metrics) {
      using index = await filled(description, many, { metric });
      const found = await index.search(queries, { k: 400, ...lists(description) });
      for (const k of [1, 30, 150, 400]) {
        for (let q = 0; q < 2; q++) {
          const radius = found.distances[400 * q + k - 1]!;
          const { labels, distances } = await index.rangeSearch(queries.subarray(q * dim, (q + 1) * dim), radius, lists(description));
          expect(distances.every((distance) => distance <= radius)).toBe(true);
          expect(distances).toEqual(distances.slice().sort());
          // A search for one more than there are finds no other.
          const again = await index.search(queries.subarray(q * dim, (q + 1) * dim), { k: labels.length + 1, ...lists(description) });
          const within = again.labels.filter((_, i) => again.distances[i]! <= radius);
          const missed = within.filter((label) => !labels.includes(label));
          expect([...missed], `${metric}, ${k}`).toEqual([]);
          expect(labels.length, `${metric}, ${k}`).toBeGreaterThan(0.9 * k - 2);
        }
      }
    }
  });

  it('that are small hold what lies there, and those that are large all there is', async () => {
    for (const description of descriptions) {
      using index = await filled(description, first(500));
      const own = await index.search(first(1), { k: 1, ...lists(description) });
      expect([...(await index.rangeSearch(first(1), own.distances[0]!, lists(description))).labels]).toContain(own.labels[0]);
      for (const radius of [-1, Number.NEGATIVE_INFINITY]) expect((await index.rangeSearch(queries, radius)).labels.length).toBe(0);
      for (const radius of [1e9, Number.POSITIVE_INFINITY]) {
        const { offsets, labels } = await index.rangeSearch(queries, radius, lists(description));
        expect([...offsets]).toEqual([0, 500, 1000, 1500, 2000, 2500, 3000]);
        expect(new Set(labels.subarray(0, 500)).size).toBe(500);
      }
      const even = await index.rangeSearch(queries.subarray(0, dim), 1e9, { filter: (label) => label % 2 === 0, ...lists(description) });
      expect(even.labels.length).toBe(250);
      const most = { maxResults: 499, ...lists(description) };
      await expect(index.rangeSearch(queries.subarray(0, dim), 1e9, most)).rejects.toThrow(/more than maxResults = 499 rows/);
    }
  });

  it('hold nearly all that truly lies within, where vectors are kept beside coarse codes', async () => {
    using index = await filled('PQ4x4,RFlat');
    const rows = labelled(many, dim);
    let [hits, possible] = [0, 0];
    for (const query of rowsOf(queries, dim)) {
      const right = ranked('l2', rows, query);
      const radius = right[99]!.distance;
      const { labels, distances } = await index.rangeSearch(query, radius);
      const inside = new Map(right.slice(0, 100).map(({ label, distance }) => [label, distance]));
      for (const [i, label] of labels.entries()) expect(distances[i]).toBe(inside.get(label));
      hits += labels.length;
      possible += 100;
    }
    expect(hits / possible).toBeGreaterThan(0.97);
  });
});

describe('memory', () => {
  it.each(descriptions)('is told by part, and goes back to nothing: %s', async (description) => {
    const used = engine.usedBytes;
    const index = await filled(description, first(1000));
    const { originals, codes, lists: places, labels, fixed } = index.memory as Record<string, number>;
    expect(originals).toBe(/Flat/.test(description) ? 1000 * 4 * dim : 0);
    const stride = codes! / 1000;
    expect(stride).toBeGreaterThanOrEqual(4);
    expect(stride).toBeLessThanOrEqual(40);
    expect(places).toBeGreaterThanOrEqual(4000);
    expect(labels).toBeGreaterThanOrEqual(4000);
    if (description !== 'SQ8') expect(fixed).toBeGreaterThan(0);
    await index.search(queries);
    const held = engine.usedBytes;
    await index.search(queries, { k: 300 });
    await index.rangeSearch(queries, 1);
    expect(engine.usedBytes, 'after searches').toBe(held);
    await index.remove(Array.from({ length: 900 }, (_, i) => i));
    await index.compact();
    expect((index.memory as Record<string, number>).codes).toBe(100 * stride);
    for (let i = 0; i < 10; i++) await index.add(first(10), { labels: Array.from({ length: 10 }, (_, j) => j) });
    expect(engine.usedBytes, 'after most is gone').toBeLessThan(held);
    index.close();
    await expect.poll(() => engine.usedBytes).toBe(used);
  });
});
