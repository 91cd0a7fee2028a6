import { afterAll, describe, expect, it } from 'vitest';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';
import { makeIndex } from '../../src/index/factory.ts';
import type { Metric } from '../../src/index/vector-index.ts';
import { distancesOfTruth, exhaustiveTruth } from '../../src/tune/ground-truth.ts';
import { makeVectors } from '../contract/data.ts';
import { ranked, rowsOf } from '../contract/oracle.ts';

const engine = await CpuEngine.open({ threads: 1 });
const reference = new ReferenceEngine();
afterAll(() => engine.close());

const [n, dim, nq, k] = [1300, 20, 5, 7];
const vectors = makeVectors('normal', n, dim, 1);
const queries = makeVectors('normal', nq, dim, 2);

async function indexOf(metric: Metric) {
  const index = makeIndex('Flat', { dim, metric }, engine);
  await index.add(vectors);
  return index;
}

describe.each(['l2', 'ip', 'cosine'] as const)('truth under %s', (metric) => {
  const rows = rowsOf(vectors, dim).map((vector, label) => ({ label, vector }));
  const expected = rowsOf(queries, dim).map((query) => ranked(metric, rows, query).slice(0, k));
  const distances = expected.flatMap((list) => list.map(({ distance }) => distance));

  it.each([engine, reference])('by a scan of every row', async (other) => {
    const index = await indexOf(metric);
    const progress: number[] = [];
    const truth = await exhaustiveTruth(index, queries, k, other, { onProgress: (done, total) => progress.push(done / total) });
    expect([...truth]).toEqual(distances);
    expect(progress.at(-1)).toBe(1);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
  });

  it('from labels', async () => {
    const labels = Int32Array.from(expected.flatMap((list) => [...list.map(({ label }) => label), 99])); // one column more than asked
    expect([...(await distancesOfTruth(await indexOf(metric), queries, { labels, k: k + 1 }, k, engine))]).toEqual(distances);
  });
});

describe('truth', () => {
  it('follows labels that are not row numbers, and rows that went', async () => {
    const index = makeIndex('Flat', { dim, metric: 'l2' }, engine);
    await index.add(vectors, { labels: Array.from({ length: n }, (_, i) => 3 * (n - i)) });
    await index.remove([3, 6, 9]);
    const rows = rowsOf(vectors, dim).slice(0, n - 3);
    const expected = rowsOf(queries, dim).flatMap((query) =>
      ranked(
        'l2',
        rows.map((vector, i) => ({ label: i, vector })),
        query,
      )
        .slice(0, k)
        .map(({ distance }) => distance),
    );
    expect([...(await exhaustiveTruth(index, queries, k, reference))]).toEqual(expected);
  });

  it('is padded where there are fewer rows', async () => {
    const index = makeIndex('Flat', { dim, metric: 'l2' }, engine);
    await index.add(vectors.subarray(0, 2 * dim));
    const truth = await exhaustiveTruth(index, queries, 3, engine);
    expect([...truth].map(Number.isFinite)).toEqual(Array.from({ length: nq }, () => [true, true, false]).flat());
    const labels = Int32Array.from({ length: nq * 3 }, (_, i) => [0, 1, -1][i % 3]!);
    const byLabels = await distancesOfTruth(index, queries, { labels, k: 3 }, 3, engine);
    expect([...byLabels].map(Number.isFinite)).toEqual([...truth].map(Number.isFinite));
  });

  it('refuses what does not belong to the index', async () => {
    const index = await indexOf('l2');
    const labels = new Int32Array(nq * k).fill(n);
    await expect(distancesOfTruth(index, queries, { labels, k }, k, engine)).rejects.toThrow(
      `the truth names row ${n}, which the index of ${n} rows does not have`,
    );
    await expect(distancesOfTruth(index, queries, { labels, k }, k + 1, engine)).rejects.toThrow('fewer than k = 8');
  });

  it('heeds its signal', async () => {
    const index = await indexOf('l2');
    await expect(exhaustiveTruth(index, queries, k, engine, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
  });
});
