/** A graph index on the command line: build, search, eval, verify, info, compact. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readVectors } from '../../src/io/vector-source.ts';
import { writeVectors } from '../../src/io/write.ts';
import { createIndex } from '../../src/node.ts';
import { isodex, scratchFolder, TEST, TRAIN } from './cli.ts';

const scratch = scratchFolder();
const at = scratch.at;
const graph = at('graph.isodex');
const truth = at('truth.ivecs');
const LIMIT = ['--limit', '20', '--engine', 'cpu'];

/** Builds from the sample and returns what was said. */
const built = async (out: string, ...args: string[]) => {
  const { code, stdout, stderr } = await isodex(['build', TRAIN, '--out', at(out), ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
};
const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await isodex(args);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
};
const evalJson = (index: string, ...args: string[]) => json('eval', index, TEST, ...LIMIT, '--json', ...args);
const searchJson = (index: string, ...args: string[]) => json('search', index, TEST, ...LIMIT, '--format', 'json', ...args);
const infoJson = (name: string) => json('info', at(name), '--json');

beforeAll(async () => {
  expect(await built('graph.isodex', '--index', 'HNSW16', '--ef-construction', '100')).toMatch(/: HNSW16, l2, 2000 rows of dim 784, /);
  await built('flat.isodex');
  const exact = ['search', at('flat.isodex'), TEST, ...LIMIT, '--format', 'ivecs', '--out', truth];
  expect(await isodex(exact)).toMatchObject({ code: 0 });
});
afterAll(() => scratch.remove());

describe('build', () => {
  it('takes the graph’s numbers, and stores what searches need', async () => {
    await built('set.isodex', '--index', 'HNSW', '--m', '8', '--ef-construction', '50', '--ef-search', '40', '--limit', '600');
    expect(await infoJson('set.isodex')).toMatchObject({
      description: 'HNSW8',
      size: 600,
      dead: 0,
      graph: { M: 8, efConstruction: 50, efSearch: 40, traversal: 'sq8', traversalBytes: 832 },
      bytesPerVector: { links: 64, vectors: 3136 },
    });
  });

  it('gives the same bytes for the same rows: any engine, any kind of file, any number of batches', async () => {
    const { vectors } = await readVectors(TRAIN);
    const wide = new Float32Array(1060 * 4096); // of so many values that they are read in two batches
    for (let row = 0; row < 1060; row++) wide.set(vectors.subarray(784 * row, 784 * (row + 1)), 4096 * row);
    await writeVectors(at('wide.npy'), wide, 4096);
    const args = ['--index', 'HNSW4', '--ef-construction', '8'];
    expect(await isodex(['build', at('wide.npy'), '--out', at('wide.isodex'), ...args])).toMatchObject({ code: 0 });
    const index = await createIndex('HNSW4', { dim: 4096, efConstruction: 8, engine: 'cpu' });
    await index.add(wide);
    expect(Buffer.compare(readFileSync(at('wide.isodex')), await index.toBytes())).toBe(0);
    index.close();
    for (const [i, engine] of [
      ['--engine', 'cpu', '--threads', '1'],
      ['--engine', 'reference'],
    ].entries()) {
      await built(`${i}.isodex`, ...args, '--limit', '150', ...engine);
    }
    expect(readFileSync(at('0.isodex'))).toEqual(readFileSync(at('1.isodex')));
  });
});

describe('search', () => {
  it('tells hops and distances of each query as json', async () => {
    const { stats, ...found } = await searchJson(graph, '--k', '3', '--stats');
    expect(Object.keys(found)).toEqual(['k', 'labels', 'distances', 'distancesOf', 'engine', 'seconds']);
    expect(found).toMatchObject({ k: 3, distancesOf: 'vectors' });
    for (const counts of [stats.hops, stats.distances]) {
      expect(counts).toHaveLength(20);
      expect(Math.min(...counts)).toBeGreaterThan(20);
    }
    const without = await searchJson(graph, '--k', '3');
    expect(Object.keys(without)).not.toContain('stats');
    expect(without.labels).toEqual(found.labels);
  });

  it('and their means under the table', async () => {
    const { stdout, code } = await isodex(['search', graph, TEST, ...LIMIT, '--k', '1', '--stats']);
    expect(stdout).toMatch(/\n\n[\d.]+ hops and [\d.]+ distances a query\n$/);
    expect(code).toBe(0);
  });

  it('looks at more with a wider beam', async () => {
    const hops = async (ef: string) => (await searchJson(graph, '--stats', '--ef-search', ef)).stats.hops;
    const [narrow, wide] = [await hops('12'), await hops('120')];
    expect(wide.every((count: number, q: number) => count > narrow[q])).toBe(true);
  });

  it('says that a flat index has no graph', async () => {
    const { stdout, stderr, code } = await isodex(['search', at('flat.isodex'), TEST, ...LIMIT, '--ef-search', '9', '--stats']);
    expect(stderr).toMatch(/\nisodex: --ef-search and --stats made no difference: Flat has no graph\n$/);
    expect(stdout).not.toContain('hops');
    expect(code).toBe(0);
  });
});

describe('eval', () => {
  it('finds recall against the exact answers, and what a wider beam does for it', async () => {
    const narrow = await evalJson(graph, '--truth', truth, '--ef-search', '10');
    expect(narrow).toMatchObject({ k: 10, efSearch: 10, queries: 20, possible: 200, distancesOf: 'vectors' });
    const wide = await evalJson(graph, '--truth', truth, '--ef-search', '200', '--stats');
    expect(wide.recall).toBeGreaterThanOrEqual(Math.max(narrow.recall, 0.99));
    expect(wide.stats.distances).toBeGreaterThan(wide.stats.hops);
  });

  it('computes the truth from every row, not from what the graph finds', async () => {
    await built('poor.isodex', '--index', 'HNSW2', '--ef-construction', '1', '--limit', '1000');
    await built('part.isodex', '--limit', '1000');
    await isodex(['search', at('part.isodex'), TEST, ...LIMIT, '--format', 'ivecs', '--out', at('part.ivecs')]);
    const poor = await evalJson(at('poor.isodex'), '--truth', 'compute', '--ef-search', '1');
    expect(poor.recall).toBeLessThan(0.9);
    expect(poor).toMatchObject({ possible: 200, truth: { source: 'computed', engine: 'reference' } });
    expect(await evalJson(at('poor.isodex'), '--truth', at('part.ivecs'), '--ef-search', '1')).toMatchObject({ hits: poor.hits });
  });

  it('compares labels where only codes are kept, whose distances are others', async () => {
    await built('codes.isodex', '--index', 'HNSW16,SQ8', '--ef-construction', '100');
    const byTruth = await evalJson(at('codes.isodex'), '--truth', truth);
    expect(byTruth).toMatchObject({ distancesOf: 'codes', possible: 200 });
    expect(byTruth.recall).toBeGreaterThan(0.9);
    const { stdout } = await isodex(['eval', at('codes.isodex'), TEST, ...LIMIT, '--truth', truth, '--stats']);
    expect(stdout).toMatch(/truth .*truth\.ivecs \(labels compared, since the index has only codes\)\nrecall@10 /);
    expect(stdout).toMatch(/\nhops +[\d.]+ a query\ndistances +[\d.]+ a query\n$/);
  });
});

describe('verify', () => {
  it('compares engines over a graph, hops included', async () => {
    const { code, stdout } = await isodex(['verify', graph, TEST, '--limit', '3', '--stats']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^engine +adapter +threads +seconds +hops +distances +differing$/);
    expect(lines[1]).toMatch(/^reference .* \d+\.\d +\d+\.\d +0 of 3$/);
    expect(lines[2]).toMatch(/^cpu .* \d+\.\d +\d+\.\d +0 of 3$/);
    expect(code).toBe(0);
  });
});

describe('info', () => {
  it('tells the graph’s numbers, and what it is walked by', async () => {
    const { stdout } = await isodex(['info', graph]);
    expect(stdout).toMatch(/\n {2}graph +M 16, efConstruction 100, efSearch 64, entry on level [1-4]\n/);
    expect(stdout).toMatch(/\n {2}walked by +SQ8 codes \(832 bytes a vector in memory\)\n/);
    expect(stdout).toMatch(/\nrows +2000\n/);
    expect(stdout).toMatch(/\n {2}links +250\.0 KiB \(u32, 128 bytes a vector\)\n/);
  });

  it('tells when 8 bits are too coarse', async () => {
    const far = Float32Array.from({ length: 400 * 8 }, (_, i) => (i % 8 ? Math.fround(Math.sin(i)) : i < 1600 ? 0 : 1e6));
    await writeVectors(at('far.npy'), far, 8);
    await isodex(['build', at('far.npy'), '--index', 'HNSW4', '--out', at('far.isodex')]);
    expect((await isodex(['info', at('far.isodex')])).stdout).toMatch(/walked by +f32 distances, .*\(64 bytes a vector in memory\)/);
  });
});

describe('compact', () => {
  beforeAll(async () => {
    const { vectors } = await readVectors(TRAIN, { limit: 600 });
    using index = await createIndex('HNSW8', { dim: 784, efConstruction: 40, engine: 'cpu' });
    await index.add(vectors);
    await index.remove(Array.from({ length: 100 }, (_, i) => 3 * i));
    await index.save(at('holed.isodex'));
    await index.compact();
    await index.save(at('expected.isodex'));
  });

  it('lets go of dead rows, which info tells', async () => {
    expect((await isodex(['info', at('holed.isodex')])).stdout).toMatch(/\nrows +500 live, 100 dead \(/);
    const { stdout, code } = await isodex(['compact', at('holed.isodex'), '--out', at('whole.isodex'), '--engine', 'cpu']);
    expect(stdout).toMatch(/whole\.isodex: HNSW8, l2, 500 rows of dim 784, .*, 100 dead rows let go of in [\d.]+ s\n$/);
    expect(code).toBe(0);
    expect(await infoJson('whole.isodex')).toMatchObject({ size: 500, dead: 0 });
    expect(readFileSync(at('whole.isodex'))).toEqual(readFileSync(at('expected.isodex')));
  });

  it('writes over its file unless told otherwise, and not without need', async () => {
    expect((await isodex(['compact', at('holed.isodex'), '--engine', 'cpu'])).code).toBe(0);
    expect(readFileSync(at('holed.isodex'))).toEqual(readFileSync(at('expected.isodex')));
    expect((await isodex(['compact', at('holed.isodex')])).stdout).toMatch(/holed\.isodex: every row is live, so it stays as it is\n$/);
  });
});
