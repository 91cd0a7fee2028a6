/** The hnsw bench end to end on tiny synthetic data, without peers: that it runs and what it writes, never how fast anything is. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HnswReport } from '../../bench/hnsw/report.ts';
import { benchRunner, root } from './run.ts';

const { bench, out, library } = benchRunner();

const data = ['--sets', 'clustered-1500x24,glove', '--queries', '20'];
const tiny = [...data, '--m', '4,8', '--threads', '1,2', '--peers', '', '--repeats', '2', '--singles', '4', '--cache', out];

describe.skipIf(!existsSync(library))('bench hnsw (needs npm run build)', () => {
  it('measures recall, speed and the rest, and writes JSON and a picture', async () => {
    const { stdout } = await bench('hnsw', ...tiny, '--efs', '64,10', '--out', out);
    expect(stdout).toContain('skipped data set glove: needs glove-6b-100d/');
    const text = readFileSync(join(out, 'hnsw.json'), 'utf8');
    expect(text).not.toContain(root);
    const { sets } = JSON.parse(text) as HnswReport;
    const { lanes, isodex } = sets[0]!;
    expect(lanes.map(({ id, m }) => `${id} ${m}`)).toEqual(['isodex 4', 'isodex 8']);
    expect(lanes[1]!.points.map(({ ef, seconds }) => [ef, seconds.length])).toEqual([
      [10, 2],
      [64, 2],
    ]);
    expect(lanes[1]!.points[1]!.recall).toBeGreaterThan(0.95);
    expect(lanes[1]!.single).toHaveLength(4);
    expect(isodex!.filters.map(({ share }) => share)).toEqual([0.5, 0.1, 0.01, 0.001]);
    expect(new Set(isodex!.threads.map(({ sha256 }) => sha256)).size).toBe(1);
    for (const { hops, distances } of isodex!.effort) expect(distances).toBeGreaterThan(hops);
    expect(readFileSync(join(out, 'hnsw-clustered-1500x24.svg'), 'utf8')).toMatch(/^<svg/);
  });

  it('keeps indexes, each with what its build took', async () => {
    const { stdout, stderr } = await bench('hnsw', ...tiny, '--build-only');
    expect(stderr).not.toContain('building');
    expect(stdout).toContain('build s');
    const [set] = readdirSync(join(out, 'bench-indexes'));
    expect(readdirSync(join(out, 'bench-indexes', set!)).sort()).toContain('isodex-m4-ef200-t2');
  });

  it('refuses names it does not know', async () => {
    await expect(bench('hnsw', '--peers', 'annoy')).rejects.toThrow("there is no 'annoy'");
  });
});
