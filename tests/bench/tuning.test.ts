/** The bench of the tuner end to end on tiny synthetic data: that it runs and what it writes, never how fast anything is. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TuningReport } from '../../bench/tuning/bench.ts';
import { benchRunner } from './run.ts';

const { bench, out, library } = benchRunner();

describe.skipIf(!existsSync(library))('bench tuning (needs npm run build)', () => {
  it('puts the tuner beside a full grid', { timeout: 120_000 }, async () => {
    const data = ['--sets', 'clustered-900x16,glove', '--queries', '60', '--threads', '1', '--repeats', '3', '--singles', '10'];
    const { stdout } = await bench('tuning', ...data, '--min-recall', '0.9', '--out', out);
    expect(stdout).toContain('skipped data set glove: needs glove-6b-100d/');
    expect(stdout).toMatch(/time: [\d.]+ % of the grid's \(75 points\)/);
    const { sets } = JSON.parse(readFileSync(join(out, 'tuning.json'), 'utf8')) as TuningReport;
    const { tuner, grid, gridPoints, timeShare, ratios } = sets[0]!;
    expect(gridPoints).toHaveLength(75);
    expect(new Set(gridPoints.map(({ description }) => description)).size).toBe(5);
    for (const { promised, p50, p99, batch } of [tuner, grid]) {
      expect(promised.recall).toBeGreaterThanOrEqual(0.9);
      expect([p50.length, p99.length, batch.length]).toEqual([3, 3, 3]);
    }
    expect(timeShare).toBeCloseTo(tuner.seconds / grid.seconds, 10);
    expect(ratios.p50.median).toBeGreaterThan(0);
  });
});
