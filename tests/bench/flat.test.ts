/** The bench end to end on tiny synthetic data, without peers: that it runs and what it writes, never how fast anything is. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FlatReport } from '../../bench/flat.ts';
import { benchRunner, root } from './run.ts';

const { bench, out, library } = benchRunner();

const TINY = [
  '--sets',
  'clustered-1500x24,glove',
  '--queries',
  '20',
  '--repeats',
  '2',
  '--singles',
  '4',
  '--engines',
  'cpu',
  '--peers',
  '',
];

describe.skipIf(!existsSync(library))('bench flat (needs npm run build)', () => {
  it('compares engines, says what it skipped, and writes JSON and a picture', async () => {
    const { stdout } = await bench('flat', ...TINY, '--threads', '1,2', '--out', out);
    expect(stdout).toContain('skipped data set glove: needs glove-6b-100d/');
    const report = JSON.parse(readFileSync(join(out, 'flat.json'), 'utf8')) as FlatReport;
    expect(report.contenders.map(({ id }) => id)).toEqual(['isodex-cpu-1', 'isodex-cpu-1-baseline', 'isodex-cpu-2']);
    expect(report.skipped).toHaveLength(1);
    const set = report.sets[0]!;
    expect([set.rows, set.dim, set.queries]).toEqual([1500, 24, 20]);
    for (const result of set.results) {
      expect([result.seconds.length, result.single.length, result.differing]).toEqual([2, 4, 0]);
      expect(result.build.memory.originals).toBeGreaterThanOrEqual(1500 * 24 * 4);
    }
    expect(JSON.stringify(report)).not.toContain(root);
    const picture = readFileSync(join(out, 'flat.svg'), 'utf8');
    expect(picture).toMatch(/^<svg/);
    expect(picture).toContain('Isodex cpu, 2 threads');
  });

  it('refuses names it does not know', async () => {
    await expect(bench('flat', '--sets', 'mnist', '--peers', '', '--engines', 'cpu', '--threads', '1')).rejects.toThrow(
      "there is no 'mnist'",
    );
    await expect(bench('flat', '--engines', 'tpu', '--peers', '')).rejects.toThrow("there is no 'tpu'");
  });
});
