/** Indexes over codes on the command line: build with training, search, eval, verify, info, compact, and what is refused. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeVectors } from '../../src/io/write.ts';
import { createIndex } from '../../src/node.ts';
import { lowRank } from '../index/helpers.ts';
import { isodex, scratchFolder } from './cli.ts';

const scratch = scratchFolder();
const at = scratch.at;
const [rows, asked] = [at('rows.npy'), at('asked.npy')];
const [codes, refined] = [at('codes.isodex'), at('refined.isodex')];
const vectors = lowRank(1500, 32, 1, 8, 0.1);
const CPU = ['--engine', 'cpu'];

const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await isodex(args);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
};
const build = (out: string, index: string, ...args: string[]) => isodex(['build', rows, '--out', out, '--index', index, ...CPU, ...args]);
const searchJson = (index: string, ...args: string[]) => json('search', index, asked, '--format', 'json', ...CPU, ...args);
const evalJson = (index: string, ...args: string[]) => json('eval', index, asked, '--json', '--truth', 'compute', ...CPU, ...args);

beforeAll(async () => {
  await writeVectors(rows, vectors, 32);
  await writeVectors(asked, lowRank(12, 32, 2, 8, 0.1), 32);
  const about = {
    code: 0,
    stderr: '',
    stdout: expect.stringMatching(/codes\.isodex: IVF16,PQ8x4, l2, 1500 rows of dim 32, .* KiB, built in /),
  };
  expect(await build(codes, 'IVF16,PQ8x4', '--train-size', '750', '--nprobe', '4')).toEqual(about);
  expect(await build(refined, 'OPQ8,IVF16,PQ8x4,RFlat', '--refine-factor', '4')).toMatchObject({ code: 0, stderr: '' });
});
afterAll(() => scratch.remove());

describe('build', () => {
  it('trains on rows evenly spaced, and gives the bytes that the library gives', async () => {
    const index = await createIndex('IVF16,PQ8x4', { dim: 32, nprobe: 4, engine: 'cpu' });
    const sample = new Float32Array(750 * 32);
    for (let i = 0; i < 750; i++) sample.set(vectors.subarray(2 * i * 32, (2 * i + 1) * 32), i * 32);
    expect(await index.train(sample)).toEqual({ rows: 750, warnings: [] });
    await index.add(vectors);
    expect(Buffer.compare(readFileSync(codes), await index.toBytes())).toBe(0);
    index.close();
    expect(await build(at('1.isodex'), 'IVF16,PQ8x4', '--train-size', '750', '--nprobe', '4', '--threads', '1')).toMatchObject({ code: 0 });
    expect(readFileSync(at('1.isodex'))).toEqual(readFileSync(codes));
  });

  it('warns of too few rows, and refuses fewer than there are centroids', async () => {
    const { code, stderr } = await build(at('few.isodex'), 'IVF16,PQ8', '--train-size', '300');
    expect(stderr.split('\n')).toEqual([
      'isodex: 300 training vectors are few for the 16 centroids of IVF16; give 624 or more',
      'isodex: 300 training vectors are few for the 256 centroids of PQ8; give 9984 or more',
      '',
    ]);
    expect(code).toBe(0);
    const refused = 'isodex: training has 100 vectors, but PQ8 has 256 centroids; give at least 256 vectors\n';
    expect(await build(at('none.isodex'), 'IVF16,PQ8', '--train-size', '100')).toEqual({ code: 1, stdout: '', stderr: refused });
    expect(await build(at('none.isodex'), 'IVF2000,Flat')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/1500 vectors, but IVF2000 has 2000/),
    });
    expect(scratch.names()).not.toContain('none.isodex');
  });

  it.each([
    ['IVF16,QP8', "at character 7, 'QP8': expected Flat, ", "did you mean 'PQ8'?", '  IVF16,QP8\n        ^'],
    ['PQ8,', 'at character 5, its end: expected RFlat or the end', '  PQ8,\n      ^'],
    ['IVF16', 'at character 6, its end: expected Flat, ', '  IVF16\n       ^'],
    ['PQ8,IVF16', "at character 5, 'IVF16': the structure comes before the codec", '  PQ8,IVF16\n      ^'],
    ['OPQ8,PQ8,RFlat,RFlat', 'at character 16', `  OPQ8,PQ8,RFlat,RFlat\n  ${' '.repeat(15)}^`],
    ['IVF16,PQ5', 'isodex: PQ5 needs a dim that is a multiple of 5, but it is 32; give IVF16,PQ4 or OPQ5,IVF16,PQ5'],
  ])('says where %s goes wrong', async (description, ...said) => {
    const { code, stderr } = await build(at('x.isodex'), description);
    for (const part of said) expect(stderr).toContain(part);
    expect(code).toBe(1);
  });

  it.each([
    ['HNSW8', ['--nprobe', '3'], '--nprobe is for lists; give --index IVF<nlist>,..., or leave it out for HNSW8'],
    ['PQ8', ['--refine-factor', '3'], '--refine-factor is for vectors beside codes; give --index ...,RFlat, or leave it out for PQ8'],
    ['Flat', ['--train-size', '300'], '--train-size is for codes and lists, which are trained, or leave it out for Flat'],
    ['PQ8', ['--m', '4'], '--m, --ef-construction and --ef-search are for graphs; give --index HNSW, or leave them out for PQ8'],
    ['IVF16,Flat', ['--nprobe', '17'], 'nprobe is 17; give an integer from 1 to 16, the number of lists'],
    ['PQ8,RFlat', ['--refine-factor', '1001'], 'refineFactor is 1001; give a number from 1 to 1000'],
  ])('of %s refuses %j', async (description, args, message) => {
    expect(await build(at('x.isodex'), description, ...args)).toEqual({ code: 1, stdout: '', stderr: `isodex: ${message}\n` });
  });
});

describe('search', () => {
  it('looks into as many lists as it is told to', async () => {
    const [own, same, all] = [await searchJson(codes), await searchJson(codes, '--nprobe', '4'), await searchJson(codes, '--nprobe', '16')];
    expect(own).toMatchObject({ k: 10, distancesOf: 'codes' });
    expect(same.labels).toEqual(own.labels);
    const sum = (found: { distances: number[][] }) => found.distances.flat().reduce((a, b) => a + b, 0);
    expect(sum(all)).toBeLessThan(sum(own));
    const refused = 'isodex: nprobe is 17; give an integer from 1 to 16, the number of lists\n';
    expect(await isodex(['search', codes, asked, '--nprobe', '17', ...CPU])).toEqual({ code: 1, stdout: '', stderr: refused });
  });

  it('refines as many rows as it is told to, where there are vectors', async () => {
    const [few, many] = [
      await searchJson(refined, '--refine-factor', '1'),
      await searchJson(refined, '--nprobe', '16', '--refine-factor', '100'),
    ];
    expect(many.distancesOf).toBe('vectors');
    expect(many.distances.flat().every((distance: number, i: number) => distance <= few.distances.flat()[i])).toBe(true);
    const { code, stdout, stderr } = await isodex(['search', codes, asked, '--refine-factor', '3', '--k', '1', ...CPU]);
    expect(stderr).toMatch(/, distances of codes\n/);
    expect(stderr).toMatch(/isodex: --refine-factor made no difference: IVF16,PQ8x4 keeps no vectors beside codes\n/);
    expect([code, stdout.split('\n').length]).toEqual([0, 14]);
  });

  it('says which options have nothing to steer', async () => {
    await build(at('turned.isodex'), 'RR,Flat');
    const { stderr } = await isodex(['search', at('turned.isodex'), asked, '--refine-factor', '3', '--nprobe', '2', ...CPU]);
    expect(stderr).toContain('isodex: --nprobe made no difference: RR,Flat has no lists\n');
    expect(stderr).not.toContain('--refine-factor made no difference');
  });
});

describe('eval', () => {
  it('finds recall by what is compared, and more of it in more lists', async () => {
    const [few, all] = [await evalJson(refined, '--nprobe', '1'), await evalJson(refined, '--nprobe', '16', '--refine-factor', '100')];
    expect(few).toMatchObject({
      k: 10,
      nprobe: 1,
      distancesOf: 'vectors',
      possible: 120,
      truth: { source: 'computed', engine: 'reference' },
    });
    expect(few.recall).toBeLessThan(0.9);
    expect(all).toMatchObject({ recall: 1, refineFactor: 100 });
    const byCodes = await evalJson(codes, '--nprobe', '16');
    expect(byCodes).toMatchObject({ distancesOf: 'codes' });
    expect(byCodes.recall).toBeGreaterThan(0.97);
  });

  it('against the truth of the vectors tells what codes lose', async () => {
    await build(at('flat.isodex'), 'Flat');
    await isodex(['search', at('flat.isodex'), asked, ...CPU, '--format', 'ivecs', '--out', at('truth.ivecs')]);
    const byTruth = await json('eval', codes, asked, '--json', '--truth', at('truth.ivecs'), '--nprobe', '16', ...CPU);
    expect(byTruth.recall).toBeLessThan(0.9);
    expect(byTruth.recall).toBeGreaterThan(0.3);
  });
});

describe('verify', () => {
  it('compares engines over lists', async () => {
    const { code, stdout } = await isodex(['verify', codes, asked, '--limit', '4', '--nprobe', '9']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[1]).toMatch(/^reference .* 0 of 4$/);
    expect(lines[2]).toMatch(/^cpu .* 0 of 4$/);
    expect(code).toBe(0);
  });
});

describe('info', () => {
  it('tells of lists, codes and what was trained', async () => {
    const { stdout } = await isodex(['info', codes]);
    expect(stdout).toMatch(/\nindex +IVF16,PQ8x4\n/);
    for (const part of [
      /\n {2}lists +5\.9 KiB \(u32, 4 bytes a vector\)\n/,
      /\n {2}codes +5\.9 KiB \(i8, 4 bytes a vector\)\n/,
      /\n {2}centroids +1\.0 KiB /,
    ]) {
      expect(stdout).toMatch(part);
    }
    expect(await json('info', refined, '--json')).toMatchObject({
      description: 'OPQ8,IVF16,PQ8x4,RFlat',
      size: 1500,
      bytesPerVector: { lists: 4, codes: 4, vectors: 128 },
    });
  });
});
