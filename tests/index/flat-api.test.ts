/** What Flat promises besides exactness: labels, filters, ranges, use by many at once, aborts, and clear errors. */
import fc from 'fast-check';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { makeIndex } from '../../src/index/factory.ts';
import type { FlatIndex } from '../../src/index/flat.ts';
import { type AddOptions, type LabelFilter, labelBitset, type Metric, type VectorIndex } from '../../src/node.ts';
import { makeVectors, randomFrom, seed } from '../contract/data.ts';
import { normalised, ranked, rowsOf } from '../contract/oracle.ts';
import {
  expectExact,
  expectSameBytes,
  expectSameNeighbors,
  failsWith,
  gate,
  type Hooks,
  hooked,
  labelled,
  lowRank,
  metrics,
  nearest,
  oneThread,
  type Row,
} from './helpers.ts';

const engine = await oneThread();
afterAll(() => engine.close());

const dim = 8;
const many = makeVectors('normal', 3000, dim, 1);
const queries = makeVectors('normal', 5, dim, 2);

const flat = (metric: Metric = 'l2', width = dim, on = engine): VectorIndex => makeIndex('Flat', { dim: width, metric }, on);

async function filled(vectors = many, metric: Metric = 'l2', width = dim, on = engine): Promise<VectorIndex> {
  const index = flat(metric, width, on);
  await index.add(vectors);
  return index;
}

describe('labels', () => {
  it('count on from the largest ever used, and are never used again unasked', async () => {
    using index = flat();
    const [a, b, c] = rowsOf(queries, dim);
    expect([...(await index.add(many.subarray(0, 3 * dim)))]).toEqual([0, 1, 2]);
    expect(await index.remove([2, 1])).toBe(2);
    expect([...(await index.add(a!))]).toEqual([3]);
    expect([...(await index.add(b!, { labels: [100] }))]).toEqual([100]);
    expect(await index.remove([100])).toBe(1);
    expect([...(await index.add(c!))]).toEqual([101]);
    await expectExact(index, [...labelled(many.subarray(0, dim), dim), { label: 3, vector: a! }, { label: 101, vector: c! }], queries, 5);
  });

  it('may come in any order, and ties go to the smaller one', async () => {
    const labels = [7, 3, 2147483647, 0, 5];
    using index = flat();
    await index.add(new Float32Array(5 * dim).fill(1), { labels });
    const found = await index.search(queries.subarray(0, dim), { k: 6 });
    expect([...found.labels]).toEqual([0, 3, 5, 7, 2147483647, -1]);
    for (const label of labels) expect(await index.reconstruct(label)).toEqual(new Float32Array(dim).fill(1));
    await expect(index.add(queries)).rejects.toEqual(failsWith('bad-argument', /default labels would pass 2\^31 − 1/));
    await index.add(queries, { labels: Int32Array.of(10, 9, 8, 7, 6) });
    expect(index.size).toBe(9);
  });

  it('replace the row that has them; the old one is never seen again', async () => {
    using index = await filled(many.subarray(0, 2000 * dim));
    await index.search(queries); // codes hold the old rows
    const replacement = makeVectors('normal', 900, dim, 77);
    const labels = Array.from({ length: 900 }, (_, i) => 2 * i); // no longer ascending
    await index.add(replacement, { labels });
    const rows = new Map(labelled(many.subarray(0, 2000 * dim), dim).map((row) => [row.label, row]));
    for (const { label, vector } of labelled(replacement, dim)) rows.set(2 * label, { label: 2 * label, vector });
    await expectExact(index, [...rows.values()], queries);
    await expectExact(index, [...rows.values()], many.subarray(0, 10 * dim), 3); // at the old vectors
    expect(await index.reconstruct(4)).toEqual(replacement.slice(2 * dim, 3 * dim));
    await index.add(many.subarray(0, dim), { labels: [4] }); // and once more
    expect(await index.reconstruct(4)).toEqual(many.slice(0, dim));
    expect(index.size).toBe(2000);
  });

  it('that are none are refused, and nothing is added', async () => {
    using index = await filled(many.subarray(0, 2 * dim));
    const two = queries.subarray(0, 2 * dim);
    for (const [labels, message] of [
      [[4, 4], 'labels[1] is 4, which comes twice in this call; give each label once'],
      [[4, -1], 'labels[1] is -1; labels are integers from 0 to 2147483647'],
      [[1.5, 4], 'labels[0] is 1.5; labels are integers from 0 to 2147483647'],
      [[4, 2 ** 31], 'labels[1] is 2147483648; labels are integers from 0 to 2147483647'],
      [[4, Number.NaN], 'labels[1] is NaN; labels are integers from 0 to 2147483647'],
      [[4], 'labels has 1 entries for 2 rows; give one a row'],
      [[4, 5, 6], 'labels has 3 entries for 2 rows; give one a row'],
    ] as const) {
      await expect(index.add(two, { labels })).rejects.toEqual(failsWith('bad-argument', message));
    }
    expect(index.size).toBe(2);
    expect([...(await index.add(two))]).toEqual([2, 3]);
  });

  it('carry keys', async () => {
    using index = flat();
    await index.add(queries.subarray(0, 2 * dim));
    await index.add(queries.subarray(2 * dim, 4 * dim), { keys: ['café ☕', ''], labels: [9, 4] });
    await index.add(queries.subarray(4 * dim));
    expect([0, 1, 9, 4, 10, 11].map((label) => index.keyOf(label))).toEqual([undefined, undefined, 'café ☕', '', undefined, undefined]);
    await index.add(queries.subarray(0, dim), { keys: ['new'], labels: [9] });
    expect(index.keyOf(9)).toBe('new');
    await index.add(queries.subarray(0, dim), { labels: [9] });
    expect(index.keyOf(9)).toBeUndefined();
    await index.remove([4]);
    expect(index.keyOf(4)).toBeUndefined();
  });

  it.each([
    [['a'], 'keys has 1 entries for 5 rows; give one a row'],
    [['a', 'b', 3, 'd', 'e'], 'keys[2] is 3, a number; give strings'],
    ['abcde', 'keys must be an array of strings, one a row; it is a string'],
  ])('refuse keys %j', async (keys, message) => {
    using index = flat();
    await expect(index.add(queries, { keys } as AddOptions)).rejects.toEqual(failsWith('bad-argument', message));
    expect(index.size).toBe(0);
  });
});

describe('remove', () => {
  it('skips labels that are not there', async () => {
    using index = await filled(many.subarray(0, 10 * dim));
    expect(await index.remove([3, 3, 99, -1, 1.5, Number.NaN, 5])).toBe(2);
    expect(await index.remove([3])).toBe(0);
    expect(await index.remove([])).toBe(0);
    expect(index.size).toBe(8);
    await expect(index.reconstruct(3)).rejects.toEqual(failsWith('bad-argument', /label 3 is not in the index/));
  });

  it('of most rows moves the rest together: labels, keys and answers stay', async () => {
    for (const metric of metrics) {
      using index = flat(metric);
      const keys = Array.from({ length: 3000 }, (_, i) => `key ${i}`);
      await index.add(many, { keys });
      await index.search(queries);
      const before = (index as FlatIndex).memory.originals;
      expect(await index.remove(Array.from({ length: 2500 }, (_, i) => i + (i % 2 ? 1 : 0)))).toBe(1251);
      expect(await index.remove(Array.from({ length: 1000 }, (_, i) => i))).toBe(500);
      const gone = new Set([...Array.from({ length: 2500 }, (_, i) => i + (i % 2 ? 1 : 0)), ...Array.from({ length: 1000 }, (_, i) => i)]);
      const rows = labelled(many, dim).filter(({ label }) => !gone.has(label));
      expect((index as FlatIndex).memory.originals).toBeLessThan(before); // it did move
      await expectExact(index, rows, queries);
      for (const { label, vector } of rows.filter((_, i) => i % 100 === 0)) {
        expect(index.keyOf(label)).toBe(`key ${label}`);
        expect(await index.reconstruct(label)).toEqual(metric === 'cosine' ? normalised(vector) : vector);
      }
      expect(index.keyOf(0)).toBeUndefined();
      expect([...(await index.add(queries))]).toEqual([3000, 3001, 3002, 3003, 3004]);
      await expectExact(index, [...rows, ...labelled(queries, dim, 3000)], queries);
    }
  });

  it('of all rows leaves an index that answers with padding and takes more', async () => {
    using index = await filled(many.subarray(0, 2000 * dim));
    await index.remove(Array.from({ length: 2000 }, (_, i) => i));
    await expectExact(index, [], queries, 3);
    expect((await index.rangeSearch(queries, 1e9)).labels.length).toBe(0);
    await index.prepare();
    await index.add(queries);
    await expectExact(index, labelled(queries, dim, 2000), queries, 3);
  });

  it('mixed with adds in any order answers as brute force does', async () => {
    const step = fc.record({
      what: fc.constantFrom('add', 'replace', 'remove', 'search'),
      size: fc.integer({ min: 1, max: 700 }),
      picks: fc.uniqueArray(fc.nat(2500), { minLength: 1, maxLength: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 10 }), fc.constantFrom(...metrics), async (steps, metric) => {
        using index = flat(metric);
        const rows = new Map<number, Row>();
        const random = randomFrom(steps.length);
        const fresh = (n: number) => Float32Array.from({ length: n * dim }, () => random.normal());
        const put = (labels: ArrayLike<number>, vectors: Float32Array) => {
          for (const { label, vector } of labelled(vectors, dim)) rows.set(labels[label]!, { label: labels[label]!, vector });
        };
        await index.add(many.subarray(0, 1100 * dim)).then((labels) => put(labels, many.subarray(0, 1100 * dim)));
        const remove = async (labels: number[]) => {
          expect(await index.remove(labels)).toBe(labels.length);
          for (const label of labels) rows.delete(label);
        };
        const add = async (vectors: Float32Array, labels?: number[]) => put(await index.add(vectors, { labels }), vectors);
        for (const { what, size, picks } of steps) {
          if (what === 'add') await add(fresh(size));
          else if (what === 'replace') await add(fresh(picks.length), picks);
          else if (what === 'remove') await remove([...rows.keys()].filter((label) => label % 4 === size % 4));
          else await expectExact(index, [...rows.values()], queries.subarray(0, dim));
        }
        await expectExact(index, [...rows.values()], queries.subarray(0, 2 * dim));
      }),
      { seed, numRuns: 25 },
    );
  });
});

describe('reconstruct', () => {
  it('gives rows as stored: unchanged, or normalised under cosine', async () => {
    for (const metric of metrics) {
      using index = await filled(queries, metric);
      for (const [label, row] of rowsOf(queries, dim).entries()) {
        expect(await index.reconstruct(label)).toEqual(metric === 'cosine' ? normalised(row) : row);
      }
    }
  });

  it('gives copies', async () => {
    using index = await filled(queries);
    (await index.reconstruct(0)).fill(9);
    expect(await index.reconstruct(0)).toEqual(queries.slice(0, dim));
    const vectors = queries.slice();
    const adding = index.add(vectors);
    await adding;
    vectors.fill(0);
    expect(await index.reconstruct(5)).toEqual(queries.slice(0, dim));
  });
});

describe('filters', () => {
  const hash = (label: number) => (Math.imul(label + 1, 2654435761) >>> 0) / 2 ** 32;

  it.each([1, 0.5, 0.1, 0.01, 0.001, 0])('that let %s of the rows pass, as bitset and as predicate', async (share) => {
    for (const [metric, width, vectors] of [
      ['l2', dim, many],
      ['ip', dim, many],
      ['cosine', 96, lowRank(3000, 96, 3)],
    ] as const) {
      using index = await filled(vectors, metric, width);
      const rows = labelled(vectors, width).filter(({ label }) => hash(label) < share);
      const asked: number[] = [];
      const predicate = (label: number) => {
        asked.push(label);
        return hash(label) < share;
      };
      const some = vectors.subarray(0, 3 * width);
      const right = nearest(metric, rows, some, width, 10);
      for (const filter of [labelBitset(rows.map(({ label }) => label)), predicate]) {
        expectSameNeighbors(await index.search(some, { k: 10, filter }), right, `${metric}, ${typeof filter}`);
        const radius = right.distances[5]!;
        const ranges = await index.rangeSearch(some.subarray(0, width), radius, { filter });
        const inside = ranked(metric, rows, some.slice(0, width)).filter(({ distance }) => distance <= radius);
        expect([...ranges.labels]).toEqual(inside.map(({ label }) => label));
      }
      expect(asked).toEqual([...asked.slice(0, 3000), ...asked.slice(0, 3000)]); // once a label in each call
      expect(new Set(asked).size).toBe(3000);
    }
  });

  it('never bring back removed rows, and ignore labels that are not there', async () => {
    using index = await filled();
    await index.remove([0, 1, 2]);
    const bits = labelBitset([0, 1, 2, 3, 4, 5000, 100_000]);
    const found = await index.search(queries.subarray(0, dim), { k: 10, filter: bits });
    expect([...found.labels].sort((a, b) => a - b)).toEqual([...new Array(8).fill(-1), 3, 4]);
    const short = await index.search(queries, { k: 3, filter: new Uint32Array(0) });
    expect([...short.labels]).toEqual(new Array(15).fill(-1));
  });

  it('that throw reject the search with what they threw', async () => {
    using index = await filled();
    const reason = new Error('no');
    const filter = () => {
      throw reason;
    };
    await expect(index.search(queries, { filter })).rejects.toBe(reason);
    await expectExact(index, labelled(many, dim), queries);
  });

  it.each([new Uint8Array(4), new Set([1]), 'all', 5, null, [1, 2]])('of another type are refused: %j', async (filter) => {
    using index = await filled(queries);
    const options = { filter: filter as unknown as LabelFilter };
    const refused = failsWith('bad-argument', 'filter must be a Uint32Array bitset over labels or a function of a label');
    await expect(index.search(queries, options)).rejects.toEqual(refused);
    await expect(index.rangeSearch(queries, 1, options)).rejects.toEqual(refused);
  });
});

describe('range search', () => {
  it('finds what brute force finds, in the same order', async () => {
    for (const [metric, width, vectors] of [
      ['l2', dim, many],
      ['ip', 20, makeVectors('bytes', 2000, 20, 4)],
      ['cosine', 96, lowRank(2000, 96, 5)],
      ['l2', 3, makeVectors('duplicates', 2000, 3, 6)],
      ['l2', dim, many.subarray(0, 100 * dim)],
    ] as const) {
      using index = await filled(vectors, metric, width);
      const some = vectors.subarray(0, 4 * width);
      const all = rowsOf(some, width).map((query) => ranked(metric, labelled(vectors, width), query));
      // the radius is one of the distances, its neighbours among the floats, or between floats
      for (const radius of [all[0]![20]!.distance, all[1]![0]!.distance, all[2]![99]!.distance * (1 - 1e-12), all[3]!.at(-1)!.distance]) {
        const inside = all.map((list) => list.filter(({ distance }) => distance <= radius));
        const found = await index.rangeSearch(some, radius);
        expect([...found.offsets]).toEqual([0, 1, 2, 3, 4].map((q) => inside.slice(0, q).flat().length));
        expect([...found.labels]).toEqual(inside.flat().map(({ label }) => label));
        expect([...found.distances]).toEqual(inside.flat().map(({ distance }) => distance));
        expect(found.engine).toBe('cpu');
      }
    }
  });

  it('includes the radius itself, and nothing one float beyond', async () => {
    using index = await filled(many.subarray(0, 1500 * dim));
    const { distances } = await index.search(queries.subarray(0, dim), { k: 5 });
    const bits = new Uint32Array(distances.buffer);
    const below = new Float32Array(Uint32Array.of(bits[4]! - 1).buffer)[0]!;
    expect((await index.rangeSearch(queries.subarray(0, dim), distances[4]!)).labels.length).toBe(5);
    expect((await index.rangeSearch(queries.subarray(0, dim), below)).labels.length).toBe(4);
  });

  it.each([0, -0, -1, Number.NEGATIVE_INFINITY])('within radius %s finds duplicates at most', async (radius) => {
    using index = await filled();
    const found = await index.rangeSearch(many.subarray(7 * dim, 8 * dim), radius);
    expect([...found.labels]).toEqual(radius === 0 ? [7] : []);
    expect([...found.offsets]).toEqual([0, radius === 0 ? 1 : 0]);
    using products = await filled(many, 'ip');
    const opposite = await products.rangeSearch(many.subarray(0, dim), radius);
    const right = ranked('ip', labelled(many, dim), many.slice(0, dim)).filter(({ distance }) => distance <= radius);
    expect([...opposite.labels]).toEqual(right.map(({ label }) => label));
  });

  it('within Infinity finds every row', async () => {
    for (const metric of metrics) {
      using index = await filled(many, metric);
      const found = await index.rangeSearch(queries.subarray(0, 2 * dim), Number.POSITIVE_INFINITY);
      expect([...found.offsets]).toEqual([0, 3000, 6000]);
    }
  });

  it('keeps to maxResults, over all queries together', async () => {
    for (const n of [3000, 50]) {
      using index = await filled(many.subarray(0, n * dim));
      const radius = (await index.search(queries, { k: 4 })).distances[3]!;
      const total = (await index.rangeSearch(queries, radius)).labels.length;
      expect((await index.rangeSearch(queries, radius, { maxResults: total })).labels.length).toBe(total);
      await expect(index.rangeSearch(queries, radius, { maxResults: total - 1 })).rejects.toEqual(
        failsWith('bad-argument', new RegExp(`more than maxResults = ${total - 1} rows lie within radius .*; ask for a smaller radius`)),
      );
    }
  });

  it('refuses a radius or maxResults that is none', async () => {
    using index = await filled(queries);
    for (const radius of [Number.NaN, undefined, '1']) {
      const refused = failsWith('bad-argument', `radius is ${radius}; give a distance, squared for l2`);
      await expect(index.rangeSearch(queries, radius as number)).rejects.toEqual(refused);
    }
    for (const maxResults of [0, -1, Number.NaN]) {
      await expect(index.rangeSearch(queries, 1, { maxResults })).rejects.toEqual(failsWith('bad-argument', /^maxResults is .*; give/));
    }
  });
});

/** An index on an engine of which each call waits for what `hooks` says. */
function observed(metric: Metric = 'l2', width = dim): { index: FlatIndex; hooks: Hooks } {
  const hooks: Hooks = {};
  return { index: flat(metric, width, hooked(engine, hooks) as typeof engine) as FlatIndex, hooks };
}

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

describe('aborts', () => {
  const big = makeVectors('normal', 20_000, 16, 9);
  const reason = new Error('enough');
  const sameAs = async (index: VectorIndex, bytes: Uint8Array) => expectSameBytes(await index.toBytes(), bytes);

  it('before the call reject every call with the reason', async () => {
    using index = await filled();
    const signal = AbortSignal.abort(reason);
    const before = await index.toBytes();
    await expect(index.add(queries, { signal })).rejects.toBe(reason);
    await expect(index.search(queries, { signal })).rejects.toBe(reason);
    await expect(index.search(queries.subarray(0, dim), { signal, k: 3000 })).rejects.toBe(reason);
    await expect(index.rangeSearch(queries, 1, { signal })).rejects.toBe(reason);
    await expect(index.prepare({ signal })).rejects.toBe(reason);
    await expect(index.toBytes({ signal })).rejects.toBe(reason);
    await sameAs(index, before);
    await expectExact(index, labelled(many, dim), queries);
  });

  it('in the middle of an add leave the index as it was', async () => {
    using index = await filled(big.subarray(0, 1500 * 16), 'l2', 16);
    const before = await index.toBytes();
    const controller = new AbortController();
    let last = 0;
    const onProgress = (done: number) => {
      last = done;
      if (done > 10_000) controller.abort(reason);
    };
    await expect(index.add(big, { signal: controller.signal, onProgress })).rejects.toBe(reason);
    expect(last).toBeLessThan(20_000);
    await sameAs(index, before);
    await index.add(big.subarray(1500 * 16, 2000 * 16));
    await expectExact(index, labelled(big.subarray(0, 2000 * 16), 16), big.subarray(0, 16));
  });

  it('in the middle of coding leave an index that answers', async () => {
    using index = await filled(big, 'l2', 16);
    for (const doing of ['prepare', 'search'] as const) {
      const controller = new AbortController();
      const work = doing === 'prepare' ? index.prepare({ signal: controller.signal }) : index.search(big, { signal: controller.signal });
      controller.abort(reason);
      const start = performance.now();
      await expect(work).rejects.toBe(reason);
      expect(performance.now() - start).toBeLessThan(3000);
    }
    const seen: number[] = [];
    const controller = new AbortController();
    const stopped = index.prepare({
      signal: controller.signal,
      onProgress: (done) => {
        seen.push(done);
        if (done >= 5000) controller.abort(reason);
      },
    });
    await expect(stopped).rejects.toBe(reason);
    expect(seen.at(-1)).toBeLessThan(8000);
    await expectExact(index, labelled(big, 16), big.subarray(0, 16));
  });

  it('of extending the codes leave them good', async () => {
    using index = await filled(big.subarray(0, 14_000 * 16), 'l2', 16);
    await index.prepare();
    await index.add(big.subarray(14_000 * 16));
    const controller = new AbortController();
    const stopped = index.prepare({ signal: controller.signal, onProgress: () => controller.abort(reason) });
    await expect(stopped).rejects.toBe(reason);
    await expectExact(index, labelled(big, 16), big.subarray(0, 16));
  });

  it('in the middle of searches reject promptly', async () => {
    using index = await filled(big, 'l2', 16);
    await index.prepare();
    const some = big.subarray(0, 3000 * 16);
    for (const call of [
      (signal: AbortSignal, onProgress: () => void) => index.search(some, { signal, onProgress }),
      (signal: AbortSignal, onProgress: () => void) => index.search(some, { signal, onProgress, k: 10_000 }),
      (signal: AbortSignal, onProgress: () => void) => index.rangeSearch(some, 0, { signal, onProgress }),
    ]) {
      const controller = new AbortController();
      let at = 0;
      const onProgress = () => {
        at ||= performance.now();
        controller.abort(reason);
      };
      await expect(call(controller.signal, onProgress)).rejects.toBe(reason);
      expect(performance.now() - at).toBeLessThan(2000);
    }
    await expectExact(index, labelled(big, 16), big.subarray(0, 16));
  });
});

describe('progress', () => {
  it('rises to the total', async () => {
    for (const [n, k] of [
      [3000, 10],
      [100, 10],
      [3000, 2000],
    ] as const) {
      using index = flat();
      const calls: Record<string, [number, number][]> = { add: [], prepare: [], search: [], range: [], bytes: [] };
      const watch = (name: string) => ({ onProgress: (done: number, total: number) => void calls[name]!.push([done, total]) });
      await index.add(many.subarray(0, n * dim), watch('add'));
      await index.prepare(watch('prepare'));
      await index.search(many.subarray(0, 600 * dim), { k, ...watch('search') });
      await index.rangeSearch(many.subarray(0, 600 * dim), 0.1, watch('range'));
      await index.toBytes(watch('bytes'));
      for (const [name, seen] of Object.entries(calls)) {
        const total = name === 'search' || name === 'range' ? 600 : n;
        expect(seen.at(-1), name).toEqual([total, total]);
        for (const [i, [done, all]] of seen.entries()) {
          expect(all, name).toBe(total);
          expect(done, name).toBeGreaterThan(seen[i - 1]?.[0] ?? 0);
        }
      }
    }
  });
});

describe('close', () => {
  it('makes every later call fail with closed', async () => {
    const index = await filled();
    index.close();
    index.close(); // harmless
    const closed = failsWith('closed', /the index was closed/);
    for (const call of [
      () => index.add(queries),
      () => index.search(queries),
      () => index.rangeSearch(queries, 1),
      () => index.remove([1]),
      () => index.reconstruct(1),
      () => index.prepare(),
      () => index.toBytes(),
      () => index.save('/tmp/never-written'),
    ]) {
      await expect(call()).rejects.toEqual(closed);
    }
  });

  it('rejects what is pending, and gives memory back', async () => {
    const used = engine.usedBytes;
    const index = await filled();
    const closed = failsWith('closed');
    const pending = [index.search(queries), index.rangeSearch(queries, 1), index.add(queries), index.remove([1])].map((call) =>
      expect(call).rejects.toEqual(closed),
    );
    index.close();
    await Promise.all(pending);
    expect(engine.usedBytes).toBe(used);
    const prepared = await filled();
    await prepared.search(queries);
    prepared.close();
    expect(engine.usedBytes).toBe(used);
    const { index: coding, hooks } = observed();
    await coding.add(many);
    const [begun, wait] = [gate(), gate()];
    hooks.run = () => {
      begun.open();
      return wait.opened;
    };
    const late = expect(coding.prepare()).rejects.toEqual(closed);
    await begun.opened;
    coding.close();
    wait.open();
    await late;
    await vi.waitFor(() => expect(engine.usedBytes).toBe(used));
  });

  it('of the engine makes calls fail with closed too', async () => {
    const own = await oneThread();
    const index = await filled(many, 'l2', dim, own);
    own.close();
    await expect(index.search(queries)).rejects.toEqual(failsWith('closed', /the engine was closed/));
  });
});

describe('bad input', () => {
  const nan = (row: number, column: number, value: number) => {
    const vectors = queries.slice();
    vectors[row * dim + column] = value;
    return vectors;
  };

  it.each([
    [nan(3, 5, Number.NaN), 'row 3, column 5 is NaN; every value must be finite'],
    [nan(0, 0, Number.POSITIVE_INFINITY), 'row 0, column 0 is Infinity; every value must be finite'],
    [nan(4, 7, Number.NEGATIVE_INFINITY), 'row 4, column 7 is -Infinity; every value must be finite'],
    [new Float32Array(0), 'is empty; give at least one row of dim 8'],
    [new Float32Array(7), 'has 7 values, which is not a multiple of dim 8; give whole rows'],
    [new Float64Array(8), 'must be a Float32Array [n, 8] of rows, one after the other'],
    [[1, 2, 3, 4, 5, 6, 7, 8], 'must be a Float32Array [n, 8] of rows, one after the other'],
    [undefined, 'must be a Float32Array [n, 8] of rows, one after the other'],
  ])('vectors and queries, case %#', async (input, message) => {
    using index = await filled(queries);
    const vectors = input as Float32Array;
    const named = (name: string) => failsWith('bad-argument', `${name} ${message}`);
    await expect(index.add(vectors)).rejects.toEqual(named('vectors'));
    await expect(index.search(vectors)).rejects.toEqual(named('queries'));
    await expect(index.rangeSearch(vectors, 1)).rejects.toEqual(named('queries'));
    expect(index.size).toBe(5);
  });

  it('magnitudes whose distances would overflow', async () => {
    for (const metric of metrics) {
      using index = flat(metric, 2);
      const most = Float32Array.of(2 ** 62, 0); // ‖x‖² = 2^124 itself is taken
      await index.add(most);
      for (const rows of [
        [1, 1, 2 ** 62, 2 ** 40],
        [1, 1, 3e38, 0],
        [1, 1, -2e19, -2e19],
      ]) {
        const refused = (name: string) =>
          failsWith('bad-argument', new RegExp(`^${name} row 1 has squared norm .*, beyond 2\\^124 = .*; scale`));
        await expect(index.add(Float32Array.from(rows))).rejects.toEqual(refused('vectors'));
        await expect(index.search(Float32Array.from(rows))).rejects.toEqual(refused('queries'));
      }
      const opposite = Float32Array.of(-(2 ** 62), 0);
      expect(Number.isFinite((await index.search(opposite, { k: 1 })).distances[0])).toBe(true);
    }
  });

  it('zero vectors under cosine', async () => {
    using index = flat('cosine', 2);
    const message = "row 1 is zero, which has no direction; drop it or use metric 'l2' or 'ip'";
    for (const zeros of [
      [1, 1, 0, 0],
      [1, 1, -0, 0],
    ]) {
      await expect(index.add(Float32Array.from(zeros))).rejects.toEqual(failsWith('bad-argument', `vectors ${message}`));
      await expect(index.search(Float32Array.from(zeros))).rejects.toEqual(failsWith('bad-argument', `queries ${message}`));
    }
    await index.add(Float32Array.of(2 ** -149, 0)); // the least of all has one
    expect([...(await index.search(Float32Array.of(3, 0), { k: 1 })).distances]).toEqual([0]);
    for (const metric of ['l2', 'ip'] as const) {
      using other = flat(metric, 2);
      await other.add(Float32Array.of(0, -0));
      expect([...(await other.search(Float32Array.of(0, 0), { k: 1 })).distances]).toEqual([0]);
    }
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '3', null, 2 ** 25])('k %s', async (k) => {
    using index = await filled(queries);
    const searching = index.search(queries, { k: k as number });
    if (k === null)
      await searching; // like undefined: the default
    else await expect(searching).rejects.toEqual(failsWith('bad-argument', `k is ${k}; give an integer from 1 to 16777216`));
  });

  it.each([
    [{ dim: 0 }, 'dim is 0; give an integer from 1 to 4096'],
    [{ dim: 4097 }, 'dim is 4097; give an integer from 1 to 4096'],
    [{ dim: 1.5 }, 'dim is 1.5; give an integer from 1 to 4096'],
    [{ dim: '3' }, 'dim is 3; give an integer from 1 to 4096'],
    [{}, 'dim is undefined; give an integer from 1 to 4096'],
    [undefined, 'dim is undefined; give an integer from 1 to 4096'],
    [{ dim: 3, metric: 'euclid' }, "metric is \"euclid\"; give 'l2', 'ip' or 'cosine'"],
    [{ dim: 3, seed: -1 }, 'seed is -1; give an integer from 0 to 4294967295'],
    [{ dim: 3, seed: 2 ** 32 }, 'seed is 4294967296; give an integer from 0 to 4294967295'],
    [{ dim: 3, seed: 0.5 }, 'seed is 0.5; give an integer from 0 to 4294967295'],
  ])('config %j', (config, message) => {
    expect(() => makeIndex('Flat', config as { dim: number }, engine)).toThrow(failsWith('bad-argument', message));
  });

  it.each(['flat', 'IVF16', '', undefined])('description %j', (description) => {
    const known = `the index description '${description}' is not known; this version knows 'Flat'`;
    expect(() => makeIndex(description as string, { dim: 3 }, engine)).toThrow(failsWith('bad-argument', known));
  });

  it('dims 1 and 4096 are fine', async () => {
    for (const width of [1, 4096]) {
      const vectors = makeVectors('bytes', width === 1 ? 1500 : 1100, width, 6);
      using index = await filled(vectors, 'l2', width);
      await expectExact(index, labelled(vectors, width), vectors.subarray(0, width), 3);
    }
  });
});
