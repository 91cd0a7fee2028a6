/** What Flat promises to many at once: snapshots for searches, a queue for writers, codes that nobody loses. */
import { describe, expect, it } from 'vitest';
import { makeVectors } from '../contract/data.ts';
import { dim, engine, filled, many, observed, queries } from './flat-fixture.ts';
import { expectExact, expectSameBytes, expectSameNeighbors, gate, labelled, lowRank, nearest } from './helpers.ts';

describe('at the same time', () => {
  it('a search sees the rows that were there when it began', async () => {
    const { index, hooks } = observed();
    await index.add(many.subarray(0, 2000 * dim));
    const { opened, open } = gate();
    const begun = gate();
    hooks.run = () => {
      begun.open();
      return opened;
    };
    const searching = index.search(queries, { k: 3 });
    await begun.opened;
    await index.add(queries); // distance 0
    await index.remove([0, 1, 2]);
    expect(index.size).toBe(2002);
    delete hooks.run;
    open();
    expectSameNeighbors(await searching, nearest('l2', labelled(many.subarray(0, 2000 * dim), dim), queries, dim, 3));
    const rows = [...labelled(many.subarray(0, 2000 * dim), dim).slice(3), ...labelled(queries, dim, 2000)];
    await expectExact(index, rows, queries, 3);
    index.close();
  });

  it('adds queue, and one that fails leaves nothing behind', async () => {
    using index = await filled(many.subarray(0, 1500 * dim));
    const bad = queries.slice();
    bad[3 * dim + 2] = Number.NaN;
    const done = await Promise.allSettled([
      index.add(queries),
      index.add(bad),
      index.remove([0]),
      index.add(many.subarray(0, 2 * dim), { labels: [1500, 1500] }),
      index.add(many.subarray(0, 2 * dim)),
      index.search(queries),
    ]);
    expect(done.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect([...(done[4] as PromiseFulfilledResult<Int32Array>).value]).toEqual([1505, 1506]);
    const rows = [
      ...labelled(many.subarray(0, 1500 * dim), dim).slice(1),
      ...labelled(queries, dim, 1500),
      ...labelled(many.subarray(0, 2 * dim), dim, 1505),
    ];
    await expectExact(index, rows, queries);
  });

  it('a hundred adds and searches make the same index as one after the other', async () => {
    using index = await filled(many.subarray(0, 1200 * dim));
    const work: Promise<unknown>[] = [];
    for (let i = 0; i < 100; i++) {
      work.push(index.add(many.subarray((1200 + 10 * i) * dim, (1210 + 10 * i) * dim)));
      if (i % 10 === 0) work.push(index.search(queries, { k: 3 }));
    }
    await Promise.all(work);
    using other = await filled(many.subarray(0, 2200 * dim));
    expectSameBytes(await index.toBytes(), await other.toBytes());
    await expectExact(index, labelled(many.subarray(0, 2200 * dim), dim), queries);
  });

  it('codes that a search extends are not taken from it when rows move together', async () => {
    for (const width of [dim, 96]) {
      const vectors = width === dim ? many : lowRank(3000, width, 8);
      const { index, hooks } = observed('l2', width);
      await index.add(vectors.subarray(0, 2200 * width));
      await index.prepare();
      await index.add(vectors.subarray(2200 * width));
      const before = labelled(vectors, width);
      const extending = gate();
      const wait = gate();
      hooks.run = () => {
        extending.open();
        return wait.opened;
      };
      const some = vectors.subarray(0, 3 * width);
      const searching = index.search(some, { k: 5 });
      await extending.opened;
      const removed = await index.remove(Array.from({ length: 1500 }, (_, i) => 2 * i)); // moves the rest, drops the codes
      expect(removed).toBe(1500);
      delete hooks.run;
      wait.open();
      expectSameNeighbors(await searching, nearest('l2', before, some, width, 5), 'as of before');
      await expectExact(
        index,
        before.filter(({ label }) => label % 2),
        some,
      );
      index.close();
      expect(index.memory.codes).toBe(0);
    }
  });

  it('chunks that another search adds do not confuse one that has begun', async () => {
    const { index, hooks } = observed();
    const first64 = 31 * 64; // the codes' only chunk is full: more rows make another at once
    const query = many.subarray(first64 * dim, (first64 + 1) * dim); // the first row of the chunk to come
    await index.add(many.subarray(0, first64 * dim));
    await index.prepare();
    const before = labelled(many.subarray(0, first64 * dim), dim);
    const masks = gate();
    const wait = gate();
    hooks.alloc = (label) => {
      if (label !== 'search: mask') return;
      masks.open();
      return wait.opened;
    };
    const first = index.search(query, { k: 5 });
    await masks.opened;
    delete hooks.alloc;
    await index.add(many.subarray(first64 * dim, 2600 * dim));
    const extended = gate();
    const rest = gate();
    hooks.run = () => {
      delete hooks.run; // only the second search waits
      extended.open();
      return rest.opened;
    };
    const second = index.search(query, { k: 5 }); // adds a chunk, and has not filled it
    await extended.opened;
    wait.open();
    const answer = await first;
    rest.open();
    expectSameNeighbors(answer, nearest('l2', before, query, dim, 5), 'the first');
    expectSameNeighbors(await second, nearest('l2', labelled(many.subarray(0, 2600 * dim), dim), query, dim, 5), 'the second');
    index.close();
  });

  it('many indexes on one engine keep out of each other’s way, closing included', async () => {
    const used = engine.usedBytes;
    const indexes = await Promise.all([1, 2, 3, 4].map((i) => filled(makeVectors('normal', 2000, dim, i))));
    await indexes[1]!.prepare();
    await indexes[1]!.add(queries);
    const work = indexes.map((index, i) => (i < 2 ? index.prepare() : index.search(queries)).catch((error) => error));
    indexes[0]!.close();
    indexes[1]!.close();
    const results = await Promise.all(work);
    for (const i of [2, 3]) {
      const rows = labelled(makeVectors('normal', 2000, dim, i + 1), dim);
      expectSameNeighbors(results[i] as never, nearest('l2', rows, queries, dim, 10));
      await expectExact(indexes[i]!, rows, queries);
      indexes[i]!.close();
    }
    expect(engine.usedBytes, 'memory given back').toBe(used);
  });
});
