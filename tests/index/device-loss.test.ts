/** GPUs that go away or run out of memory in the middle of a call: the call ends on the CPU with the same answer. */
import { afterAll, describe, expect, it } from 'vitest';
import { AutoEngine } from '../../src/host/auto-engine.ts';
import type { Engine } from '../../src/host/engine.ts';
import { GpuEngine } from '../../src/host/gpu/gpu-engine.ts';
import { makeIndex } from '../../src/index/factory.ts';
import type { FlatIndex } from '../../src/index/flat.ts';
import type { VectorIndex } from '../../src/index/vector-index.ts';
import { IsodexError } from '../../src/util/errors.ts';
import { makeVectors } from '../contract/data.ts';
import { findGpu } from '../contract/engines.ts';
import { expectExact, expectSameNeighbors, failsWith, labelled, lowRank, nearest, oneThread } from './helpers.ts';

const gpu = await findGpu();
const k = 5;
const dim = 20;
const vectors = makeVectors('normal', 2200, dim, 1);
const queries = makeVectors('normal', 20, dim, 2);
const rows = labelled(vectors, dim);
const right = nearest('l2', rows, queries, dim, k);

const open = async () => GpuEngine.open(gpu!, await oneThread());

async function filled(engine: Engine): Promise<VectorIndex> {
  const index = makeIndex('Flat', { dim, metric: 'l2' }, engine);
  await index.add(vectors);
  return index;
}

/** Does `what` when the engine is called for the `at`-th time, just before that call. */
function onCall(engine: GpuEngine, at: number, what: () => void): () => number {
  let calls = 0;
  for (const name of ['alloc', 'write', 'run', 'read'] as const) {
    const original = engine[name].bind(engine) as (...args: unknown[]) => never;
    Object.assign(engine, {
      [name]: (...args: unknown[]) => {
        if (calls++ === at) what();
        return original(...args);
      },
    });
  }
  return () => calls;
}

/** Costs that send every call to the GPU. */
const gpuIsFaster = {
  load: async (key: string) => {
    const fast = !key.startsWith('WebAssembly');
    return { termsPerMs: fast ? 1e12 : 1, waitMs: fast ? 1e-6 : 1000, uploadPerMs: fast ? 1e12 : 1 };
  },
  save: async () => {},
};

async function expectLost(engine: Engine, index: VectorIndex): Promise<void> {
  await Promise.resolve();
  expect(engine.info.notes).toEqual([expect.stringMatching(/the GPU device was lost .*; calls are answered by the CPU/)]);
  const later = await index.search(queries, { k });
  expect(later.engine).toBe('cpu');
  expectSameNeighbors(later, right, 'later');
  const range = await index.rangeSearch(queries.subarray(0, dim), right.distances[k - 1]!);
  expect([...range.labels]).toEqual([...right.labels.subarray(0, k)]);
  await index.prepare();
  await index.add(queries);
  await expectExact(index, [...rows, ...labelled(queries, dim, 2200)], queries, k, 'after an add');
}

describe.skipIf(!gpu)('a device that is lost', () => {
  it('at any point of a search: the call ends on the CPU with the same answer', async () => {
    let at = 0;
    for (let calls = 1; at < calls; at += Math.ceil(calls / 4)) {
      using engine = await open();
      using index = await filled(engine);
      onCall(engine, at, () => engine.device.destroy());
      const found = await index.search(queries, { k });
      expectSameNeighbors(found, right, `lost before call ${at}`);
      expect(found.engine).toBe('cpu');
      if (at === 0) {
        // how many calls there are when nothing is lost
        using whole = await open();
        using other = await filled(whole);
        const all = onCall(whole, -1, () => {});
        expect((await other.search(queries, { k })).engine).toBe('gpu');
        calls = all();
        expect(calls).toBeGreaterThan(20);
      }
      await expectLost(engine, index);
    }
  });

  it('in the middle of a batch, after some of its queries were answered', async () => {
    using engine = await open();
    using index = await filled(engine);
    await index.prepare();
    const many = makeVectors('normal', 40, dim, 3);
    const batch = new Float32Array(600 * dim); // three slices
    for (let at = 0; at < batch.length; at += many.length) batch.set(many, at);
    const seen: string[] = [];
    const found = await index.rangeSearch(batch, 6, {
      onProgress: () => {
        if (seen.push('slice') === 1) engine.device.destroy();
      },
    });
    const once = await makeReference(many);
    expect([...found.labels.subarray(0, once.labels.length)]).toEqual([...once.labels]);
    expect(found.offsets.at(-1)).toBe(15 * once.labels.length);
    expect(found.engine).toBe('cpu');
    await expectLost(engine, index);
  });

  async function makeReference(many: Float32Array) {
    using engine = await oneThread();
    using index = await filled(engine);
    return await index.rangeSearch(many, 6);
  }

  it('while codes are made, and with searches in flight', async () => {
    using engine = await open();
    using index = await filled(engine);
    const searches = [index.search(queries, { k }), index.search(queries, { k }), index.search(queries, { k })];
    await new Promise((resolve) => setTimeout(resolve, 2));
    engine.device.destroy();
    for (const found of await Promise.all(searches)) expectSameNeighbors(found, right);
    await expectLost(engine, index);
  });

  it('while prepare makes codes', async () => {
    for (const at of [0, 4]) {
      using engine = await open();
      using index = await filled(engine);
      onCall(engine, at, () => engine.device.destroy());
      await index.prepare();
      await expectLost(engine, index);
    }
  });

  it('before the first call', async () => {
    using engine = await open();
    using index = await filled(engine);
    engine.device.destroy();
    expectSameNeighbors(await index.search(queries, { k }), right);
    await expectLost(engine, index);
  });

  it('by an auto engine that chose it', async () => {
    for (const at of [0, 12]) {
      const device = await open();
      using engine = new AutoEngine(device.host as never, device, gpuIsFaster);
      using index = await filled(engine);
      if (at > 0) expect((await index.search(queries, { k })).engine, 'the GPU is chosen').toBe('gpu');
      onCall(device, at, () => device.device.destroy());
      const found = await index.search(queries, { k });
      expect(found.engine).toBe('cpu');
      expectSameNeighbors(found, right, `lost before call ${at}`);
      await expectLost(engine, index);
    }
  });

  it('is not the same as an engine that was closed', async () => {
    const engine = await open();
    const index = await filled(engine);
    const searching = index.search(queries, { k });
    engine.close();
    await expect(searching).rejects.toEqual(failsWith('closed'));
    await expect(index.search(queries, { k })).rejects.toEqual(failsWith('closed'));
  });
});

describe.skipIf(!gpu)('a GPU out of memory', () => {
  const opened = gpu && open();
  afterAll(async () => (await opened)?.close());

  /** Makes allocations whose label fits fail while the returned switch is on. */
  function starve(engine: GpuEngine, label: RegExp): { on: boolean; refused: number } & Disposable {
    const state = { on: true, refused: 0, [Symbol.dispose]: () => void Reflect.deleteProperty(engine, 'alloc') };
    const alloc = engine.alloc.bind(engine) as (...args: unknown[]) => never;
    Object.assign(engine, {
      alloc: async (...args: unknown[]) => {
        if (!state.on || !label.test(args[2] as string)) return alloc(...args);
        state.refused++;
        throw new IsodexError('out-of-memory', `no room for ${args[2]}`);
      },
    });
    return state;
  }

  it.each([/flat codes: filter slacks/, /flat codes: whole rows/, /queries/, /scan: pairs/, /seed/, /top-k/, /search: mask/])(
    'for %s: the CPU answers, and the GPU again once there is room',
    async (label) => {
      const engine = await opened!;
      const width = 96; // with a projection there are all kinds of codes
      const data = lowRank(1500, width, 4);
      using index = makeIndex('Flat', { dim: width, metric: 'ip' }, engine) as FlatIndex;
      await index.add(data);
      const some = data.subarray(0, 4 * width);
      const expected = nearest('ip', labelled(data, width), some, width, k);
      using state = starve(engine, label);
      const found = await index.search(some, { k });
      expect(state.refused).toBeGreaterThan(0);
      expect(found.engine).toBe('cpu');
      expectSameNeighbors(found, expected);
      expect(engine.info.notes).toEqual([]);
      state.on = false;
      const again = await index.search(some, { k });
      expect(again.engine).toBe('gpu');
      expectSameNeighbors(again, expected);
      const held = index.memory.codes;
      state.on = true;
      expectSameNeighbors(await index.search(some, { k }), expected);
      expect(index.memory.codes, 'codes of both engines at most').toBeLessThanOrEqual(held);
    },
  );

  it('that nobody can help rejects with out-of-memory', async () => {
    using engine = await oneThread();
    using index = await filled(engine);
    const alloc = engine.alloc.bind(engine);
    Object.assign(engine, { alloc: () => Promise.reject(new IsodexError('out-of-memory', 'full')) });
    await expect(index.search(queries, { k })).rejects.toEqual(failsWith('out-of-memory'));
    Object.assign(engine, { alloc });
    await expectExact(index, rows, queries, k);
  });
});

describe('the work that an auto engine weighs', () => {
  it('counts an upload only until codes are on the device', async () => {
    using cpu = await oneThread();
    using other = await oneThread();
    const uploads: number[] = [];
    const engine = {
      kind: 'auto',
      info: cpu.info,
      host: cpu,
      pick: async ({ uploadBytes }: { uploadBytes: number }) => {
        uploads.push(uploadBytes);
        return other; // stands for the GPU
      },
    } as unknown as Engine;
    using index = await filled(engine);
    for (let i = 0; i < 3; i++) await index.search(queries, { k });
    expect(uploads).toEqual([2200 * dim, 0, 0]);
  });
});
