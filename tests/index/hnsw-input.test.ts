/** What HNSW says of input that is none, of odd input that is fine, and of the settings of a search. */
import { describe, expect, it } from 'vitest';
import { type IndexConfig, makeIndex } from '../../src/index/factory.ts';
import { labelBitset } from '../../src/node.ts';
import { shown } from '../../src/util/errors.ts';
import { makeVectors } from '../contract/data.ts';
import { expectExact, expectFilterRefused, expectSameNeighbors, failsWith, labelled, metrics, noFilters } from './helpers.ts';
import { dim, engine, filled, hnsw, many, queries } from './hnsw-fixture.ts';

describe('a description', () => {
  it.each([
    ['HNSW', { M: 32, codesOnly: false }, 'HNSW32'],
    ['HNSW16', { M: 16, codesOnly: false }, 'HNSW16'],
    ['HNSW8,Flat', { M: 8, codesOnly: false }, 'HNSW8'],
    ['HNSW2,SQ8', { M: 2, codesOnly: true }, 'HNSW2,SQ8'],
    ['HNSW,SQ8', { M: 32, codesOnly: true }, 'HNSW32,SQ8'],
    ['HNSW512', { M: 512, codesOnly: false }, 'HNSW512'],
  ])('%s', (description, config, full) => {
    using index = makeIndex(description, { dim: 3 }, engine);
    expect(index).toMatchObject({ description: full, size: 0, isTrained: true, config: { ...config, efConstruction: 200, efSearch: 64 } });
  });

  it('and config together', () => {
    using index = hnsw({ M: 7, efConstruction: 9, efSearch: 5 }, 'HNSW');
    expect(index).toMatchObject({ description: 'HNSW7', config: { M: 7, efConstruction: 9, efSearch: 5 } });
    using same = hnsw({ M: 6 }, 'HNSW6');
    expect(same.config.M).toBe(6);
    const atOdds = "the description 'HNSW6' says M 6, but M is 7; give one of them";
    expect(() => hnsw({ M: 7 }, 'HNSW6')).toThrow(failsWith('bad-argument', atOdds));
  });

  it.each([
    ['HNSW-1', 'expected M, a number from 2 to 512'],
    ['hnsw', "did you mean 'HNSW'"],
    ['HNSW6, SQ8', 'there are no spaces in a description'],
    ['HNSW6,sq8', "did you mean 'SQ8'"],
    ['HNSW6.5', 'expected'],
    [' HNSW6', 'there are no spaces in a description'],
    ['HNSWx', 'expected M, a number from 2 to 512'],
  ])('%j is none', (description, message) => {
    expect(() => hnsw({}, description)).toThrow(failsWith('bad-argument', new RegExp(message)));
  });

  it.each(['PCA4,HNSW6', 'RR,HNSW6,SQ8', 'HNSW6,SQ8,RFlat'])('%s has a codec that graphs do not take', (description) => {
    expect(() => hnsw({}, description)).toThrow(failsWith('bad-argument', /^the index description '.*' is not known: graphs take PQ<M>, /));
  });

  it.each(['HNSW0', 'HNSW1', 'HNSW513', 'HNSW99999999999999999999', 'HNSW1,SQ8'])('%s has an M that is none', (description) => {
    expect(() => hnsw({}, description)).toThrow(failsWith('bad-argument', /^M is \d.*; give an integer from 2 to 512$/));
  });

  it.each([1, 0, -3, 2.5, 513, Number.NaN, Number.POSITIVE_INFINITY, '6', true])('M %s is none', (M) => {
    expect(() => hnsw({ M: M as number }, 'HNSW')).toThrow(failsWith('bad-argument', `M is ${M}; give an integer from 2 to 512`));
  });

  it.each([0, -1, 1.5, 65_537, Number.NaN, Number.POSITIVE_INFINITY, '10'])('ef %s is none', async (ef) => {
    for (const name of ['efConstruction', 'efSearch'] as const) {
      const refused = failsWith('bad-argument', `${name} is ${shown(ef)}; give an integer from 1 to 65536`);
      expect(() => hnsw({ [name]: ef } as Partial<IndexConfig>)).toThrow(refused);
    }
    using index = await filled(queries);
    const refused = failsWith('bad-argument', `efSearch is ${shown(ef)}; give an integer from 1 to 65536`);
    await expect(index.search(queries, { efSearch: ef as number })).rejects.toEqual(refused);
    await expect(index.rangeSearch(queries, 1, { efSearch: ef as number })).rejects.toEqual(refused);
    await expectExact(index, labelled(queries, dim), queries, 3); // nothing is held by what was refused
  });

  it.each([
    [{ dim: 0 }, /^dim is 0/],
    [{ dim: 4097 }, /^dim is 4097/],
    [{ metric: 'hamming' as 'l2' }, /^metric is "hamming"/],
    [{ seed: -1 }, /^seed is -1/],
  ])('config %j', (config, message) => {
    expect(() => hnsw(config)).toThrow(failsWith('bad-argument', message));
  });
});

describe('efSearch', () => {
  it('below k is raised to k, and beyond the size looks at every row', async () => {
    using index = await filled();
    const wide = await index.search(queries, { k: 40, efSearch: 40, stats: true });
    const narrow = await index.search(queries, { k: 40, efSearch: 3, stats: true });
    expectSameNeighbors(narrow, wide);
    expect(narrow.stats).toEqual(wide.stats);
    expect(narrow.labels.every((label) => label >= 0)).toBe(true);
    for (const efSearch of [2999, 3000, 3001, 65_536]) {
      const found = await index.search(queries, { k: 10, efSearch, stats: true });
      expect(found.stats!.hops.every((hops) => hops === 0)).toBe(true);
      await expectExact(index, labelled(many, dim), queries, 400); // as does k
    }
  });

  it('defaults to the index’s, and steers what a search does', async () => {
    using index = await filled(many, { efSearch: 20 });
    const [default_, same, wider] = [undefined, 20, 60].map((efSearch) => index.search(queries, { efSearch, stats: true }));
    expectSameNeighbors(await default_!, await same!);
    expect((await default_!).stats).toEqual((await same!).stats);
    const sum = (counts: Uint32Array) => counts.reduce((all, one) => all + one);
    expect(sum((await wider!).stats!.hops)).toBeGreaterThan(sum((await same!).stats!.hops));
    expect(sum((await wider!).stats!.distances)).toBeLessThan(5 * 3000);
    expect(await index.search(queries)).not.toHaveProperty('stats');
  });

  it('of 1 finds one of the near rows', async () => {
    using index = await filled();
    const found = await index.search(many.subarray(0, 50 * dim), { k: 1, efSearch: 1 });
    expect(found.distances.filter((distance) => distance === 0).length).toBeGreaterThan(10);
    expect(found.labels.every((label) => label >= 0)).toBe(true);
  });
});

describe('k', () => {
  it('beyond the size is padded, and near it every row comes back', async () => {
    for (const metric of metrics) {
      using index = await filled(many.subarray(0, 50 * dim), { metric });
      for (const k of [1, 49, 50, 51, 70]) await expectExact(index, labelled(many.subarray(0, 50 * dim), dim), queries, k);
    }
    using index = await filled();
    const all = await index.search(queries.subarray(0, dim), { k: 3002 });
    expect([...all.labels.subarray(3000)]).toEqual([-1, -1]);
    expect(new Set(all.labels.subarray(0, 3000)).size).toBe(3000);
  });

  it.each([0, -1, 1.5, Number.NaN, '3', 2 ** 25])('%s is none', async (k) => {
    using index = await filled(queries);
    const refused = failsWith('bad-argument', `k is ${shown(k)}; give an integer from 1 to 16777216`);
    await expect(index.search(queries, { k: k as number })).rejects.toEqual(refused);
  });
});

describe('vectors and queries', () => {
  const spoilt = (at: number, value: number) => queries.with(at, value);

  it.each([
    [spoilt(29, Number.NaN), 'row 3, column 5 is NaN; every value must be finite'],
    [spoilt(0, Number.POSITIVE_INFINITY), 'row 0, column 0 is Infinity; every value must be finite'],
    [spoilt(39, Number.NEGATIVE_INFINITY), 'row 4, column 7 is -Infinity; every value must be finite'],
    [new Float32Array(0), 'is empty; give at least one row of dim 8'],
    [new Float32Array(7), 'has 7 values, which is not a multiple of dim 8; give whole rows'],
    [new Float64Array(8), 'must be a Float32Array [n, 8] of rows, one after the other'],
    [undefined, 'must be a Float32Array [n, 8] of rows, one after the other'],
  ])('case %#', async (input, message) => {
    for (const n of [5, 3000]) {
      using index = await filled(many.subarray(0, n * dim));
      const before = await index.toBytes();
      const vectors = input as Float32Array;
      const named = (name: string) => failsWith('bad-argument', new RegExp(`^${name} ${escaped(message)}`));
      await expect(index.add(vectors)).rejects.toEqual(named('vectors'));
      await expect(index.search(vectors)).rejects.toEqual(named('queries'));
      await expect(index.rangeSearch(vectors, 1)).rejects.toEqual(named('queries'));
      expect(Buffer.compare(await index.toBytes(), before)).toBe(0);
    }
  });

  it('zero vectors have no direction under cosine', async () => {
    using index = await filled(queries, { metric: 'cosine' });
    const zeros = queries.slice().fill(0, 2 * dim, 3 * dim);
    const message = "row 2 is zero, which has no direction; drop it or use metric 'l2' or 'ip'";
    await expect(index.add(zeros)).rejects.toEqual(failsWith('bad-argument', `vectors ${message}`));
    await expect(index.search(zeros)).rejects.toEqual(failsWith('bad-argument', `queries ${message}`));
    expect(index.size).toBe(5);
    for (const metric of ['l2', 'ip'] as const) {
      using other = await filled(zeros, { metric });
      await expectExact(other, labelled(zeros, dim), zeros, 3);
    }
  });

  it('magnitudes whose distances would overflow are refused, the largest others are not', async () => {
    for (const metric of metrics) {
      for (const description of ['HNSW4', 'HNSW4,SQ8']) {
        using index = hnsw({ metric, dim: 2 }, description);
        const most = Float32Array.of(2 ** 62, 0, 0, -(2 ** 62), -(2 ** 61), 2 ** 61, 1, 1);
        await index.add(most);
        const beyond = failsWith('bad-argument', /^vectors row 1 has squared norm .*, beyond 2\^124/);
        await expect(index.add(Float32Array.of(1, 1, 2 ** 62, 2 ** 40))).rejects.toEqual(beyond);
        const { labels, distances } = await index.search(most, { k: 4 });
        expect(distances.every(Number.isFinite)).toBe(true);
        for (let q = 0; q < 4; q++) expect(new Set(labels.subarray(4 * q, 4 * q + 4)).size).toBe(4);
      }
    }
  });

  it('of dim 1 and of dim 4096 are fine', async () => {
    for (const width of [1, 4096]) {
      const n = width === 1 ? 1500 : 60;
      const vectors = makeVectors('normal', n, width, 6);
      for (const description of ['HNSW4', 'HNSW4,SQ8']) {
        using index = await filled(vectors, { dim: width }, description);
        const { labels } = await index.search(vectors.subarray(0, 20 * width), { k: 1, efSearch: 16 });
        const right = labels.filter((label, i) => label === i).length;
        expect(right, `dim ${width}, ${description}`).toBeGreaterThan(description === 'HNSW4' || width > 1 ? 18 : 5); // 256 codes for 1,500 rows
      }
    }
  });
});

describe('filters', () => {
  it.each(noFilters)('of another type are refused: %j', async (filter) => {
    using index = await filled(queries);
    await expectFilterRefused(index, queries, filter);
  });

  it('leave out the labels past a bitset’s end, and ignore bits of no label', async () => {
    using index = await filled();
    const bits = new Uint32Array(1000 / 32 + 1).fill(0xffffffff); // labels 0 to 1,023
    const found = await index.search(queries, { k: 10, filter: bits });
    expect(found.labels.every((label) => label >= 0 && label < bits.length * 32)).toBe(true);
    const none = await index.search(queries, { k: 3, filter: new Uint32Array(0) });
    expect([...none.labels]).toEqual(new Array(15).fill(-1));
    const beyond = await index.search(queries.subarray(0, dim), { k: 3, filter: labelBitset([7, 5000, 100_000]) });
    expect([...beyond.labels]).toEqual([7, -1, -1]);
  });

  it('as bitset and as predicate say the same; a predicate is asked once for each live label', async () => {
    using index = await filled();
    await index.remove([0, 2, 4]);
    const asked: number[] = [];
    const even = (label: number) => {
      asked.push(label);
      return label % 2 === 0;
    };
    const found = await index.search(queries, { filter: even });
    expect(asked).toEqual(Array.from({ length: 3000 }, (_, i) => i).filter((label) => ![0, 2, 4].includes(label)));
    expectSameNeighbors(found, await index.search(queries, { filter: labelBitset(Array.from({ length: 1500 }, (_, i) => 2 * i)) }));
    expect(found.labels.every((label) => label % 2 === 0)).toBe(true);
  });

  it('that throw reject the search with what they threw, and hold on to nothing', async () => {
    const used = engine.usedBytes;
    const index = await filled();
    const reason = new Error('no');
    const filter = () => {
      throw reason;
    };
    await expect(index.search(queries, { filter })).rejects.toBe(reason);
    await expect(index.rangeSearch(queries, 1, { filter })).rejects.toBe(reason);
    await index.compact();
    index.close();
    await expect.poll(() => engine.usedBytes).toBe(used);
  });
});

describe('a radius', () => {
  it.each([Number.NaN, undefined, '1'])('%s is none', async (radius) => {
    using index = await filled(queries);
    const refused = failsWith('bad-argument', `radius is ${shown(radius)}; give a distance, squared for l2`);
    await expect(index.rangeSearch(queries, radius as number)).rejects.toEqual(refused);
  });

  it('and maxResults bound the answer', async () => {
    using index = await filled();
    const radius = (await index.search(queries, { k: 4 })).distances[3]!;
    const total = (await index.rangeSearch(queries, radius)).labels.length;
    expect(total).toBeGreaterThan(3);
    expect((await index.rangeSearch(queries, radius, { maxResults: total })).labels.length).toBe(total);
    const refused = failsWith('bad-argument', new RegExp(`more than maxResults = ${total - 1} rows lie within radius`));
    await expect(index.rangeSearch(queries, radius, { maxResults: total - 1 })).rejects.toEqual(refused);
    await expect(index.rangeSearch(queries, 1, { maxResults: 0 })).rejects.toEqual(failsWith('bad-argument', /^maxResults is 0/));
  });
});

function escaped(text: string): string {
  return text.replace(/[[\](){}.*+?^$|\\]/g, '\\$&');
}
