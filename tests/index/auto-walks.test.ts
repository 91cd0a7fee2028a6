/** An index on an `auto` engine: its walks and builds go where they cost less, and nobody sees it in a file or an answer. */
import { afterAll, describe, expect, it } from 'vitest';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import type { Engine, WalkChoice } from '../../src/host/engine.ts';
import { makeIndex } from '../../src/index/factory.ts';
import type { VectorIndex } from '../../src/index/vector-index.ts';
import { fromBytes } from '../../src/node.ts';
import { makeVectors } from '../contract/data.ts';
import { type DeviceFailure, fakeGpu } from './fake-gpu.ts';

const dim = 8;
const rows = makeVectors('normal', 600, dim, 21);
const queries = makeVectors('normal', 60, dim, 22);
const search = { k: 5, efSearch: 8, stats: true };
const cpu = CpuEngine.open({ threads: 1 });
afterAll(async () => (await cpu).close());

const FAST: WalkChoice['costs']['host'] = { termsPerMs: 1e9, waitMs: 0.001, uploadPerMs: 1e9, walkPerMs: 1e9, alonePerMs: 1e9 };
const SLOW: WalkChoice['costs']['host'] = { termsPerMs: 1, waitMs: 100, uploadPerMs: 1, walkPerMs: 1, alonePerMs: 1 };

/** An `auto` engine over a host and the twins as its device. */
async function autoEngine(costs: WalkChoice['costs'], failure?: DeviceFailure) {
  const host = await cpu;
  const device = fakeGpu(host, failure);
  let asked = 0;
  const walkChoice = async () => {
    asked++;
    return device.state.lost ? undefined : { device: device.engine, costs };
  };
  const engine = Object.assign(Object.create(host), { walkChoice, pick: async () => host }) as Engine;
  Object.defineProperties(engine, { kind: { value: 'auto' }, host: { value: host } });
  return { engine, device, asked: () => asked };
}

async function fileOf(index: VectorIndex): Promise<string> {
  return Buffer.from(await index.toBytes()).toString('base64');
}

/** By the host alone. */
const right = (async () => {
  using index = makeIndex('HNSW4', { dim, metric: 'l2', efConstruction: 12 }, await cpu);
  await index.add(rows);
  return { file: await fileOf(index), answer: await index.search(queries, search) };
})();

async function lifeOn(engine: Engine) {
  using index = makeIndex('HNSW4', { dim, metric: 'l2', efConstruction: 12 }, engine);
  await index.add(rows);
  await index.prepare();
  return {
    file: await fileOf(index),
    answer: await index.search(queries, search),
    single: await index.search(queries.subarray(0, dim), search),
  };
}

/** Labels, distances and hops are the same; a device may score a node twice. */
async function expectRight({ file, answer }: Awaited<ReturnType<typeof lifeOn>>, engine: string): Promise<void> {
  const expected = await right;
  expect(file).toBe(expected.file);
  expect(answer.engine).toBe(engine);
  expect(answer.labels).toEqual(expected.answer.labels);
  expect(answer.distances).toEqual(expected.answer.distances);
  expect(answer.stats!.hops).toEqual(expected.answer.stats!.hops);
}

describe('an index on an auto engine', () => {
  it('is built and searched on a device that costs less, but for single queries', async () => {
    const { engine, device } = await autoEngine({ host: SLOW, device: FAST });
    const life = await lifeOn(engine);
    await expectRight(life, 'gpu');
    expect(life.single.engine).toBe('cpu');
    expect(device.state.calls).toBeGreaterThan(50);
  });

  it('stays on the host where that costs less, and sends the device nothing', async () => {
    const { engine, device, asked } = await autoEngine({ host: FAST, device: SLOW });
    await expectRight(await lifeOn(engine), 'cpu');
    expect(device.state.calls).toBe(0);
    expect(asked()).toBeGreaterThan(1);
  });

  it('goes to the device once sending the graph is made up for', async () => {
    const host = { ...FAST, walkPerMs: 1e6, alonePerMs: 1e6 };
    const { engine } = await autoEngine({ host, device: { ...FAST, uploadPerMs: 1e4 } });
    using index = makeIndex('HNSW4', { dim, metric: 'l2', efConstruction: 12 }, await cpu);
    await index.add(rows);
    using opened = await fromBytes(await index.toBytes(), { engine });
    const engines: string[] = [];
    for (let i = 0; i < 400 && engines.at(-1) !== 'gpu'; i++) engines.push((await opened.search(queries, search)).engine);
    expect(engines[0]).toBe('cpu');
    expect(engines.at(-1)).toBe('gpu');
  });

  it('is the same where the device is lost, or full, at any time', async () => {
    const { engine, device } = await autoEngine({ host: SLOW, device: FAST });
    await lifeOn(engine);
    const { calls } = device.state;
    for (const code of ['device-lost', 'out-of-memory'] as const) {
      for (const at of [0, 3, Math.floor(calls / 3), calls - 12, calls - 4, calls - 1]) {
        const failing = await autoEngine({ host: SLOW, device: FAST }, { at, code });
        const { file, answer } = await lifeOn(failing.engine);
        const expected = await right;
        expect(file).toBe(expected.file);
        expect([...answer.labels]).toEqual([...expected.answer.labels]);
      }
    }
  });
});
