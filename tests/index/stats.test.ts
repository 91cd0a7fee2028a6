/** What an index says of itself. */
import { afterAll, describe, expect, it } from 'vitest';
import { createIndex, openEngine } from '../../src/node.ts';
import { makeVectors } from '../contract/data.ts';

const engine = await openEngine({ prefer: 'cpu', threads: 1 });
afterAll(() => engine.close());
const dim = 8;
const rows = makeVectors('normal', 600, dim, 2);
const none = { count: 0, p50: 0, p95: 0, p99: 0, max: 0 };

describe('stats', () => {
  it('are of nothing at first', async () => {
    using index = await createIndex('Flat', { dim, engine });
    expect(index.stats()).toEqual({
      calls: { train: 0, add: 0, remove: 0, search: 0, rangeSearch: 0 },
      queries: 0,
      engines: {},
      times: { train: none, add: none, single: none, batched: none, query: none },
      recall: undefined,
      rows: { live: 0, dead: 0 },
      memory: { ...index.memory },
      memoryBytes: Object.values(index.memory).reduce((a, b) => a + b, 0),
      tuned: undefined,
      strays: [],
    });
  });

  it.each(['Flat', 'HNSW8', 'IVF8,Flat', 'PCA4,SQ8'])('count and time what %s was asked', async (description) => {
    using index = await createIndex(description, { dim, engine });
    const wantsTraining = !index.isTrained;
    if (wantsTraining) await index.train(rows);
    await index.add(rows.subarray(0, 500 * dim));
    await index.add(rows.subarray(500 * dim));
    await index.remove([1, 2]);
    for (let q = 0; q < 3; q++) await index.search(rows.subarray(q * dim, (q + 1) * dim));
    await index.search(rows.subarray(0, 40 * dim));
    await index.rangeSearch(rows.subarray(0, dim), 1);
    const { calls, queries, engines, times, rows: counted, memoryBytes } = index.stats();
    expect(calls).toEqual({ train: wantsTraining ? 1 : 0, add: 2, remove: 1, search: 4, rangeSearch: 1 });
    expect([queries, engines, counted.live]).toEqual([43, { cpu: 43 }, 598]);
    expect([times.train.count, times.add.count, times.single.count, times.batched.count, times.query.count]).toEqual([
      ...[wantsTraining ? 1 : 0, 2, 3, 40, 43],
    ]);
    for (const { p50, p95, p99, max, count } of Object.values(times)) {
      if (count === 0) continue;
      expect(p50).toBeGreaterThan(0);
      expect([p50, p95, p99, max]).toEqual([p50, p95, p99, max].sort((a, b) => a - b));
    }
    expect(memoryBytes).toBeGreaterThan(0);
  });

  it('count no call that failed, and keep the last recall', async () => {
    using index = await createIndex('Flat', { dim, engine });
    await expect(index.add(new Float32Array(dim).fill(Number.NaN))).rejects.toThrow();
    await expect(index.search(rows.subarray(0, 3))).rejects.toThrow();
    await expect(index.search(rows.subarray(0, dim), { signal: AbortSignal.abort() })).rejects.toThrow();
    await index.add(rows);
    const recall = await index.measureRecall(10);
    expect(index.stats()).toMatchObject({ calls: { add: 1, search: 0 }, queries: 0, recall });
  });

  it('tell of a closed index that it is closed', async () => {
    const index = await createIndex('Flat', { dim, engine });
    index.close();
    expect(() => index.stats()).toThrow(/was closed/);
  });
});
