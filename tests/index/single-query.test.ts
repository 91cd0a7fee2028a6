/** A query asked alone is answered as among others: labels, distance bits, hops and counts, whatever was asked before. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';
import type { VectorIndex } from '../../src/index/vector-index.ts';
import { createIndex, openEngine } from '../../src/node.ts';
import { makeVectors } from '../contract/data.ts';
import { lowRank, metrics } from './helpers.ts';

const engines = await Promise.all([openEngine({ prefer: 'cpu', threads: 1 }), openEngine({ prefer: 'cpu', threads: 2 })]);
afterAll(() => {
  for (const engine of engines) engine.close();
});
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const dim = 20;
const rows = lowRank(1500, dim, 1, 6, 0.1);
const queries = lowRank(12, dim, 2, 6, 0.1);
/** Two clusters so far apart that 8 bits are too coarse, so the graph is walked by canonical distances. */
const coarse = rows.map((value, i) => value + (Math.floor(i / dim) % 2 ? 4000 : 0));

/** All queries in one call, and one by one. */
async function expectSame(index: VectorIndex, options: object): Promise<void> {
  const { k, labels, distances, stats, distancesOf } = await index.search(queries, { ...options, stats: true });
  const ask = (q: number) => index.search(queries.subarray(q * dim, (q + 1) * dim), { ...options, stats: true });
  for (let q = 0; q < queries.length / dim; q++) {
    const one = await ask(q);
    expect(one.labels).toEqual(labels.slice(q * k, (q + 1) * k));
    expect(one.distances).toEqual(distances.slice(q * k, (q + 1) * k));
    expect([one.stats!.hops[0], one.stats!.distances[0], one.distancesOf]).toEqual([stats!.hops[q], stats!.distances[q], distancesOf]);
  }
  const together = await Promise.all(Array.from({ length: queries.length / dim }, (_, q) => ask(q)));
  expect(together.flatMap((one) => [...one.labels])).toEqual([...labels]);
}

describe.each(engines.map((engine) => [engine.info.threads, engine] as const))('on %s threads', (_, engine) => {
  it.each(metrics)('under %s, with vectors, with codes alone, and where codes are too coarse', { timeout: 60_000 }, async (metric) => {
    for (const [description, vectors] of [
      ['HNSW6', rows],
      ['HNSW6,SQ8', rows],
      ['HNSW6', coarse],
    ] as const) {
      using index = await createIndex(description, { dim, metric, engine, efConstruction: 30, efSearch: 20 });
      await index.add(vectors);
      for (const options of [{}, { k: 3 }, { k: 40 }, { efSearch: 1 }, { efSearch: 90 }, { k: 10, efSearch: 20 }])
        await expectSame(index, options);
    }
  });

  it('while the index changes, and where fewer are found than are wanted', { timeout: 60_000 }, async () => {
    using index = await createIndex('HNSW6', { dim, engine, efConstruction: 30, efSearch: 16 });
    await index.add(rows.subarray(0, 900 * dim));
    await expectSame(index, {});
    await index.add(rows.subarray(900 * dim));
    await expectSame(index, {});
    await index.remove([1, 2, 3]);
    await expectSame(index, {});
    await index.compact();
    await expectSame(index, {});
    await index.add(makeVectors('normal', 5, dim, 3), { labels: [1, 2, 3, 10, 11] });
    await expectSame(index, { k: 7 });
    await index.compact();
    await expectSame(index, { k: 7 });
    await expectSame(index, { k: 1497, efSearch: 5 });
    await expectSame(index, { filter: (label: number) => label % 2 === 0 });
  });

  it('and gives back all that it took', async () => {
    const { usedBytes } = engine.host as unknown as { usedBytes: number };
    const index = await createIndex('HNSW6', { dim, engine });
    await index.add(rows);
    await index.search(queries.subarray(0, dim));
    await index.search(queries.subarray(0, dim), { k: 4 });
    index.close();
    await expect.poll(() => (engine.host as unknown as { usedBytes: number }).usedBytes).toBe(usedBytes);
  });

  it('leaves little for the garbage collector', { retry: 2 }, async () => {
    using index = await createIndex('HNSW6', { dim, engine });
    await index.add(rows);
    const ask = async (times: number) => {
      for (let i = 0; i < times; i++) await index.search(queries.subarray(0, dim));
    };
    await ask(2000);
    collect();
    const before = process.memoryUsage().heapUsed;
    await ask(300); // less than a young heap holds
    expect((process.memoryUsage().heapUsed - before) / 300).toBeLessThan(16_000);
  });
});
