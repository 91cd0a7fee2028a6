/** How much of the truth HNSW finds: brute force is the judge, and each bound is one that a bad graph misses. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { IndexConfig } from '../../src/index/factory.ts';
import { makeVectors, randomFrom } from '../contract/data.ts';
import { labelled, lowRank, metrics } from './helpers.ts';
import { filled, recallAt, truthFor } from './hnsw-fixture.ts';

/** The first `n` pictures of a file of the sample, f32 [n, 784]. */
async function pictures(name: string, n: number): Promise<Float32Array> {
  const file = gunzipSync(await readFile(join(import.meta.dirname, '../fixtures/fashion-mnist', `${name}-images-idx3-ubyte.gz`)));
  return Float32Array.from(file.subarray(16, 16 + n * 784));
}

const hash = (label: number) => (Math.imul(label + 1, 2654435761) >>> 0) / 2 ** 32;

const config: Partial<IndexConfig> = { efConstruction: 60 };

describe('recall at 10', () => {
  it('of pictures', async () => {
    const dim = 784;
    const vectors = await pictures('train', 2000);
    const asked = await pictures('t10k', 30);
    const rows = labelled(vectors, dim);
    for (const metric of ['l2', 'cosine'] as const) {
      const truth = truthFor(metric, rows, asked, dim);
      using index = await filled(vectors, { dim, metric, ...config }, 'HNSW12');
      using coded = await filled(vectors, { dim, metric, ...config }, 'HNSW12,SQ8');
      const found = [];
      for (const efSearch of [16, 48]) found.push(await recallAt(index, truth, asked, { efSearch }));
      found.push(await recallAt(coded, truth, asked, { efSearch: 48 }));
      for (const [i, bound] of [0.94, 0.97, 0.9].entries()) expect(found[i], `${metric}: ${found}`).toBeGreaterThan(bound);
    }
  });

  it.each([
    ['normal', 0.94],
    ['unit', 0.93],
    ['bytes', 0.95],
    ['duplicates', 0.87],
    ['mixed', 0.87],
    ['sorted', 0.8],
    ['huge', 0.94],
    ['tiny', 0.94],
  ] as const)('of made-up rows: %s', async (kind, bound) => {
    for (const metric of metrics) {
      if (metric === 'ip' && kind !== 'unit') continue; // products favour long rows, whatever the graph
      const dim = 12;
      const vectors = makeVectors(kind, 3000, dim, 21);
      const asked = makeVectors(kind, 60, dim, 22);
      using index = await filled(vectors, { dim, metric, ...config }, 'HNSW8');
      const truth = truthFor(metric, labelled(vectors, dim), asked, dim);
      expect(await recallAt(index, truth, asked, { efSearch: 32 }), metric).toBeGreaterThan(bound);
    }
  });

  it.each(['normal', 'unit', 'tiny', 'huge', 'sorted'] as const)('of rows that came one by one: %s', async (kind) => {
    const dim = 12;
    const vectors = makeVectors(kind, 1200, dim, 23);
    const asked = makeVectors(kind, 60, dim, 24);
    using index = await filled(vectors.subarray(0, dim), { dim, metric: 'l2', ...config }, 'HNSW8');
    for (let at = dim; at < vectors.length; at += dim) await index.add(vectors.subarray(at, at + dim));
    const truth = truthFor('l2', labelled(vectors, dim), asked, dim);
    expect(await recallAt(index, truth, asked, { efSearch: 16 })).toBeGreaterThan(0.85);
  });

  it('of what a graph is for: rows near a subspace, by inner product too', async () => {
    const dim = 40;
    const vectors = lowRank(2000, dim, 1);
    const asked = lowRank(50, dim, 2);
    for (const metric of metrics) {
      using index = await filled(vectors, { dim, metric, ...config }, 'HNSW12');
      const truth = truthFor(metric, labelled(vectors, dim), asked, dim);
      expect(await recallAt(index, truth, asked, { efSearch: 48 }), metric).toBeGreaterThan(0.93);
    }
  });

  it.each(['clusters', 'outlier'] as const)('of data that 8 bits are too coarse for: %s', async (kind) => {
    const dim = 10;
    const vectors = makeVectors(kind, 3000, dim, 23);
    const asked = makeVectors(kind, 60, dim, 24);
    const rows = labelled(vectors, dim);
    using index = await filled(vectors, { dim, ...config }, 'HNSW12');
    expect(await recallAt(index, truthFor('l2', rows, asked, dim), asked, { efSearch: 40 })).toBeGreaterThanOrEqual(0.95);
  });

  it('is missed by a graph that was built badly: the bounds can fail', async () => {
    const dim = 12;
    const vectors = makeVectors('unit', 3000, dim, 21);
    const asked = makeVectors('unit', 60, dim, 22);
    using poor = await filled(vectors, { dim, efConstruction: 2 }, 'HNSW2');
    expect(await recallAt(poor, truthFor('l2', labelled(vectors, dim), asked, dim), asked, { efSearch: 32 })).toBeLessThan(0.6);
  });

  it('rises with efSearch to all there is', async () => {
    const dim = 12;
    const vectors = makeVectors('unit', 3000, dim, 21);
    const asked = makeVectors('unit', 60, dim, 22);
    const truth = truthFor('l2', labelled(vectors, dim), asked, dim);
    using index = await filled(vectors, { dim, ...config }, 'HNSW8');
    const recalls: number[] = [];
    for (const efSearch of [10, 20, 40, 80, 160, 3000]) recalls.push(await recallAt(index, truth, asked, { efSearch }));
    for (const [i, recall] of recalls.entries()) expect(recall, `${recalls}`).toBeGreaterThanOrEqual((recalls[i - 1] ?? 0) - 0.002);
    expect(recalls[0]).toBeLessThan(0.9);
    expect(recalls.at(-1)).toBe(1); // every row was looked at
  });
});

describe('recall under a filter', () => {
  const dim = 8;
  const vectors = makeVectors('normal', 13_000, dim, 25);
  const rows = labelled(vectors, dim);
  const asked = makeVectors('normal', 30, dim, 26);
  const made = filled(vectors, { efConstruction: 40 }, 'HNSW8');

  // the walk takes the shares down to a tenth, looking at all admissible rows the rest
  it.each([0.5, 0.3, 0.1, 0.01, 0.001])('that lets %s of the rows pass', async (share) => {
    const filter = (label: number) => hash(label) < share;
    const recall = await recallAt(await made, truthFor('l2', rows, asked, dim, filter), asked, { efSearch: 16, filter });
    expect(recall).toBeGreaterThan(share > 0.05 ? 0.9 : 0.999);
  });

  it('that leaves out what lies near the queries', async () => {
    using index = await filled(
      vectors.map((x, i) => (Math.floor(i / dim) % 2 ? x + 4 : x)),
      { efConstruction: 40 },
      'HNSW8',
    );
    const moved = labelled(vectors, dim).map(({ label, vector }) => ({ label, vector: label % 2 ? vector.map((x) => x + 4) : vector }));
    for (const modulus of [2, 6]) {
      const filter = (label: number) => label % modulus === 1;
      const found = await index.search(asked, { k: 10, efSearch: 16, filter });
      expect(found.labels.every((label) => label % modulus === 1)).toBe(true);
      const truth = truthFor('l2', moved, asked, dim, filter);
      expect(await recallAt(index, truth, asked, { efSearch: 16, filter }), `1 in ${modulus}`).toBeGreaterThan(0.9);
    }
  });
});

describe('recall after changes', () => {
  const dim = 8;
  const vectors = makeVectors('normal', 4500, dim, 27);
  const asked = makeVectors('normal', 100, dim, 28);

  it('removing half and adding as many stays within a hundredth of a fresh build', async () => {
    using index = await filled(vectors.subarray(0, 3000 * dim), { efConstruction: 40 }, 'HNSW8');
    const order = randomFrom(29);
    const gone = Array.from({ length: 3000 }, (_, label) => ({ label, at: order() }))
      .sort((a, b) => a.at - b.at)
      .slice(0, 1500)
      .map(({ label }) => label);
    expect(await index.remove(gone)).toBe(1500);
    await index.add(vectors.subarray(3000 * dim));
    const left = labelled(vectors, dim).filter(({ label }) => !gone.includes(label));
    using fresh = await filled(Float32Array.from(left.flatMap(({ vector }) => [...vector])), { efConstruction: 40 }, 'HNSW8');
    const truth = truthFor('l2', left, asked);
    const rebuilt: number[] = [];
    for (const efSearch of [16, 32, 64]) {
      rebuilt.push(await recallAt(fresh, truth, asked, { efSearch }));
      const changed = await recallAt(index, truth, asked, { efSearch });
      expect(changed, `efSearch ${efSearch}: beside ${rebuilt.at(-1)}`).toBeGreaterThan(rebuilt.at(-1)! - 0.01);
    }
    await index.compact();
    expect(await recallAt(index, truth, asked, { efSearch: 32 })).toBeGreaterThan(rebuilt[1]! - 0.02);
  });

  it('removing everything near the queries finds what is left', async () => {
    const far = vectors.map((x, i) => (Math.floor(i / dim) % 2 ? x + 5 : x));
    using index = await filled(far, { efConstruction: 40 }, 'HNSW8');
    await index.remove(Array.from({ length: 2250 }, (_, i) => 2 * i));
    const left = labelled(far, dim).filter(({ label }) => label % 2);
    expect(await recallAt(index, truthFor('l2', left, asked), asked, { efSearch: 16 })).toBeGreaterThan(0.9);
  });
});
