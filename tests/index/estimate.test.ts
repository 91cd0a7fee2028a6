/** Estimates of memory and files, held against real indexes, and what they say of indexes that would be large. */
import { afterAll, describe, expect, it } from 'vitest';
import { type EstimateOptions, estimate, type MemoryEstimate } from '../../src/index/estimate.ts';
import { PARTS } from '../../src/index/estimate-parts.ts';
import { makeIndex } from '../../src/index/factory.ts';
import type { Metric } from '../../src/index/vector-index.ts';
import { makeVectors } from '../contract/data.ts';
import { failsWith, lowRank, oneThread } from './helpers.ts';

const engine = await oneThread();
afterAll(() => engine.close());

/** An estimate may be off by so much. */
const SHARE = 0.02;

const expectNear = (estimated: number, real: number, what: string) =>
  expect(Math.abs(estimated - real), `${what}: ${estimated} bytes estimated of ${real}`).toBeLessThanOrEqual(SHARE * real);

/** Asserts that an estimate agrees with an index of these rows, part by part. */
async function expectRight(description: string, vectors: Float32Array, options: EstimateOptions): Promise<void> {
  const { dim, metric, seed, M } = options;
  const estimated = estimate(description, options);
  using index = makeIndex(description, { dim, metric, seed, M, efConstruction: 40 }, engine);
  if (vectors.length > 0) await index.add(vectors);
  await index.prepare();
  const { memory } = index;
  expect(estimated.description).toBe(index.description);
  expect(Object.keys(memory).filter((part) => !(PARTS as readonly string[]).includes(part))).toEqual([]);
  for (const part of PARTS) expectNear(estimated.memory.parts[part], memory[part] ?? 0, `memory, ${part}`);
  const held = Object.values(memory).reduce((sum, bytes) => sum + bytes, 0);
  expectNear(estimated.memory.total, held, 'memory');
  const bytes = await index.toBytes();
  expectNear(estimated.file.total, bytes.length, 'file');
  expect(Math.abs(estimated.file.total - bytes.length), 'file, its header aside').toBeLessThanOrEqual(64);
}

describe('agree with a real index', () => {
  const metrics: readonly Metric[] = ['l2', 'ip', 'cosine'];

  it.each([
    [1, 1],
    [1000, 8],
    [1500, 100],
    [3000, 33],
  ])('Flat, %i rows of dim %i', async (n, dim) => {
    for (const metric of metrics) await expectRight('Flat', makeVectors('normal', n, dim, 1), { n, dim, metric });
  });

  it.each([
    ['HNSW', 1, 1],
    ['HNSW16', 1000, 8],
    ['HNSW2', 700, 20],
    ['HNSW,Flat', 1300, 100],
    ['HNSW64', 500, 384],
    ['HNSW16,SQ8', 1000, 8],
    ['HNSW8,SQ8', 2000, 61],
    ['HNSW32,SQ8', 900, 130],
  ])('%s, %i rows of dim %i', async (description, n, dim) => {
    const vectors = makeVectors('normal', n, dim, 1);
    for (const metric of metrics) await expectRight(description, vectors, { n, dim, metric, seed: 7 });
  });

  it('a number of the config', async () => {
    await expectRight('HNSW', makeVectors('normal', 300, 8, 1), { n: 300, dim: 8, M: 5 });
  });

  it('without rows', async () => {
    for (const description of ['Flat', 'HNSW32', 'HNSW8,SQ8']) await expectRight(description, new Float32Array(0), { n: 0, dim: 100 });
  });

  it('a graph walked by f32 distances', async () => {
    const dim = 8;
    const vectors = makeVectors('normal', 600, dim, 1);
    for (let at = 0; at < vectors.length; at += dim) vectors[at]! += at < vectors.length / 2 ? 0 : 1e6;
    await expectRight('HNSW8', vectors, { n: 600, dim, traversal: 'f32' });
  });

  it('a projection', async () => {
    const dim = 256;
    for (const metric of metrics) {
      const n = 2000;
      await expectRight('Flat', lowRank(n, dim, 1), { n, dim, metric, directions: 16 });
    }
  });
});

describe('of indexes that are not there', () => {
  const n = 1_000_000;

  it('say what each part costs a vector', () => {
    const { memory, file } = estimate('HNSW32', { n, dim: 384 });
    expect(memory.perVector).toMatchObject({ originals: 1536, codes: 448, lists: 0, fixed: 0, labels: 4.125 });
    expect(memory.perVector.links).toBeCloseTo(256 * (1 + 1 / 31), -1);
    expect(file.perVector.originals).toBe(1536);
    expectSum({ memory, file }, n);
  });

  it.each([
    ['OPQ32,HNSW16,PQ32', 784, { originals: 0, codes: 32, lists: 0 }, { originals: 0, codes: 32 }],
    ['OPQ32,HNSW16,PQ32,RFlat', 784, { originals: 3136, codes: 32 }, { originals: 3136, codes: 32 }],
    ['PQ25', 100, { originals: 0, codes: 28, links: 0, nodes: 0, lists: 4 }, { codes: 28, lists: 0 }],
    ['PQ25x4', 100, { codes: 16 }, { codes: 16 }],
    ['PQ', 64, { codes: 32 }, { codes: 32 }],
    ['IVF1024,PQ32', 384, { codes: 36, labels: 4.125 }, { codes: 32, labels: 8, lists: 4 }],
    ['IVF1024,SQ8', 384, { originals: 0, codes: 448 }, { codes: 448 }],
    ['IVF1024,Flat', 384, { originals: 1536, codes: 448 }, { originals: 1536, codes: 448 }],
    ['SQ4', 101, { codes: 56 }, { codes: 52 }],
    ['SQfp16', 101, { codes: 224 }, { codes: 224 }],
    ['LVQ8', 101, { codes: 132 }, { codes: 128 }],
    ['LVQ4', 101, { codes: 68 }, { codes: 64 }],
    ['LSH', 101, { codes: 16 }, { codes: 16 }],
    ['LSH200', 101, { codes: 28 }, { codes: 28 }],
  ])('%s of dim %i', (description, dim, memory, file) => {
    const estimated = estimate(description, { n, dim });
    const rounded = (parts: MemoryEstimate['memory']['perVector']) =>
      Object.fromEntries(Object.entries(parts).map(([part, bytes]) => [part, Number(bytes.toFixed(3))]));
    expect(rounded(estimated.memory.perVector)).toMatchObject(memory);
    expect(rounded({ ...estimated.file.perVector, lists: Math.round(estimated.file.perVector.lists) })).toMatchObject(file);
    expectSum(estimated, n);
  });

  it('keep the vectors of refine: disk in the file only', () => {
    const { description, memory, file } = estimate('OPQ+HNSW', { n, dim: 384, refine: 'disk' });
    expect(description).toBe('OPQ32,HNSW16,PQ32,RFlat');
    expect(memory.parts.originals).toBe(0);
    expect(file.perVector.originals).toBe(1536);
  });

  it('put a quarter of the memory of HNSW32 within reach of OPQ+HNSW', () => {
    for (const dim of [384, 784]) {
      const [float, coded] = ['HNSW32', 'OPQ+HNSW'].map((one) => estimate(one, { n, dim }).memory.perVector.total);
      expect(coded! / float!).toBeLessThan(0.25);
    }
  });

  it('count rotations and centroids once', () => {
    const [few, many] = [1000, 1_000_000].map((rows) => estimate('OPQ32,IVF1024,PQ32', { n: rows, dim: 100 }).memory.parts.fixed);
    expect(few).toBe(many);
    expect(few).toBeGreaterThan(2 * 96 * 100 + 2 * 2 * 256 * 96 + 4 * 1024 * 96);
  });

  it('take the many rows of a graph to be like the first', () => {
    const [some, more] = [2 ** 20, 2 ** 24].map((rows) => estimate('HNSW16', { n: rows, dim: 8 }).memory.perVector.links);
    expect(more! / some!).toBeCloseTo(1, 3);
  });

  it('refuse what no index can have', () => {
    const refused = (description: string, options: EstimateOptions, message: RegExp | string) =>
      expect(() => estimate(description, options)).toThrow(failsWith('bad-argument', message));
    refused('HNWS', { n, dim: 8 }, /did you mean 'HNSW'/);
    refused('PQ32', { n, dim: 100 }, 'PQ32 needs a dim that is a multiple of 32, but it is 100; give PQ25 or OPQ32,PQ32');
    refused('Flat', { n, dim: 0 }, /^dim is 0/);
    refused('Flat', { n, dim: 8, seed: -1 }, /^seed is -1/);
    refused('Flat', { n, dim: 8, metric: 'hamming' as 'l2' }, /^metric is "hamming"/);
    for (const bad of [-1, 1.5, Number.NaN, 2 ** 31, '5' as unknown as number]) {
      refused('Flat', { n: bad, dim: 8 }, `n is ${bad}; give an integer from 0 to 2147483647`);
    }
  });
});

/** Parts sum up to the whole, and rows share it. */
function expectSum({ memory, file }: Pick<MemoryEstimate, 'memory' | 'file'>, n: number): void {
  for (const { parts, total, perVector } of [memory, file]) {
    expect(Object.keys(parts)).toEqual(PARTS);
    expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(total);
    expect(perVector.total).toBe(total / n);
  }
}
