/** What the gpu bench makes of its figures: shares of a device's rates, crossovers, goals. */
import { describe, expect, it } from 'vitest';
import { Agenda } from '../../bench/gpu/agenda.ts';
import { findings } from '../../bench/gpu/findings.ts';
import { crossover, flatFloor, floorOfSearch, walkFloor } from '../../bench/gpu/floors.ts';
import type { BatchReport, DeviceRates, GpuReport, SearchReport } from '../../bench/gpu/report.ts';

const timing = (batch: number, p50Ms: number) => ({ rounds: 3, p50Ms, p99Ms: p50Ms, queriesPerSecond: (1000 * batch) / p50Ms });

/** A batch that takes so many ms on either side, and on the device. */
function batchOf(batch: number, gpuMs: number, cpuMs: number, deviceMs?: number): BatchReport {
  const device = deviceMs === undefined ? null : { seconds: deviceMs / 1000, wallSeconds: gpuMs / 1000, kernels: [] };
  return { batch, answeredBy: 'gpu', gpu: timing(batch, gpuMs), cpu: timing(batch, cpuMs), device };
}

const none = { missing: 'not here' };
const RATES: DeviceRates = {
  ...{ readMs: 0.1, timedBy: 'timestamps' },
  measured: {
    ...{ dot4Registers: { perSecond: 4e12 }, dot4Product: { perSecond: 2e12 }, f32Product: { perSecond: 1e12 } },
    ...{ heldMatrices: none, readMatrices: none },
    ...{ inOrder: { perSecond: 2e12 }, rows192: { perSecond: 1e12 }, rows256: { perSecond: 1e12 } },
  },
};
const SETTINGS = { rows: 1_000_000, dim: 128, k: 10, data: 'made up' };

describe('crossover', () => {
  it('lies where the ratio is 1, on logarithmic scales', () => {
    // twice as slow at 16, twice as fast at 256: in the middle, at 64
    expect(crossover([batchOf(1, 4, 1), batchOf(16, 2, 1), batchOf(256, 1, 2)])).toEqual({
      batch: expect.closeTo(64),
      measured: 'between',
    });
    expect(crossover([batchOf(16, 1.5, 1), batchOf(256, 1, 3)])).toMatchObject({
      batch: expect.closeTo(16 ** (1 + Math.log(1.5) / Math.log(4.5))),
    });
    expect(crossover([batchOf(16, 1, 1), batchOf(256, 1, 3)])).toEqual({ batch: 16, measured: 'between' }); // as fast there
  });

  it('is where the GPU first wins, whatever comes after', () => {
    expect(crossover([batchOf(1, 2, 1), batchOf(4, 1, 2), batchOf(16, 2, 1), batchOf(64, 1, 2)])).toMatchObject({
      batch: expect.closeTo(2),
    });
  });

  it('says when it is beyond what was measured', () => {
    expect(crossover([batchOf(1, 1, 2), batchOf(16, 1, 9)])).toEqual({ batch: 1, measured: 'smallest' });
    expect(crossover([batchOf(1, 2, 1), batchOf(16, 9, 1)])).toBe('never');
    expect(crossover([])).toBe('nothing measured');
  });
});

describe('floors', () => {
  it('of Flat are multiply-adds at the rate of a plain product', () => {
    const batch = batchOf(10_000, 1000, 5000, 800);
    // 10,000 × 1,000,000 × 128 at 2e12 a second
    expect(flatFloor(batch, SETTINGS, RATES, 'dot4Product')).toEqual({ seconds: 0.64, ofWall: 0.64, ofDevice: expect.closeTo(0.8) });
    expect(flatFloor(batch, SETTINGS, RATES, 'dot4Registers')).toMatchObject({ seconds: 0.32 });
    expect(flatFloor(batch, SETTINGS, RATES, 'readMatrices')).toBeNull();
    expect(flatFloor(batch, SETTINGS, null, 'dot4Product')).toBeNull();
  });

  it('of Flat by matrices are those of matrices', () => {
    const rates = { ...RATES, measured: { ...RATES.measured, readMatrices: { perSecond: 128e6 } } };
    const scan: SearchReport = { index: 'Flat by matrices', search: {}, recall: 1, batches: [], unit: 'readMatrices' };
    expect(floorOfSearch(scan, batchOf(1, 1000, 1), SETTINGS, rates)).toMatchObject({ seconds: 1 });
    expect(floorOfSearch({ ...scan, unit: undefined }, batchOf(1, 1000, 1), SETTINGS, rates)!.seconds).toBeLessThan(0.001);
  });

  it('of walks are bytes at the rate of random rows', () => {
    const effort = { hops: 100, distances: 2000, bytes: 400_000, rescored: 0.02 };
    const batch = batchOf(10_000, 20, 1000, 10);
    const search: SearchReport = { index: 'HNSW32', search: { efSearch: 64 }, recall: 0.97, batches: [batch], effort };
    expect(walkFloor(batch, search, RATES)).toEqual({ seconds: 0.004, ofWall: 0.2, ofDevice: 0.4 });
    expect(walkFloor({ ...batch, device: null }, search, RATES)).toMatchObject({ ofDevice: null });
    expect(walkFloor(batch, { ...search, effort: undefined }, RATES)).toBeNull();
  });
});

describe('findings', () => {
  const effort = { hops: 100, distances: 2000, bytes: 400_000, rescored: 0.02 };
  const walk = (efSearch: number, recall: number, ms: number): SearchReport => {
    const batches = [batchOf(1, 1, 0.5), batchOf(256, 1, 5), batchOf(10_000, ms, 1000, ms / 2)];
    return { index: 'HNSW32', search: { efSearch }, recall, batches, effort };
  };
  const empty = {
    ...{ identity: [], rates: null, builds: [], searches: [], torch: null, skipped: [], failed: [], settings: SETTINGS },
  } as unknown as GpuReport;
  const found = (report: Partial<GpuReport>) => findings({ ...empty, ...report });

  it('say of everything that was not measured that it was not', () => {
    const all = found({});
    expect(all.map(({ value }) => value)).toEqual(all.map(() => 'not measured'));
    expect(all.some(({ reached }) => reached !== undefined)).toBe(false);
  });

  it('take the fastest walk that finds enough', () => {
    const [, , speed, reads] = found({ searches: [walk(16, 0.9, 5), walk(64, 0.96, 10), walk(128, 0.99, 30)], rates: RATES });
    expect(speed).toMatchObject({ what: 'HNSW32, efSearch 64, recall 0.960, batch 10,000', value: '1,000,000 queries/s', reached: true });
    expect(reads!.value).toBe("40.0 % by the wall, 80.0 % of the device's time");
    const [, , few] = found({ searches: [walk(16, 0.9, 5)] });
    expect(few).toMatchObject({ reached: false });
  });

  it('tell single queries and crossovers', () => {
    const texts = found({ searches: [walk(64, 0.96, 10)] }).map(({ what, value }) => `${what}: ${value}`);
    expect(texts).toContain('HNSW32, efSearch 64, one query: p50 on the GPU / by WASM: 1.00 / 0.500 ms');
    expect(texts.at(-1)).toMatch(/^HNSW32, efSearch 64: GPU faster than WASM from a batch of: \d+$/);
  });

  it('hold Flat against a plain product, and against PyTorch at as many queries', () => {
    const searches: SearchReport[] = [{ index: 'Flat', search: {}, recall: 1, batches: [batchOf(10_000, 1000, 5000, 800)] }];
    const torch = { version: '2', device: 'card', rows: 1_000_000, batch: 5000, seconds: { f32: 1, tf32: 0.25 } };
    const [, product, beside] = found({ searches, rates: RATES, torch });
    expect(product).toMatchObject({ value: expect.stringContaining('64.0 % by the wall'), reached: true });
    expect(beside).toMatchObject({ value: '2.00; TF32 0.500', reached: true });
    const [, , without] = found({ searches, torch: { missing: 'no PyTorch' } });
    expect(without).toEqual({ what: beside!.what, value: 'not measured: no PyTorch', goal: '> 1' });
  });

  it('leave out what the GPU did not answer', () => {
    const batches = [batchOf(10_000, 1000, 5000), { ...batchOf(65_536, 1, 5000), answeredBy: 'cpu' }];
    const search = { index: 'Flat', search: {}, recall: 1, batches };
    expect(found({ searches: [search], rates: RATES })[1]!.what).toMatch(/^Flat, batch 10,000/);
    expect(found({ searches: [{ ...search, batches: batches.slice(1) }], rates: RATES })[1]!.value).toBe('not measured');
  });

  it('scale what one thread takes to more rows, and say nothing of the goal where our own stands in', () => {
    const gpu = { index: 'HNSW32', by: 'gpu', label: 'GPU', rows: 1000, threads: 2, seconds: 1 } as const;
    const thread = { index: 'HNSW32', by: 'hnswlib', label: 'hnswlib-node, 1 thread', rows: 100, threads: 1, seconds: 3 } as const;
    const built = found({ builds: [gpu, thread] })[3]!;
    expect(built).toMatchObject({ value: '30.0', reached: true });
    expect(built.what).toContain('(its time of 100 rows, scaled)');
    const own = found({ builds: [gpu, { ...thread, by: 'cpu' }] })[3]!;
    expect(own.value).toBe('30.0');
    expect(own.reached).toBeUndefined();
  });

  it('see a graph that was built otherwise', () => {
    const gpu = { index: 'HNSW32', by: 'gpu', label: 'GPU', rows: 10, threads: 2, seconds: 1, sha256: 'a' } as const;
    const identity = [{ index: 'Flat', metric: 'l2', sameFile: true, differing: 0, queries: 4 }];
    expect(found({ identity, builds: [gpu, { ...gpu, by: 'cpu' }] })[0]).toMatchObject({ reached: true });
    expect(found({ identity, builds: [gpu, { ...gpu, by: 'cpu', sha256: 'b' }] })[0]).toMatchObject({ reached: false });
    expect(found({ identity, builds: [gpu, { ...gpu, by: 'cpu', rows: 9, sha256: 'b' }] })[0]).toMatchObject({ reached: true });
  });
});

describe('an agenda', () => {
  it('skips what comes after the end of its time', async () => {
    const endless = new Agenda(undefined, () => {});
    expect([endless.buildSignal(), endless.secondsLeft]).toEqual([undefined, Infinity]);
    const spent = new Agenda(0, () => {});
    await spent.attempt('b', () => expect.unreachable());
    expect(spent.skipped).toEqual([{ what: 'b', reason: 'the 0 s of --budget had gone by' }]);
    expect(spent.failed).toEqual([]);
    expect(new Agenda(100, () => {}).buildSignal()?.aborted).toBe(false);
  });

  it('goes on when something fails', async () => {
    const lines: string[] = [];
    const agenda = new Agenda(100, (line) => lines.push(line));
    await agenda.attempt('a', () => Promise.reject(new Error('it broke')));
    await agenda.attempt('b', async () => lines.push('done'));
    expect(lines).toEqual(['a failed: it broke', 'done']);
    expect([agenda.failed, agenda.skipped]).toEqual([[{ what: 'a', reason: 'it broke' }], []]);
  });
});
