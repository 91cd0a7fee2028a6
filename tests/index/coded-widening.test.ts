/** Searches of lists that hold too few of what may be returned look into more of them. */
import { describe, expect, it } from 'vitest';
import { labelBitset } from '../../src/node.ts';
import { dim, filled, many, queries } from './coded-fixture.ts';

const n = many.length / dim;

describe.each(['IVF16,Flat', 'IVF16,PQ8', 'IVF16,SQ8,RFlat'])('%s', (description) => {
  it('finds as many rows as pass, if they are fewer than k', async () => {
    using index = await filled(description, many, { nprobe: 1 });
    const some = [3, 70, 900, 901, 1100];
    const { labels } = await index.search(queries, { k: 8, filter: labelBitset(some) });
    for (let q = 0; q < queries.length / dim; q++) {
      const found = [...labels.subarray(q * 8, (q + 1) * 8)];
      expect(found.filter((label) => label >= 0).sort((a, b) => a - b)).toEqual(some);
      expect(found.slice(some.length)).toEqual([-1, -1, -1]);
    }
  });

  it('finds all rows for a k beyond them, each once', async () => {
    using index = await filled(description, many, { nprobe: 2 });
    const { labels } = await index.search(queries.subarray(0, dim), { k: n + 10 });
    expect(new Set(labels).size).toBe(n + 1);
    expect(labels.filter((label) => label < 0).length).toBe(10);
  });

  it('leaves queries that found enough as they are', async () => {
    using index = await filled(description, many, { nprobe: 2 });
    const all = await index.search(queries, { k: 5 });
    for (let q = 0; q < queries.length / dim; q++) {
      const one = await index.search(queries.subarray(q * dim, (q + 1) * dim), { k: 5 });
      expect([...one.labels]).toEqual([...all.labels.subarray(q * 5, (q + 1) * 5)]);
    }
  });
});
