/** Recall of codes and lists against brute force, with bounds that a mistake in training, coding or scoring would break. */
import { describe, expect, it } from 'vitest';
import type { CodedIndex } from '../../src/index/coded.ts';
import type { IndexConfig } from '../../src/index/factory.ts';
import type { Metric, SearchOptions } from '../../src/index/vector-index.ts';
import { readVectors } from '../../src/io/vector-source.ts';
import { TEST, TRAIN } from '../cli/cli.ts';
import { coded } from './coded-fixture.ts';
import { lowRank } from './helpers.ts';

const K = 10;

interface Data {
  readonly dim: number;
  readonly rows: Float32Array;
  readonly queries: Float32Array;
}

/** Labels of the true nearest rows of each query, in f64. */
function truthOf({ dim, rows, queries }: Data, metric: Metric): Set<number>[] {
  const norm = (x: Float32Array) => (metric === 'cosine' ? Math.hypot(...x) : 1);
  const norms = Array.from({ length: rows.length / dim }, (_, i) => norm(rows.subarray(i * dim, (i + 1) * dim)));
  return Array.from({ length: queries.length / dim }, (_, q) => {
    const distances = norms.map((length, i) => {
      let sum = 0;
      for (let j = 0; j < dim; j++) {
        const [x, y] = [rows[i * dim + j]!, queries[q * dim + j]!];
        sum += metric === 'l2' ? (x - y) * (x - y) : (-x * y) / length;
      }
      return sum;
    });
    return new Set([...norms.keys()].sort((a, b) => distances[a]! - distances[b]!).slice(0, K));
  });
}

const truths = new Map<string, Set<number>[]>();

async function recallOf(index: CodedIndex, data: Data, options: SearchOptions = {}): Promise<number> {
  const key = `${data.dim} ${data.rows.length} ${index.metric}`;
  if (!truths.has(key)) truths.set(key, truthOf(data, index.metric));
  const truth = truths.get(key)!;
  const { labels } = await index.search(data.queries, { k: K, ...options });
  return labels.filter((label, i) => truth[Math.floor(i / K)]!.has(label)).length / labels.length;
}

async function built(description: string, { dim, rows }: Data, config: Partial<IndexConfig> = {}): Promise<CodedIndex> {
  const index = coded(description, { dim, nprobe: undefined, ...config });
  await index.train(rows);
  await index.add(rows);
  return index;
}

const correlated: Data = { dim: 64, rows: lowRank(3000, 64, 1, 12, 0.05), queries: lowRank(60, 64, 2, 12, 0.05) };
/** Pictures of 28 × 28 pixels, in tiles of four: f32 [n, 196]. */
async function picturesOf(path: string, limit: number): Promise<Float32Array> {
  const { vectors } = await readVectors(path, { limit });
  const tile = (at: number) => vectors[at]! + vectors[at + 1]! + vectors[at + 28]! + vectors[at + 29]!;
  return Float32Array.from(
    { length: limit * 196 },
    (_, i) => tile(784 * Math.floor(i / 196) + 56 * Math.floor((i % 196) / 14) + 2 * (i % 14)) / 4,
  );
}

const pictures: Data = { dim: 196, rows: await picturesOf(TRAIN, 2000), queries: await picturesOf(TEST, 60) };

/** Rows f32 [n, 64] at unit length. */
function directions(rows: Float32Array): Float32Array {
  const out = rows.slice();
  for (let at = 0; at < out.length; at += 64) {
    const norm = Math.hypot(...out.subarray(at, at + 64));
    for (let j = at; j < at + 64; j++) out[j]! /= norm;
  }
  return out;
}

describe('recall of correlated data', () => {
  const of = async (description: string, config: Partial<IndexConfig> = {}, options: SearchOptions = {}) => {
    using index = await built(description, correlated, config);
    return await recallOf(index, correlated, options);
  };

  it('rises with the length of codes, and more so with a rotation', async () => {
    const [short, long, turned] = [await of('PQ8x4'), await of('PQ16x4'), await of('OPQ8,PQ8x4')];
    expect(long).toBeGreaterThan(short + 0.05);
    expect(turned).toBeGreaterThan(short + 0.05);
    expect(await of('PQ8')).toBeGreaterThan(0.5);
    expect(await of('SQ8')).toBeGreaterThan(0.97);
    expect(await of('PCA12,SQ8')).toBeGreaterThan(0.9);
  });

  it.each(['l2', 'ip', 'cosine'] as const)('is that of the vectors where they refine, for any metric: %s', async (metric) => {
    const recalls = [
      await of('PQ8', { metric }),
      await of('PQ8,RFlat', { metric }),
      await of('RR,PQ8,RFlat', { metric }, { refineFactor: 50 }),
      await of('IVF16,PQ16x4,RFlat', { metric, nprobe: 16 }),
    ];
    expect(recalls[1]).toBeGreaterThan(recalls[0]! + 0.1);
    expect(recalls[1]).toBeGreaterThan(0.95);
    expect(recalls[2]).toBeGreaterThan(0.99);
    expect(recalls[3]).toBeGreaterThan(0.95);
  });

  it.each(['l2', 'ip', 'cosine'] as const)('rises with the lists that are probed, to that of all rows: %s', async (metric) => {
    using index = await built('IVF32,Flat', correlated, { metric });
    const recalls: number[] = [];
    for (const nprobe of [1, 2, 4, 8, 32]) recalls.push(await recallOf(index, correlated, { nprobe, refineFactor: 20 }));
    for (const [i, recall] of recalls.entries()) if (i > 0) expect(recall).toBeGreaterThanOrEqual(recalls[i - 1]!);
    expect(recalls[0]).toBeGreaterThan(0.3);
    expect(recalls[3]).toBeGreaterThan(0.9);
    expect(recalls[4]).toBe(1);
  });

  it('of directions is no lower by cosine than by distances', async () => {
    const rows = directions(correlated.rows);
    for (const description of ['PQ16x4', 'IVF16,PQ8']) {
      const recalls = [];
      for (const metric of ['l2', 'cosine'] as const) {
        using index = await built(description, { ...correlated, rows }, { metric, ...(description.includes('IVF') ? { nprobe: 16 } : {}) });
        const truth = truthOf(correlated, 'cosine'); // of the directions, by either metric
        const queries = metric === 'cosine' ? correlated.queries : directions(correlated.queries);
        const { labels } = await index.search(queries, { k: K });
        recalls.push(labels.filter((label, i) => truth[Math.floor(i / K)]!.has(label)).length / labels.length);
      }
      expect(recalls[1], description).toBeGreaterThan(recalls[0]! - 0.015);
    }
  });

  it('of residuals is not below that of whole rows', async () => {
    const [whole, residual] = [await of('PQ8x4'), await of('IVF16,PQ8x4', { nprobe: 16 })];
    expect(residual).toBeGreaterThan(whole + 0.02);
  });
});

describe('recall of pictures', () => {
  it('by product quantisers, with and without the vectors beside them', async () => {
    using codes = await built('PQ14x4', pictures);
    using turned = await built('OPQ14,PQ14x4', pictures, { maxPointsPerCentroid: 64 });
    using refined = await built('PQ14x4,RFlat', pictures);
    const recalls = [await recallOf(codes, pictures), await recallOf(turned, pictures), await recallOf(refined, pictures)];
    expect(recalls[0]).toBeGreaterThan(0.45);
    expect(recalls[1]).toBeGreaterThan(recalls[0]! + 0.08);
    expect(recalls[2]).toBeGreaterThan(0.97);
  });

  it('by lists', async () => {
    using index = await built('IVF16,Flat', pictures);
    const recalls: number[] = [];
    for (const nprobe of [1, 4, 16]) recalls.push(await recallOf(index, pictures, { nprobe }));
    expect(recalls[0]).toBeGreaterThan(0.75);
    expect(recalls[1]).toBeGreaterThan(0.97);
    expect(recalls[2]).toBe(1);
  });
});
