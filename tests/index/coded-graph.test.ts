/** A graph over codes of a product quantiser: what it finds, with and without vectors, and what becomes of rows that come and go. */
import { describe, expect, it } from 'vitest';
import { makeIndex } from '../../src/index/factory.ts';
import type { Metric } from '../../src/index/vector-index.ts';
import { agreement, coded, descriptions, dim, engine, filled, many, observed, queries, rows } from './coded-graph-fixture.ts';
import { expectFilterRefused, expectSameBytes, expectSameNeighbors, failsWith, gate, metrics, noFilters } from './helpers.ts';

/** The right answer: the same vectors, all looked at. */
async function flat(vectors: Float32Array, metric: Metric = 'l2') {
  const index = makeIndex('Flat', { dim, metric }, engine);
  await index.add(vectors);
  return index;
}

/** The same codes in one list, all looked at. */
async function listed(description: string, metric: Metric = 'l2') {
  const index = makeIndex(description.replace(/HNSW\d+,/, ''), { dim, metric }, engine);
  await index.train(many);
  await index.add(many);
  return index;
}

describe('a description', () => {
  it.each([
    ['OPQ+HNSW', 64, 'OPQ32,HNSW16,PQ32'],
    ['OPQ+HNSW,RFlat', 100, 'OPQ32,HNSW16,PQ32,RFlat'],
    ['HNSW,PQ8', 16, 'HNSW32,PQ8'],
    ['PCA12,RR,HNSW5,PQ6x4', 16, 'PCA12,RR,HNSW5,PQ6x4'],
  ])('%s of dim %i', (description, width, full) => {
    using index = makeIndex(description, { dim: width }, engine);
    expect(index).toMatchObject({ description: full, size: 0, isTrained: false, config: { efConstruction: 200, efSearch: 64 } });
  });

  it('and config together', () => {
    const config = {
      dim: 40,
      nSubquantizers: 8,
      nBits: 4,
      M: 10,
      efConstruction: 50,
      efSearch: 20,
      refine: 'disk',
      refineFactor: 3,
    } as const;
    using index = makeIndex('OPQ+HNSW', config, engine);
    expect(index.description).toBe('OPQ8,HNSW10,PQ8x4,RFlat');
    expect(index).toMatchObject({ config: { efConstruction: 50, efSearch: 20, refineFactor: 3 } });
  });

  it('with numbers that are none', () => {
    const refused = (config: object, message: string) =>
      expect(() => coded('HNSW6,PQ8', config)).toThrow(failsWith('bad-argument', message));
    refused({ efSearch: 0 }, 'efSearch is 0; give an integer from 1 to 65536');
    refused({ efConstruction: 1.5 }, 'efConstruction is 1.5; give an integer from 1 to 65536');
    refused({ refineFactor: 0.5 }, 'refineFactor is 0.5; give a number from 1 to 1000');
    refused({ M: 7 }, "the description 'HNSW6,PQ8' says M 6, but M is 7; give one of them");
    expect(() => coded('HNSW6,PQ5')).toThrow(
      failsWith('bad-argument', /^PQ5 needs a dim that is a multiple of 5, but it is 16; give HNSW6,PQ4 or /),
    );
  });
});

it('does nothing before it is trained', async () => {
  using index = coded('HNSW6,PQ4x4');
  const before = (what: string) =>
    failsWith('bad-argument', `the index HNSW6,PQ4x4 is not trained; call train(vectors) before you ${what}`);
  await expect(index.add(many)).rejects.toEqual(before('add to it'));
  await expect(index.search(queries)).rejects.toEqual(before('search it'));
  await expect(index.rangeSearch(queries, 1)).rejects.toEqual(before('search it'));
  await index.train(many);
  expect((await index.search(queries, { k: 2 })).labels.every((label) => label === -1)).toBe(true);
  await index.add(rows(0, 20));
  await expect(index.train(many)).rejects.toEqual(failsWith('bad-argument', /^the index holds 20 rows, coded as it was trained/));
});

describe('finds', () => {
  it.each(descriptions.flatMap((description) => metrics.map((metric) => [description, metric] as const)))(
    'what its codes say is near: %s, %s',
    async (description, metric) => {
      using index = await filled(description, many, { metric });
      using list = await listed(description, metric);
      expect(await agreement(index, list, { efSearch: 100, refineFactor: 4 })).toBeGreaterThan(metric === 'ip' ? 0.85 : 0.97);
      const { stats, distancesOf } = await index.search(queries, { stats: true });
      expect(distancesOf).toBe(description.endsWith('RFlat') ? 'vectors' : 'codes');
      expect(stats!.hops.every((hops) => hops > 5 && hops < 400)).toBe(true);
    },
  );

  it.each(metrics)('with vectors nearly what is near: %s', async (metric) => {
    using index = await filled('OPQ8,HNSW8,PQ8,RFlat', many, { metric });
    using exact = await flat(many, metric);
    expect(await agreement(index, exact, { efSearch: 80, refineFactor: 8 })).toBeGreaterThan(0.97);
    const one = await index.search(queries.subarray(0, dim), { k: 1 });
    expectSameNeighbors(one, await exact.search(queries.subarray(0, dim), { k: 1, filter: (label) => label === one.labels[0] }));
  });

  it('everything, where all is looked at', async () => {
    using index = await filled('HNSW6,PQ4x4,RFlat', rows(0, 400), { refineFactor: 1000 });
    using exact = await flat(rows(0, 400));
    expectSameNeighbors(await index.search(queries, { k: 400 }), await exact.search(queries, { k: 400 }));
    expectSameNeighbors(await index.search(queries, { k: 500 }), await exact.search(queries, { k: 500 }), 'more than there are');
  });

  it('rows within a radius', async () => {
    using index = await filled('HNSW8,PQ8,RFlat');
    using exact = await flat(many);
    const radius = (await exact.search(queries, { k: 40 })).distances[39]!;
    const [found, all] = [await index.rangeSearch(queries, radius, { efSearch: 64 }), await exact.rangeSearch(queries, radius)];
    expect(found.distances.every((distance) => distance <= radius)).toBe(true);
    expect(found.labels.length / all.labels.length).toBeGreaterThan(0.95);
    const few = (label: number) => label % 30 === 0;
    expectSameNeighbors(await index.rangeSearch(queries, 1e9, { filter: few }), await exact.rangeSearch(queries, 1e9, { filter: few }));
    await expect(index.rangeSearch(queries, 1e9, { maxResults: 5 })).rejects.toEqual(failsWith('bad-argument'));
  });
});

describe('a filter', () => {
  it.each(['HNSW6,PQ8', 'HNSW6,PQ8,RFlat'])('is kept, whether graphs are walked or codes scanned: %s', async (description) => {
    using index = await filled(description);
    using list = await listed(description);
    for (const every of [2, 3, 10, 100, 1501]) {
      const filter = (label: number) => label % every === 0;
      const { labels, stats } = await index.search(queries, { filter, stats: true, efSearch: 40 });
      const admitted = Math.ceil(1500 / every);
      expect(labels.every((label) => label < 0 || filter(label))).toBe(true);
      expect(labels.filter((label) => label >= 0).length).toBe(12 * Math.min(10, admitted));
      expect(stats!.hops.some((hops) => hops > 0)).toBe(admitted ** 2 > 8 * 40 * 1500);
      expect(await agreement(index, list, { filter, efSearch: 40, refineFactor: 4 })).toBeGreaterThan(0.95);
    }
  });

  it('that is none is refused', async () => {
    using index = await filled('HNSW6,PQ8');
    for (const filter of noFilters) await expectFilterRefused(index, queries, filter);
  });
});

describe('rows that go', () => {
  it.each(descriptions)('are not returned, and compact builds a graph of the others: %s', async (description) => {
    using index = await filled(description, rows(0, 1200));
    const gone = Array.from({ length: 500 }, (_, i) => 2 * i);
    expect(await index.remove(gone)).toBe(500);
    const isGone = (label: number) => label < 1000 && label % 2 === 0;
    const before = await index.search(queries);
    expect(before.labels.some(isGone)).toBe(false);
    const said = await index.reconstruct(1001);
    const { links } = index.memory;
    await index.compact();
    expect(index.size).toBe(700);
    expect(index.memory.links).toBeLessThan(links);
    expect(await index.reconstruct(1001)).toEqual(said);
    const after = await index.search(queries, { efSearch: 100 });
    expect(after.labels.some(isGone)).toBe(false);
    expect(after.labels.filter((label, i) => before.labels[i] === label).length).toBeGreaterThan(80);
    await expect(index.reconstruct(2)).rejects.toEqual(failsWith('bad-argument', 'label 2 is not in the index'));
    await index.add(rows(1200, 1500), { labels: Array.from({ length: 300 }, (_, i) => i) });
    expect(index.size).toBe(700 + 150);
    expect((await index.search(rows(1300, 1301), { k: 1 })).labels).toEqual(Int32Array.of(100));
    await index.remove(Array.from({ length: 1300 }, (_, i) => i));
    await index.compact();
    expect(index.size).toBe(0);
    await index.add(rows(0, 30));
    expect((await index.search(rows(7, 8), { k: 1 })).labels[0]).toBe(1207);
  });

  it('and come again under the same label count once', async () => {
    using index = await filled('HNSW6,PQ8,RFlat', rows(0, 300));
    await index.add(rows(600, 601), { labels: [5] });
    expect(index.size).toBe(300);
    expect((await index.search(rows(600, 601), { k: 1 })).labels).toEqual(Int32Array.of(5));
    expect(await index.reconstruct(5)).toEqual(rows(600, 601));
  });
});

describe('adding', () => {
  it.each(descriptions)('in batches is adding at once: %s', async (description) => {
    using index = await filled(description, rows(0, 900));
    using other = coded(description);
    await other.train(many);
    await other.add([rows(0, 100), rows(100, 101), rows(101, 900)]);
    expectSameBytes(await other.toBytes(), await index.toBytes());
  });

  it.each(descriptions)('in several calls finds as much: %s', async (description) => {
    using index = await filled(description, rows(0, 700));
    for (let at = 700; at < 1500; at += 200) await index.add(rows(at, at + 200));
    using list = await listed(description);
    expect(await agreement(index, list, { efSearch: 100, refineFactor: 4 })).toBeGreaterThan(0.95);
  });

  it('that fails leaves nothing behind', async () => {
    const used = engine.usedBytes;
    const { index, hooks } = observed('HNSW6,PQ8');
    await index.train(many);
    for (const begin of [0, 500]) {
      const before = await index.toBytes();
      for (const label of ['graph: codes', 'graph: page table', 'build: chosen links']) {
        hooks.alloc = (asked) => {
          if (asked === label) throw new Error('no room');
        };
        await expect(index.add(rows(begin, begin + 500)), label).rejects.toThrow('no room');
        hooks.alloc = () => {};
        expectSameBytes(await index.toBytes(), before, label);
      }
      await index.add(rows(begin, begin + 500));
    }
    using same = await filled('HNSW6,PQ8', rows(0, 500));
    await same.add(rows(500, 1000));
    expectSameBytes(await index.toBytes(), await same.toBytes());
    hooks.alloc = (asked) => {
      if (asked === 'build: chosen links') throw new Error('no room');
    };
    await index.remove([1]);
    await expect(index.compact()).rejects.toThrow('no room');
    hooks.alloc = () => {};
    await index.compact();
    index.close();
    same.close();
    await expect.poll(() => engine.usedBytes).toBe(used);
  });

  it('can be aborted', async () => {
    using index = await filled('HNSW6,PQ8', rows(0, 500));
    const before = await index.toBytes();
    const reason = new Error('enough');
    await expect(index.add(many, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expectSameBytes(await index.toBytes(), before);
  });

  it('lets searches see what was there before', async () => {
    const { index, hooks } = observed('HNSW6,PQ8,RFlat');
    await index.train(many);
    await index.add(rows(0, 1000));
    const right = await index.search(queries);
    const { opened, open } = gate();
    hooks.alloc = (label) => (label === 'graph: keys' ? opened : undefined);
    const early = index.search(queries);
    hooks.alloc = () => {};
    await index.add(rows(1000, 1500));
    await index.remove(right.labels);
    await index.compact();
    open();
    expectSameNeighbors(await early, right);
    index.close();
  });
});

it('closes without a trace, in the midst of an add and of a search', async () => {
  const used = engine.usedBytes;
  const index = await filled('OPQ4_12,HNSW4,PQ4x4', rows(0, 800));
  const closed = failsWith('closed');
  const calls = [index.search(queries), index.add(rows(800, 1500))];
  const outcomes = Promise.all(calls.map((call) => expect(call).rejects.toEqual(closed)));
  index.close();
  await outcomes;
  await expect(index.search(queries)).rejects.toEqual(closed);
  await expect.poll(() => engine.usedBytes).toBe(used);
});
