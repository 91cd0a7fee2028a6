/** Recall that an index measures of itself, against a count by hand. */
import { afterAll, describe, expect, it } from 'vitest';
import { createIndex, openEngine } from '../../src/node.ts';
import { makeVectors } from '../contract/data.ts';
import { canonicalDistance, rowsOf } from '../contract/oracle.ts';

const engine = await openEngine({ prefer: 'cpu', threads: 1 });
afterAll(() => engine.close());
const dim = 12;
const vectors = makeVectors('clusters', 900, dim, 4);

describe('measureRecall', () => {
  it('is 1 of exact indexes, whatever is a copy of what', async () => {
    for (const rows of [vectors, makeVectors('duplicates', 300, dim)]) {
      using index = await createIndex('Flat', { dim, engine });
      await index.add(rows);
      expect(await index.measureRecall(50, { k: 7 })).toEqual({ recall: 1, hits: 350, possible: 350, sample: 50 });
    }
  });

  it('is what a count by hand gives', async () => {
    using index = await createIndex('HNSW4', { dim, engine, efConstruction: 8, efSearch: 1 });
    await index.add(vectors);
    await index.remove([3, 5]);
    const { recall, hits, possible, sample } = await index.measureRecall(40, { k: 5, efSearch: 5 });
    expect([possible, sample]).toEqual([200, 40]);
    const live = rowsOf(vectors, dim).flatMap((vector, label) => (label === 3 || label === 5 ? [] : [{ label, vector }]));
    let right = 0;
    for (let i = 0; i < 40; i++) {
      const own = live[Math.floor((i * live.length) / 40)]!;
      const all = live.filter(({ label }) => label !== own.label).map(({ vector }) => canonicalDistance('l2', own.vector, vector));
      const bound = all.sort((a, b) => a - b)[4]!;
      const { labels, distances } = await index.search(own.vector, { k: 6, efSearch: 5 });
      const found = [...labels]
        .map((label, j) => ({ label, distance: distances[j]! }))
        .filter(({ label }) => label >= 0 && label !== own.label);
      right += found.slice(0, 5).filter(({ distance }) => distance <= bound).length;
    }
    expect(hits).toBe(right);
    expect(recall).toBe(right / 200);
    expect(recall).toBeLessThan(1);
  });

  it('wants vectors, a sample, and no filter', async () => {
    using codes = await createIndex('SQ8', { dim, engine });
    await codes.train(vectors);
    await codes.add(vectors);
    await expect(codes.measureRecall()).rejects.toThrow('the index keeps only codes, so there are no vectors');
    await expect(codes.measureRecall(0)).rejects.toThrow('sample is 0; give an integer ≥ 1');
    await expect(codes.measureRecall(5, { filter: () => true })).rejects.toThrow('measureRecall takes no filter');
    using empty = await createIndex('Flat', { dim, engine });
    expect(await empty.measureRecall()).toEqual({ recall: 1, hits: 0, possible: 0, sample: 0 });
  });
});
