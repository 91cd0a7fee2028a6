/** build, search and info over a real sample, as other programs call them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readLabels } from '../../src/io/labels.ts';
import { openVectors, readVectors } from '../../src/io/vector-source.ts';
import { writeVectors } from '../../src/io/write.ts';
import { ranked, rowsOf } from '../contract/oracle.ts';
import { isodex, scratchFolder, TEST, TRAIN } from './cli.ts';

const scratch = scratchFolder();
const index = scratch.at('fashion.isodex');
const keyed = scratch.at('keyed.isodex');
const NQ = 5;

beforeAll(async () => {
  expect(await isodex(['build', TRAIN, '--out', index])).toMatchObject({ code: 0 });
  writeFileSync(scratch.at('ids.txt'), Array.from({ length: 30 }, (_, i) => `picture ${i}\n`).join(''));
  expect(await isodex(['build', TRAIN, '--out', keyed, '--limit', '30', '--ids', scratch.at('ids.txt')])).toMatchObject({ code: 0 });
});
afterAll(() => scratch.remove());

const searchJson = async (...args: string[]) => {
  const { code, stdout, stderr } = await isodex(['search', ...args, '--format', 'json']);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
};

describe('build', () => {
  it('says what it built, and leaves one file', async () => {
    const out = scratch.at('again.isodex');
    const { code, stdout } = await isodex(['build', TRAIN, '--index', 'Flat', '--metric', 'l2', '--out', out, '--engine', 'cpu']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/again\.isodex: Flat, l2, 2000 rows of dim 784, 6\.0 MiB, built in [\d.]+ s\n$/);
    expect(scratch.names().filter((name) => name.startsWith('again'))).toEqual(['again.isodex']);
    expect(readFileSync(out)).toEqual(readFileSync(index));
  });

  it('takes --limit, --seed and every metric', async () => {
    for (const metric of ['l2', 'ip', 'cosine']) {
      const out = scratch.at(`${metric}.isodex`);
      const args = ['build', TRAIN, '--metric', metric, '--limit', '50', '--seed', '7', '--out', out, '--engine', 'cpu', '--threads', '1'];
      expect(await isodex(args)).toMatchObject({ code: 0 });
      const { stdout } = await isodex(['info', out, '--json']);
      expect(JSON.parse(stdout)).toMatchObject({ metric, size: 50, seed: 7, dim: 784, description: 'Flat' });
    }
  });
});

describe('search', () => {
  it('gives the neighbours that brute force gives, as json', async () => {
    const found = await searchJson(index, TEST, '--k', '4', '--limit', String(NQ), '--engine', 'cpu');
    expect(Object.keys(found)).toEqual(['k', 'labels', 'distances', 'distancesOf', 'engine', 'seconds']);
    expect(found).toMatchObject({ k: 4, engine: 'cpu', seconds: expect.any(Number) });
    const rows = rowsOf((await readVectors(TRAIN)).vectors, 784).map((vector, label) => ({ label, vector }));
    for (const [q, query] of rowsOf((await readVectors(TEST, { limit: NQ })).vectors, 784).entries()) {
      const expected = ranked('l2', rows, query).slice(0, 4);
      expect(found.labels[q]).toEqual(expected.map(({ label }) => label));
      expect(found.distances[q]).toEqual(expected.map(({ distance }) => distance));
    }
  });

  it('takes 10 neighbours and all queries unless told otherwise', async () => {
    const found = await searchJson(index, TEST, '--engine', 'cpu');
    expect(found.labels).toHaveLength(200);
    expect(found.labels[0]).toHaveLength(10);
  });

  it('answers alike on the reference engine', async () => {
    const args = [index, TEST, '--limit', '3'];
    const [a, b] = [await searchJson(...args, '--engine', 'cpu', '--threads', '2'), await searchJson(...args, '--engine', 'reference')];
    expect(a.labels).toEqual(b.labels);
    expect(a.distances).toEqual(b.distances);
    expect(b.engine).toBe('reference');
  });

  it('carries keys, and null for padding', async () => {
    const found = await searchJson(keyed, TEST, '--limit', '1', '--k', '32', '--engine', 'cpu');
    expect(Object.keys(found)).toEqual(['k', 'labels', 'distances', 'keys', 'distancesOf', 'engine', 'seconds']);
    expect(found.keys[0].slice(0, 30)).toEqual(found.labels[0].slice(0, 30).map((label: number) => `picture ${label}`));
    expect(found.labels[0].slice(30)).toEqual([-1, -1]);
    expect(found.distances[0].slice(30)).toEqual([null, null]);
    expect(found.keys[0].slice(30)).toEqual([null, null]);
  });

  it('writes ivecs with the distances beside', async () => {
    const out = scratch.at('found.ivecs');
    const args = [index, TEST, '--limit', '20', '--engine', 'cpu'];
    expect(await isodex(['search', ...args, '--format', 'ivecs', '--out', out])).toMatchObject({ code: 0, stdout: '' });
    const found = await searchJson(...args);
    const labels = await readLabels(out);
    expect(labels).toMatchObject({ n: 20, k: 10 });
    expect([...labels.labels]).toEqual(found.labels.flat());
    expect([...(await readVectors(scratch.at('found.fvecs'))).vectors]).toEqual(found.distances.flat());
  });

  it('prints a table for people, with keys and without', async () => {
    const { stdout } = await isodex(['search', index, TEST, '--limit', '2', '--k', '2', '--engine', 'cpu']);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(/^query {2}rank {2}label {2} *distance$/);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1); // aligned
    const withKeys = await isodex(['search', keyed, TEST, '--limit', '1', '--k', '31', '--engine', 'cpu']);
    expect(withKeys.stdout).toMatch(/^query +rank +label +distance +key\n/);
    expect(withKeys.stdout).toMatch(/picture \d+\n/);
    expect(withKeys.stdout).toMatch(/31 +– +∞\n$/);
  });

  it('writes json and tables to --out', async () => {
    const out = scratch.at('found.json');
    expect(await isodex(['search', index, TEST, '--limit', '1', '--format', 'json', '--out', out])).toMatchObject({ code: 0, stdout: '' });
    expect(JSON.parse(readFileSync(out, 'utf8')).k).toBe(10);
  });

  it('finds the part of a file that # names', async () => {
    const source = await openVectors(TEST);
    const lines: string[] = [];
    for await (const batch of source.batches({ rows: 1, limit: 2 })) lines.push(JSON.stringify({ pixels: [...batch] }));
    await source.close();
    writeFileSync(scratch.at('queries.jsonl'), lines.join('\n'));
    const expected = await searchJson(index, TEST, '--limit', '2', '--engine', 'cpu');
    const found = await searchJson(index, `${scratch.at('queries.jsonl')}#pixels`, '--engine', 'cpu');
    expect(found.labels).toEqual(expected.labels);
  });

  it('is quiet in pipes: no bars, and no driver’s warnings', async () => {
    const { stderr } = await isodex(['search', index, TEST, '--limit', '1']);
    expect(stderr).toMatch(/^1 queries, k 10, on \w+ in [\d.]+ s\n(isodex: [^\n]+\n)?$/);
  });

  it('ends silently when its reader does', async () => {
    const { code, stderr } = await isodex(['search', index, TEST, '--k', '1000', '--engine', 'cpu'], { readOnly: 1 });
    expect(stderr).not.toMatch(/EPIPE|Error/);
    expect(code).toBe(0);
  });
});

describe('info', () => {
  it('tells what a file holds, for people', async () => {
    const { code, stdout } = await isodex(['info', keyed]);
    expect(code).toBe(0);
    for (const pattern of [/index +Flat\n/, /metric +l2\n/, /dim +784\n/, /rows +30\n/, /vectors +91\.9 KiB \(f32, 3136 bytes a vector\)/])
      expect(stdout).toMatch(pattern);
    expect(stdout).toMatch(/SHA-256 +[0-9a-f]{64} /);
  });

  it('and for programs: the same SHA-256 for the same rows, however they were added', async () => {
    const { vectors } = await readVectors(TRAIN, { limit: 30 });
    await writeVectors(scratch.at('part.npy'), vectors, 784);
    const out = scratch.at('part.isodex');
    await isodex(['build', scratch.at('part.npy'), '--out', out, '--ids', scratch.at('ids.txt'), '--engine', 'reference']);
    const [a, b] = [await isodex(['info', keyed, '--json']), await isodex(['info', out, '--json'])].map(({ stdout }) => JSON.parse(stdout));
    expect(a).toEqual(b);
    expect(a.bytesPerVector).toMatchObject({ labels: 4, vectors: 3136 });
  });
});
