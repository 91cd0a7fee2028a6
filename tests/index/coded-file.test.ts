/** Files of indexes over codes: what goes in comes out, and goes on as it would have; vectors may stay on disk. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { CodedIndex } from '../../src/index/coded.ts';
import { createIndex, fromBytes, openIndex, readInfo } from '../../src/node.ts';
import { coded, descriptions, dim, engine, filled, first, many, queries } from './coded-fixture.ts';
import { copiesOf, freshNames } from './file-copies.ts';
import { expectSameBytes, expectSameNeighbors, failsWith, metrics } from './helpers.ts';
import { parseFile } from './hnsw-parse.ts';

const fresh = await freshNames('isodex-coded-');
const copies = (index: CodedIndex) => copiesOf(index, fresh(), engine);

/** Asserts that two indexes are one. */
async function expectAlike(copy: CodedIndex, index: CodedIndex, what: string): Promise<void> {
  expect({ ...copy.config, size: copy.size, isTrained: copy.isTrained }, what).toEqual({
    ...index.config,
    size: index.size,
    isTrained: index.isTrained,
  });
  expectSameBytes(await copy.toBytes(), await index.toBytes(), what);
  if (!index.isTrained) return;
  const filter = (label: number) => label % 2 === 0;
  for (const options of [{}, { k: 3, filter }, { k: 900 }, { k: 5, refineFactor: 3 }]) {
    const [actual, right] = [await copy.search(queries, options), await index.search(queries, options)];
    expectSameNeighbors(actual, right, what);
    expect(actual.distancesOf).toBe(right.distancesOf);
  }
  expectSameNeighbors(await copy.rangeSearch(queries, 4), await index.rangeSearch(queries, 4), what);
}

const closeAll = (made: Record<string, CodedIndex>) => {
  for (const one of Object.values(made)) one.close();
};

describe('a round trip', () => {
  it.each(descriptions.map((description, i) => [description, metrics[i % 3]!] as const))(
    'keeps all there is, and how it goes on: %s, %s',
    async (description, metric) => {
      const config = { metric, seed: 4_294_967_295, refineFactor: 3.125, maxPointsPerCentroid: 99 };
      using index = await filled(description, first(500), config);
      const keys = ['', 'plain', 'café ☕ 𝕏', '\ufeffmarked', 'NUL \0', 'gone'];
      await index.add(queries, { keys, labels: [5000, 4000, 3, 70_000, 3001, 9] });
      await index.remove([0, 7, 4000, 9, ...Array.from({ length: 100 }, (_, i) => 10 + 3 * i)]);
      const made = await copies(index);
      for (const [name, copy] of Object.entries(made)) {
        expect(copy).toMatchObject({ description, dim, metric, seed: 4_294_967_295 });
        expect([5000, 3, 70_000, 3001, 1, 4000].map((label) => copy.keyOf(label))).toEqual([
          '',
          keys[2],
          keys[3],
          keys[4],
          undefined,
          undefined,
        ]);
        await expectAlike(copy, index, name);
        for (const label of [1, 3, 499]) expect(await copy.reconstruct(label)).toEqual(await index.reconstruct(label));
        await expect(copy.reconstruct(0)).rejects.toEqual(failsWith('bad-argument', 'label 0 is not in the index'));
      }
      const steps: ((one: CodedIndex) => Promise<unknown>)[] = [
        (one) => one.add(many.subarray(500 * dim, 600 * dim)),
        (one) => one.add(many.subarray(600 * dim, 604 * dim), { labels: [1, 2, 5000, 6] }),
        (one) => one.remove([5, 460, 70_001]),
        (one) => one.compact(),
        (one) => one.add(many.subarray(700 * dim, 701 * dim)),
      ];
      for (const [i, step] of steps.entries()) {
        await step(index);
        for (const [name, copy] of Object.entries(made)) {
          await step(copy);
          await expectAlike(copy, index, `${name} after step ${i}`);
        }
      }
      closeAll(made);
    },
  );

  const lives: Record<string, (index: CodedIndex) => Promise<unknown>> = {
    'no training': async () => {},
    'no row': (index) => index.train(many),
    'one row': async (index) => {
      await index.train(many);
      await index.add(queries.subarray(0, dim));
    },
    'three rows that were removed': async (index) => {
      await index.train(many);
      await index.remove(await index.add(queries.subarray(0, 3 * dim)));
    },
    'three rows that are gone': async (index) => {
      await index.train(many);
      await index.remove(await index.add(queries.subarray(0, 3 * dim)));
      await index.compact();
    },
  };

  it.each(
    Object.keys(lives).flatMap((life) => ['PQ4x4', 'IVF8,PQ4x4,RFlat', 'PCA6,SQ8'].map((description) => [life, description] as const)),
  )('of an index with %s: %s', async (life, description) => {
    using index = coded(description);
    await lives[life]!(index);
    const made = await copies(index);
    for (const [name, copy] of Object.entries(made)) await expectAlike(copy, index, name);
    if (!index.isTrained) for (const one of [index, ...Object.values(made)]) await one.train(many);
    await index.add(queries);
    for (const [name, copy] of Object.entries(made)) {
      await copy.add(queries);
      await expectAlike(copy, index, `${name}, with more rows`);
    }
    closeAll(made);
  });

  it('of data that is constant, tiny or huge opens again', async () => {
    for (const by of [0, 1e-30, 1e-18, 1e15]) {
      for (const description of ['PQ4x4', 'OPQ4,IVF4,PQ4x4', 'IVF4,SQ8', 'PCA8,SQ8']) {
        using index = coded(description, { nprobe: undefined });
        const vectors = many.map((x) => x * by);
        await index.train(vectors);
        await index.add(vectors);
        using copy = (await fromBytes(await index.toBytes(), { engine })) as CodedIndex;
        expectSameNeighbors(
          await copy.search(vectors.subarray(0, 3 * dim)),
          await index.search(vectors.subarray(0, 3 * dim)),
          `${description} by ${by}`,
        );
      }
    }
  });
});

describe('vectors on disk', () => {
  it.each(['PQ4x4,RFlat', 'IVF8,Flat', 'OPQ4,IVF8,PQ4x4,RFlat'])(
    'take no memory, and the index may be saved over its own file: %s',
    async (description) => {
      const path = fresh();
      {
        using index = await filled(description, first(900));
        await index.save(path);
      }
      using disk = (await openIndex(path, { engine, originals: 'disk' })) as CodedIndex;
      using memory = (await openIndex(path, { engine })) as CodedIndex;
      expect([disk.memory.originals, memory.memory.originals]).toEqual([0, 900 * dim * 4]);
      expect(disk.memory.codes).toBe(memory.memory.codes);
      for (const one of [disk, memory]) {
        await one.add(first(40), { labels: Array.from({ length: 40 }, (_, i) => 30 * i) });
        await one.remove([1, 2, 3]);
      }
      await expectAlike(disk, memory, 'changed');
      await disk.save(path);
      await expectAlike(disk, memory, 'saved over its file');
      using again = (await openIndex(path, { engine, originals: 'disk' })) as CodedIndex;
      await expectAlike(again, memory, 'opened again');
      await disk.compact();
      await expectAlike(disk, memory, 'compacted');
    },
  );

  it('where only codes are kept, disk says nothing', async () => {
    const path = fresh();
    using index = await filled('IVF8,PQ4x4', first(300));
    await index.save(path);
    using disk = (await openIndex(path, { engine, originals: 'disk' })) as CodedIndex;
    expect(disk.memory.originals).toBe(0);
    await expectAlike(disk, index, 'from disk');
  });
});

describe('what a file tells', () => {
  it('is its sections, the same whatever computes', async () => {
    const path = fresh();
    const index = await createIndex('OPQ4,IVF8,PQ4x4,RFlat', { dim, engine: 'cpu', nprobe: 5 });
    await index.train(many);
    await index.add(first(100));
    await index.save(path);
    index.close();
    const info = await readInfo(path);
    expect(info).toMatchObject({ description: 'OPQ4,IVF8,PQ4x4,RFlat', dim, metric: 'l2', size: 100, dead: 0 });
    const lengths = Object.fromEntries(info.sections.map(({ name, length }) => [name, length]));
    expect(lengths).toEqual({
      ...{ labels: 100, serials: 100, mean0: 16, matrix0: (16 * 16) / 2 },
      ...{ listShift: 16, listScale: 1, listCentroids: (8 * 16) / 2 },
      ...{ codeShift: 16, codeScale: 1, centroids: (8 * 16 * 4) / 2 },
      ...{ lists: 100, codes: 400, vectors: 1600 },
    });
    expect(parseFile(await readFile(path)).header.state).toMatchObject({ count: 100, nprobe: 5, refineThousandths: 10_000, trained: 1 });
  });

  it('of unset numbers is what the default was', async () => {
    using index = await filled('IVF8,SQ8', first(50), { nprobe: undefined });
    using copy = (await fromBytes(await index.toBytes(), { engine })) as CodedIndex;
    expect(copy.config).toEqual(index.config);
    expect(copy.config.nprobe).toBe(8);
  });
});
