/** What Flat promises of a call: filters, ranges, and clear errors for bad input. */
import { describe, expect, it } from 'vitest';
import { makeIndex } from '../../src/index/factory.ts';
import { labelBitset } from '../../src/node.ts';
import { shown } from '../../src/util/errors.ts';
import { makeVectors } from '../contract/data.ts';
import { ranked, rowsOf } from '../contract/oracle.ts';
import { dim, engine, filled, flat, many, queries } from './flat-fixture.ts';
import {
  expectExact,
  expectFilterRefused,
  expectSameNeighbors,
  failsWith,
  labelled,
  lowRank,
  metrics,
  nearest,
  noFilters,
} from './helpers.ts';

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

  it.each(noFilters)('of another type are refused: %j', async (filter) => {
    using index = await filled(queries);
    await expectFilterRefused(index, queries, filter);
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
      const refused = failsWith('bad-argument', `radius is ${shown(radius)}; give a distance, squared for l2`);
      await expect(index.rangeSearch(queries, radius as number)).rejects.toEqual(refused);
    }
    for (const maxResults of [0, -1, Number.NaN]) {
      await expect(index.rangeSearch(queries, 1, { maxResults })).rejects.toEqual(failsWith('bad-argument', /^maxResults is .*; give/));
    }
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
    else await expect(searching).rejects.toEqual(failsWith('bad-argument', `k is ${shown(k)}; give an integer from 1 to 16777216`));
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

  it.each([
    ['flat', "the index description 'flat' is not understood at character 1, 'flat': "],
    ['IVF16', "the index description 'IVF16' is not understood at character 6, its end: "],
    ['', 'the index description is empty; '],
    [undefined, "the index description 'undefined' is not known; this version knows 'Flat', 'HNSW<M>', 'HNSW<M>,SQ8'"],
  ])('description %j', (description, message) => {
    const refused = failsWith('bad-argument', new RegExp(`^${message}`));
    expect(() => makeIndex(description as string, { dim: 3 }, engine)).toThrow(refused);
  });

  it('dims 1 and 4096 are fine', async () => {
    for (const width of [1, 4096]) {
      const vectors = makeVectors('bytes', width === 1 ? 1500 : 1100, width, 6);
      using index = await filled(vectors, 'l2', width);
      await expectExact(index, labelled(vectors, width), vectors.subarray(0, width), 3);
    }
  });
});
