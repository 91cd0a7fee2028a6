/** A graph over codes on the command line: build with training, info, search, eval, verify, compact. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isodex, scratchFolder, TEST, TRAIN } from './cli.ts';

const scratch = scratchFolder();
const codes = scratch.at('codes.isodex');
const refined = scratch.at('refined.isodex');
const LIMIT = ['--limit', '20', '--engine', 'cpu'];

const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await isodex(args);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
};

beforeAll(async () => {
  const build = ['build', TRAIN, '--ef-construction', '40', '--train-size', '1000'];
  const about = /: HNSW8,PQ28, l2, 2000 rows of dim 784, /;
  expect(await isodex([...build, '--index', 'HNSW8,PQ28', '--out', codes])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(about),
  });
  const more = ['--index', 'HNSW8,PQ28,RFlat', '--ef-search', '100', '--refine-factor', '6', '--engine', 'cpu', '--threads', '1'];
  expect(await isodex([...build, ...more, '--out', refined])).toMatchObject({ code: 0 });
});
afterAll(() => scratch.remove());

it('is walked by its codes, which info tells', async () => {
  const { stdout } = await isodex(['info', codes]);
  expect(stdout).toMatch(/\n {2}graph +M 8, efConstruction 40, efSearch 64, entry on level [1-5]\n/);
  expect(stdout).toMatch(/\n {2}walked by +codes of a product quantiser \(28 bytes a vector in memory\)\n/);
  expect(await json('info', refined, '--json')).toMatchObject({
    graph: { efSearch: 100, traversal: 'pq' },
    bytesPerVector: { codes: 28, vectors: 3136 },
  });
});

it('tells hops and distances, and takes a beam', async () => {
  const args = ['search', codes, TEST, ...LIMIT, '--format', 'json', '--stats'];
  const [wide, narrow] = [await json(...args), await json(...args, '--ef-search', '26')];
  expect(wide).toMatchObject({ distancesOf: 'codes', stats: { hops: expect.any(Array) } });
  expect(wide.stats.hops.every((count: number, q: number) => count > narrow.stats.hops[q])).toBe(true);
});

it('finds what is near with the vectors beside its codes, and less without', async () => {
  const evaluated = (file: string, ...args: string[]) => json('eval', file, TEST, ...LIMIT, '--json', '--truth', 'compute', ...args);
  expect((await evaluated(refined)).recall).toBeGreaterThan(0.97);
  expect((await evaluated(refined, '--refine-factor', '1')).recall).toBeLessThan(0.9);
});

describe('verify', () => {
  it('compares engines over it, hops included', async () => {
    const { code, stdout } = await isodex(['verify', refined, TEST, '--limit', '3', '--stats']);
    expect(stdout).toMatch(/\nreference .* 0 of 3\n/);
    expect(code).toBe(0);
  });
});

it('says which options have no graph to steer', async () => {
  const out = scratch.at('none.isodex');
  const { code, stderr } = await isodex(['build', TRAIN, '--index', 'PQ28', '--ef-search', '9', '--out', out]);
  expect({ code, stderr: stderr.trim() }).toEqual({
    code: 1,
    stderr: expect.stringMatching(/ are for graphs; give --index HNSW, or leave them out for PQ28$/),
  });
});

it('is built the same whatever computes', async () => {
  const out = scratch.at('again.isodex');
  const args = ['--index', 'HNSW8,PQ28', '--ef-construction', '40', '--train-size', '1000', '--threads', '1', '--engine', 'cpu'];
  expect(await isodex(['build', TRAIN, ...args, '--out', out])).toMatchObject({ code: 0 });
  expect(readFileSync(out).equals(readFileSync(codes))).toBe(true);
});
