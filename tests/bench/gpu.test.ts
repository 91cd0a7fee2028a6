/** The gpu bench end to end, small, on whatever GPU is here: that it runs, that all bits are the same, and what it writes. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { GpuReport } from '../../bench/gpu/report.ts';
import { findGpu } from '../contract/engines.ts';
import { benchRunner } from './run.ts';

const { bench, out, library } = benchRunner();
const gpu = await findGpu();

describe.skipIf(!existsSync(library) || !gpu)('bench gpu (needs npm run build, and a GPU)', () => {
  it('compares bits, then measures', { timeout: 240_000 }, async () => {
    const small = ['--rows', '200', '--dim', '16', '--batches', '1,4', '--m', '4', '--ef-construction', '12', '--efs', '16'];
    const { stdout } = await bench('gpu', '--software', ...small, '--out', out);
    expect(stdout).toMatch(/identity: \d+ indexes compared, 0 differ/);
    expect(stdout).toMatch(/dot4I8Packed: \S+ T multiply-adds a second/);
    const report = JSON.parse(readFileSync(join(out, 'gpu.json'), 'utf8')) as GpuReport;
    expect(report.identity.length).toBeGreaterThan(2);
    expect(report.identity.every(({ sameFile, differing, queries }) => sameFile && differing === 0 && queries > 0)).toBe(true);
    expect(report.builds).toMatchObject([{ index: 'HNSW4', sameFile: true }]);
    expect(report.searches.map(({ index }) => index)).toEqual(['Flat', 'HNSW4']);
    for (const { gpu: onGpu, cpu, recall } of report.searches) {
      expect(Object.keys(onGpu)).toEqual(['1', '4']);
      expect(Object.keys(cpu)).toEqual(['1', '4']);
      expect(recall).toBeGreaterThan(0.5);
    }
    expect(report.engine.adapter).toBeDefined();
  });

  it('does not run on a software driver unasked', async () => {
    const report = JSON.parse(readFileSync(join(out, 'gpu.json'), 'utf8')) as GpuReport;
    if (!report.engine.adapter?.software) return;
    await expect(bench('gpu', '--rows', '100', '--out', out)).rejects.toThrow('this GPU is a software driver; give --software');
  });
});
