/** What Flat promises of its rows: labels and keys, removing, reconstructing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FlatIndex } from '../../src/index/flat.ts';
import type { AddOptions } from '../../src/node.ts';
import { makeVectors, randomFrom, seed } from '../contract/data.ts';
import { normalised, rowsOf } from '../contract/oracle.ts';
import { dim, filled, flat, many, queries } from './flat-fixture.ts';
import { expectExact, failsWith, labelled, metrics, type Row } from './helpers.ts';

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
