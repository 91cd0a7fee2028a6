/** The compressed bench end to end on tiny synthetic data, without FAISS: that it runs and what it writes, never how fast anything is. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { casesFor } from '../../bench/compressed/cases.ts';
import type { CompressedReport } from '../../bench/compressed/report.ts';
import { benchRunner, root } from './run.ts';

const { bench, out, library } = benchRunner();

const data = ['--sets', 'clustered-1500x24,glove', '--queries', '20', '--nlist', '8'];
const tiny = [...data, '--threads', '1,2', '--peers', '', '--repeats', '2', '--singles', '4', '--cache', out, '--out', out];

describe('casesFor', () => {
  const names = (dim: number) => casesFor(dim, { nlist: 1024, k: 10 }).map(({ description }) => description);

  it('cuts vectors as finely as 32 bytes allow', () => {
    expect(names(784)).toEqual([
      ...['PQ28', 'OPQ32_768,PQ32', 'PQ56x4', 'SQ8', 'IVF1024,Flat', 'IVF1024,PQ28', 'OPQ32_768,IVF1024,PQ32'],
      ...['HNSW16,PQ28', 'OPQ32_768,HNSW16,PQ32', 'OPQ32_768,HNSW16,PQ32,RFlat'],
    ]);
    expect(names(384)).toEqual(expect.arrayContaining(['PQ32', 'OPQ32_384,PQ32', 'PQ64x4']));
    expect(names(100)).toEqual(expect.arrayContaining(['PQ25', 'OPQ32_96,PQ32', 'PQ50x4']));
    expect(names(9)).toEqual(expect.arrayContaining(['PQ9', 'OPQ9_9,PQ9', 'PQ9x4']));
  });

  it('probes no more lists than there are', () => {
    const [probed] = casesFor(24, { nlist: 6, k: 10 }).filter(({ description }) => description === 'IVF6,Flat');
    expect(probed!.settings.map(({ nprobe }) => nprobe)).toEqual([1, 2, 4, 6]);
  });
});

describe.skipIf(!existsSync(library))('bench compressed (needs npm run build)', () => {
  it('measures recall, speed and memory, and writes JSON, Markdown and a picture', async () => {
    const { stdout } = await bench('compressed', ...tiny, '--indexes', 'SQ8', 'IVF8,Flat', 'OPQ24_24,IVF8,PQ24');
    expect(stdout).toContain('skipped data set glove: needs glove-6b-100d/');
    const text = readFileSync(join(out, 'compressed.json'), 'utf8');
    expect(text).not.toContain(root);
    const { cases } = (JSON.parse(text) as CompressedReport).sets[0]!;
    expect(cases.map(({ description }) => description)).toEqual(['SQ8', 'IVF8,Flat', 'OPQ24_24,IVF8,PQ24']);
    const [scan, lists, codes] = cases.map(({ lanes }) => lanes[0]!);
    expect(scan!.points.map(({ setting, seconds }) => [setting, seconds.length])).toEqual([[{}, 2]]);
    expect(scan!.single).toHaveLength(4);
    expect(lists!.points.map(({ setting }) => setting.nprobe)).toEqual([1, 2, 4, 8]);
    expect(lists!.points.at(-1)!.recall).toBeGreaterThan(0.99);
    expect(codes!.load.memory!.codes).toBeGreaterThanOrEqual(1500 * 24);
    expect(codes!.load.file!.codes).toBe(1500 * 24);
    expect(codes!.build.threads).toBe(2);
    expect(readFileSync(join(out, 'compressed.md'), 'utf8')).toContain('| SQ8 |');
    expect(readFileSync(join(out, 'compressed-clustered-1500x24.svg'), 'utf8')).toMatch(/^<svg/);
  });

  it('keeps indexes, each with what its build took', async () => {
    const { stderr } = await bench('compressed', ...tiny, '--indexes', 'SQ8');
    expect(stderr).not.toContain('building');
    const [set] = readdirSync(join(out, 'bench-indexes'));
    expect(readdirSync(join(out, 'bench-indexes', set!))).toContain('compressed-isodex-SQ8-ef200-t2');
  });

  it('says what it skips, and refuses names it does not know', async () => {
    const { stdout } = await bench('compressed', ...tiny, '--indexes', 'PQ7');
    expect(stdout).toContain('skipped data set clustered-1500x24: none of --indexes is among its PQ24 ');
    await expect(bench('compressed', '--peers', 'annoy')).rejects.toThrow("there is no 'annoy'");
  });
});
