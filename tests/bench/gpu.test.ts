/** The gpu bench end to end, small, on whatever GPU is here: that it runs, that all bits are the same, and what it writes. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { GpuReport, Timing } from '../../bench/gpu/report.ts';
import { findGpu } from '../contract/engines.ts';
import { benchRunner } from './run.ts';

const { bench, out, library } = benchRunner();
const gpu = await findGpu();
const SMALL = [
  '--rows',
  '200',
  '--dim',
  '16',
  '--batches',
  '1,4',
  '--m',
  '4',
  '--ef-construction',
  '12',
  '--efs',
  '16',
  '--build-rows',
  '150',
];
const reportThere = () => JSON.parse(readFileSync(join(out, 'gpu.json'), 'utf8')) as GpuReport;

describe.skipIf(!existsSync(library) || !gpu)('bench gpu (needs npm run build, and a GPU)', () => {
  it('compares bits, then measures', { timeout: 300_000 }, async () => {
    const graph = join(out, 'graph.isodex');
    const { stdout } = await bench('gpu', '--software', ...SMALL, '--graph', graph, '--out', out);
    expect(stdout).toMatch(/identity: \d+ indexes compared, 0 differ/);
    expect(stdout).toMatch(/dot4I8Packed out of registers +\S+ T multiply-adds\/s/);
    expect(stdout).toMatch(/HNSW4, efSearch 16: GPU faster than WASM from a batch of: \S/);
    expect(stdout).toMatch(/same bits on GPU and CPU: \d+ of \d+ indexes; goal all, reached/);
    const report = reportThere();
    expect(report.engine.adapter).toBeDefined();
    expect(report.engine.limits?.maxBufferSize).toBeGreaterThan(0);
    expect(report.identity.length).toBeGreaterThan(2);
    expect(report.identity.every(({ sameFile, differing, queries }) => sameFile && differing === 0 && queries > 0)).toBe(true);
    expect(report.failed).toEqual([]);
    checkRates(report);
    checkBuilds(report);
    checkSearches(report);
    expect(report.torch).toEqual(expect.objectContaining('missing' in report.torch! ? { missing: expect.any(String) } : { batch: 10_000 }));
    expect(report.findings.find(({ what }) => what.startsWith('same bits'))).toMatchObject({ goal: 'all', reached: true });
    expect(existsSync(graph)).toBe(true);
  });

  it('takes a graph that is there, and says what there was no time for', { timeout: 120_000 }, async () => {
    const graph = join(out, 'graph.isodex');
    const args = ['gpu', '--software', ...SMALL, '--graph', graph, '--out', out];
    await bench(...args, '--parts', 'hnsw');
    const report = reportThere();
    expect(report.searches.map(({ index }) => index)).toEqual(['HNSW4']);
    expect(report.builds).toEqual([]);
    expect(report.rates).toBeNull();
    await bench(...args, '--parts', 'identity,torch', '--budget', '1');
    expect(reportThere().skipped).toEqual([{ what: 'torch', reason: 'the 1 s of --budget had gone by' }]);
    await expect(bench(...args, '--rows', '100', '--parts', 'hnsw')).rejects.toThrow(
      /--graph: .* is HNSW4 of 200 × 16, not HNSW4 of 100 × 16/,
    );
  });

  it('refuses parts that it does not know', () => expect(bench('gpu', '--parts', 'flat,all')).rejects.toThrow("there is no 'all'"));

  it('does not run on a software driver unasked', async () => {
    if (!reportThere().engine.adapter?.software) return;
    await expect(bench('gpu', '--rows', '100', '--out', out)).rejects.toThrow('this GPU is a software driver; give --software');
  });
});

function checkRates({ rates }: GpuReport): void {
  expect(rates?.readMs).toBeGreaterThan(0);
  const { heldMatrices, readMatrices, ...everywhere } = rates!.measured;
  for (const rate of Object.values(everywhere)) expect(rate).toEqual({ perSecond: expect.any(Number) });
  expect(Object.keys(everywhere)).toEqual(['dot4Registers', 'dot4Product', 'f32Product', 'inOrder', 'rows192', 'rows256']);
  for (const rate of [heldMatrices, readMatrices]) {
    expect(rate).toEqual('missing' in rate ? { missing: expect.any(String) } : { perSecond: expect.any(Number) });
  }
}

function checkBuilds({ builds, deviceTimes }: GpuReport): void {
  const told = builds.map(({ by, rows, threads }) => `${by} ${rows} ${by === 'cpu' ? threads === 1 : ''}`);
  expect(told.slice(0, 2)).toEqual(['gpu 200 ', 'gpu 150 ']);
  expect(['hnswlib 150 ', 'cpu 150 true']).toContain(told[2]);
  expect(builds.slice(3).map(({ by, rows }) => `${by} ${rows}`)).toEqual(['cpu 150', 'cpu 200']);
  for (const rows of [150, 200]) {
    const files = builds.filter((one) => one.rows === rows && one.sha256).map(({ sha256 }) => sha256);
    expect(files.length).toBeGreaterThan(1);
    expect(new Set(files).size).toBe(1);
  }
  if (deviceTimes.startsWith('timestamps')) expect(builds[1]!.device?.seconds).toBeGreaterThan(0);
}

function checkSearches({ searches, deviceTimes }: GpuReport): void {
  expect(searches.map(({ index }) => index)).toEqual(['HNSW4', 'Flat']);
  const [walk, flat] = searches;
  expect(walk!.batches.map(({ answeredBy }) => answeredBy)).toEqual(['gpu', 'gpu']);
  expect(flat!.batches.map(({ answeredBy }) => answeredBy)).toEqual(['cpu', 'cpu']); // so few rows the host compares by itself
  expect(walk!.effort!.bytes).toBeCloseTo(walk!.effort!.distances * 32 + walk!.effort!.hops * 32);
  expect(walk!.effort!.rescored).toBeGreaterThanOrEqual(0);
  expect(walk!.effort!.rescored).toBeLessThan(0.1);
  const timing: Timing = {
    rounds: expect.any(Number),
    p50Ms: expect.any(Number),
    p99Ms: expect.any(Number),
    queriesPerSecond: expect.any(Number),
  };
  for (const { batches, recall } of searches) {
    expect(batches).toMatchObject([1, 4].map((batch) => ({ batch, gpu: timing, cpu: timing })));
    expect(recall).toBeGreaterThan(0.5);
  }
  if (!deviceTimes.startsWith('timestamps')) return;
  for (const { device } of walk!.batches) {
    expect(device?.seconds).toBeGreaterThan(0);
    expect(device!.kernels.map(({ kernel }) => kernel)).toContain('graph-beam');
  }
}
