/** Files of graphs: what goes in comes out, and goes on as it would have. */
import { describe, expect, it } from 'vitest';
import type { HnswIndex } from '../../src/index/hnsw.ts';
import { fromBytes, readInfo } from '../../src/node.ts';
import { makeVectors } from '../contract/data.ts';
import { copiesOf, freshNames } from './file-copies.ts';
import { expectSameBytes, expectSameNeighbors, metrics } from './helpers.ts';
import { dim, engine, filled, hnsw, many, queries } from './hnsw-fixture.ts';
import { parseFile } from './hnsw-parse.ts';

const fresh = await freshNames('isodex-hnsw-');
const copies = (index: HnswIndex) => copiesOf(index, fresh(), engine);

/** Asserts that two indexes are one, now and after the same changes. */
async function expectAlike(copy: HnswIndex, index: HnswIndex, what: string): Promise<void> {
  expect({ ...copy.config, size: copy.size }, what).toEqual({ ...index.config, size: index.size });
  expectSameBytes(await copy.toBytes(), await index.toBytes(), what);
  const filter = (label: number) => label % 2 === 0;
  for (const options of [{}, { k: 3, filter }, { k: 2000 }]) {
    const [actual, right] = [
      await copy.search(queries, { ...options, stats: true }),
      await index.search(queries, { ...options, stats: true }),
    ];
    expectSameNeighbors(actual, right, what);
    expect(actual.stats, what).toEqual(right.stats);
    expect(actual.distancesOf, what).toBe(index.config.codesOnly ? 'codes' : 'vectors');
  }
  const range = await index.rangeSearch(queries, 1.5);
  expectSameNeighbors(await copy.rangeSearch(queries, 1.5), range, what);
}

describe('a round trip', () => {
  it.each(metrics.flatMap((metric) => ['HNSW5', 'HNSW5,SQ8'].map((description) => [metric, description] as const)))(
    'keeps all there is, and how it goes on: %s, %s',
    async (metric, description) => {
      using index = await filled(many.subarray(0, 1500 * dim), { metric, efSearch: 12, seed: 4_294_967_295 }, description);
      const keys = ['', 'plain', 'café ☕ 𝕏', '\ufeffmarked', 'NUL \0'];
      await index.add(queries, { keys, labels: [5000, 4000, 3, 70_000, 3001] });
      await index.remove([0, 7, 4000, ...Array.from({ length: 200 }, (_, i) => 10 + 3 * i)]);
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
        for (const label of [1, 3, 1499]) expect(await copy.reconstruct(label)).toEqual(await index.reconstruct(label));
      }
      const steps: ((one: HnswIndex) => Promise<unknown>)[] = [
        (one) => one.add(many.subarray(1500 * dim, 1600 * dim)),
        (one) => one.add(many.subarray(1600 * dim, 1610 * dim), { labels: [1, 2, 5000, 6, 8, 9, 1000, 1001, 1002, 1003] }),
        (one) => one.remove([5, 1004, 70_001]),
        (one) => one.compact(),
        (one) => one.add(many.subarray(1700 * dim, 1701 * dim)),
      ];
      for (const [i, step] of steps.entries()) {
        await step(index);
        for (const [name, copy] of Object.entries(made)) {
          await step(copy);
          await expectAlike(copy, index, `${name} after step ${i}`);
        }
      }
      for (const copy of Object.values(made)) copy.close();
    },
  );

  const lives: Record<string, (index: HnswIndex) => Promise<unknown>> = {
    'no row': async () => {},
    'one row': (index) => index.add(queries.subarray(0, dim)),
    'three rows that were removed': async (index) => index.remove(await index.add(queries.subarray(0, 3 * dim))),
    'three rows that are gone': async (index) => {
      await index.remove(await index.add(queries.subarray(0, 3 * dim)));
      await index.compact();
    },
  };
  const kinds = metrics.flatMap((metric) => ['HNSW3', 'HNSW3,SQ8'].map((description) => [metric, description] as const));

  it.each(Object.keys(lives).flatMap((life) => kinds.map((kind) => [life, ...kind] as const)))(
    'of an index with %s: %s, %s',
    async (life, metric, description) => {
      using index = hnsw({ metric }, description);
      await lives[life]!(index);
      const made = await copies(index);
      for (const [name, copy] of Object.entries(made)) await expectAlike(copy, index, name);
      await index.add(queries);
      for (const [name, copy] of Object.entries(made)) {
        await copy.add(queries);
        await expectAlike(copy, index, `${name}, with more rows`);
        copy.close();
      }
    },
  );

  it('of codes that were too coarse for canonical traversal keeps their form', async () => {
    using index = await filled(makeVectors('clusters', 1500, dim, 3));
    expect(parseFile(await index.toBytes()).header.state.form).toBe(2);
    for (const [name, copy] of Object.entries(await copies(index))) {
      await expectAlike(copy, index, name);
      copy.close();
    }
  });

  it('is told about by readInfo, and holds no codes beside vectors', async () => {
    const path = fresh();
    for (const [description, last] of [
      ['HNSW5', 'vectors'],
      ['HNSW5,SQ8', 'codes'],
    ] as const) {
      using index = await filled(many.subarray(0, 300 * dim), {}, description);
      await index.save(path);
      const info = await readInfo(path);
      expect(info).toMatchObject({ description, dim, metric: 'l2', seed: 1, size: 300 });
      expect(info.sections.map(({ name }) => name)).toEqual(['labels', 'serials', 'live', 'shift', 'scale', 'upperLinks', 'links', last]);
    }
  });

  it('can be aborted, both ways, and holds on to nothing', async () => {
    const used = engine.usedBytes;
    const index = await filled();
    const reason = new Error('enough');
    const bytes = await index.toBytes();
    await expect(index.toBytes({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(fromBytes(bytes, { engine, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const opening = fromBytes(bytes, { engine, signal: controller.signal, onProgress: () => controller.abort(reason) });
    await expect(opening).rejects.toBe(reason);
    index.close();
    await expect.poll(() => engine.usedBytes).toBe(used);
  });
});
