import { describe, expect, it } from 'vitest';
import { AutoEngine } from '../../src/host/auto-engine.ts';
import { type CostCache, estimateMs, measureCosts } from '../../src/host/cost-model.ts';
import type { EngineCosts } from '../../src/host/costs.ts';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import { GpuEngine } from '../../src/host/gpu/gpu-engine.ts';
import { findGpu } from '../contract/engines.ts';
import { expectSameBits } from '../contract/kernel.ts';
import { gathered, gatherOnce } from './gather.ts';

const gpu = await findGpu();
const slow: EngineCosts = { termsPerMs: 1, waitMs: 10, uploadPerMs: 1000 };
const fast: EngineCosts = { termsPerMs: 1e6, waitMs: 0.01, uploadPerMs: 1e6 };
const scans = { terms: 1e6, waits: 1, uploadBytes: 0 };

/** A cache that knows the costs of the CPU and of the GPU, where they are given. */
type Costs = Readonly<Record<string, number>>;

function costCache(cpu?: EngineCosts, gpuCosts?: EngineCosts): CostCache & { saved: Map<string, Costs>; loads: string[] } {
  const saved = new Map<string, Costs>();
  const loads: string[] = [];
  return {
    saved,
    loads,
    async load(key) {
      loads.push(key);
      return saved.get(key) ?? (key.startsWith('WebAssembly') ? cpu : gpuCosts);
    },
    async save(key, costs) {
      saved.set(key, costs);
    },
  };
}

async function openAuto(cache?: CostCache) {
  const cpu = await CpuEngine.open({ threads: 1 });
  const device = await GpuEngine.open(gpu!, cpu);
  return { cpu, device, auto: new AutoEngine(cpu, device, cache) };
}

describe('costs', () => {
  it('add up terms, waits and uploads', () => {
    const costs = { termsPerMs: 100, waitMs: 2, uploadPerMs: 50 };
    expect(estimateMs(costs, { terms: 1000, waits: 3, uploadBytes: 200 })).toBe(10 + 6 + 4);
    expect(estimateMs({ ...costs, uploadPerMs: Number.MAX_VALUE }, { terms: 0, waits: 0, uploadBytes: 2 ** 40 })).toBeCloseTo(0);
  });

  it('are measured as positive numbers that JSON keeps', async () => {
    using engine = await CpuEngine.open({ threads: 2 });
    const costs = await measureCosts(engine);
    for (const value of Object.values(costs)) expect(value).toBeGreaterThan(0);
    expect(JSON.parse(JSON.stringify(costs))).toEqual(costs);
  });
});

describe.skipIf(!gpu)('an auto engine', () => {
  it('sends work where it is cheaper', async () => {
    const { auto: onCpu, cpu } = await openAuto(costCache(fast, slow));
    expect(await onCpu.pick(scans)).toBe(cpu);
    onCpu.close();
    const { auto: onGpu, device } = await openAuto(costCache(slow, fast));
    expect(await onGpu.pick(scans)).toBe(device);
    onGpu.close();
  });

  it('weighs waits and uploads against arithmetic', async () => {
    const { auto, cpu, device } = await openAuto(
      costCache({ termsPerMs: 1000, waitMs: 0, uploadPerMs: Number.MAX_VALUE }, { termsPerMs: 1e5, waitMs: 1, uploadPerMs: 1e4 }),
    );
    expect(await auto.pick({ terms: 1e4, waits: 1, uploadBytes: 0 })).toBe(device); // 10 ms or 1.1 ms
    expect(await auto.pick({ terms: 1e4, waits: 20, uploadBytes: 0 })).toBe(cpu); // 10 ms or 20.1 ms
    expect(await auto.pick({ terms: 1e4, waits: 1, uploadBytes: 1e6 })).toBe(cpu); // 10 ms or 101.1 ms
    expect(await auto.pick({ terms: 1e6, waits: 20, uploadBytes: 1e6 })).toBe(device); // 1000 ms or 130 ms
    auto.close();
  });

  it('sends everything to the CPU once the GPU is lost', async () => {
    const { auto, cpu, device } = await openAuto(costCache(slow, fast));
    expect(await auto.pick(scans)).toBe(device);
    device.device.destroy();
    await device.device.lost;
    expect(await auto.pick(scans)).toBe(cpu);
    expect(auto.info.notes).toEqual([expect.stringMatching(/GPU device was lost/)]);
    expectSameBits(await gatherOnce(auto, 8), gathered(8), 'keys');
    auto.close();
  });

  it('answers with the CPU when the GPU is lost while it is measured', async () => {
    const { auto, cpu, device } = await openAuto(costCache(slow));
    const picked = auto.pick(scans);
    device.device.destroy();
    expect(await picked).toBe(cpu);
    auto.close();
  });

  it('measures once and saves what it found', async () => {
    const cache = costCache();
    const { auto, cpu, device } = await openAuto(cache);
    const picks = await Promise.all([auto.pick(scans), auto.pick(scans), auto.pick({ terms: 1, waits: 1, uploadBytes: 0 })]);
    for (const picked of picks) expect([cpu, device]).toContain(picked);
    expect(cache.saved.size).toBe(2);
    expect([...cache.saved.keys()].every((key) => key.includes(cpu.info.description) || key.includes(device.info.description))).toBe(true);
    for (const costs of cache.saved.values()) for (const value of Object.values(costs)) expect(value).toBeGreaterThan(0);
    expect(cache.loads).toHaveLength(2);
    auto.close();
  });

  it('measures what walks cost, once, and offers the choice until the GPU is lost', { timeout: 60_000 }, async () => {
    const cache = costCache();
    const { auto, device } = await openAuto(cache);
    const [choice, again] = await Promise.all([auto.walkChoice(), auto.walkChoice()]);
    expect(choice!.device).toBe(device);
    expect(again).toEqual(choice);
    for (const costs of Object.values(choice!.costs)) {
      for (const value of Object.values(costs)) expect(value).toBeGreaterThan(0);
    }
    const own = [...cache.saved].filter(([key]) => key.endsWith('walks'));
    expect(own.map(([, costs]) => Object.keys(costs).sort())).toEqual([
      ['alonePerMs', 'walkPerMs'],
      ['alonePerMs', 'walkPerMs'],
    ]);
    device.device.destroy();
    await device.device.lost;
    expect(await auto.walkChoice()).toBeUndefined();
    auto.close();
  });

  it('keeps its own blocks on the CPU and tells of both engines', async () => {
    const { auto, cpu, device } = await openAuto();
    expectSameBits(await gatherOnce(auto, 2), gathered(2), 'keys');
    expect(auto.host).toBe(cpu);
    expect(auto.info).toMatchObject({ kind: 'auto', notes: [], engines: [{ kind: 'gpu' }, { kind: 'cpu' }] });
    auto.close();
    const closed = expect.objectContaining({ code: 'closed' });
    await expect(auto.alloc('f32', 1, 'late')).rejects.toEqual(closed);
    await expect(device.alloc('f32', 1, 'late')).rejects.toEqual(closed);
    await expect(cpu.alloc('f32', 1, 'late')).rejects.toEqual(closed);
  });
});
