/** Searches that a device narrows answer as the host does, whatever the data, and read fewer vectors. */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import type { Engine } from '../../src/host/engine.ts';
import { GpuEngine } from '../../src/host/gpu/gpu-engine.ts';
import { EngineWalker } from '../../src/index/engine-walker.ts';
import { makeIndex } from '../../src/index/factory.ts';
import type { HnswIndex } from '../../src/index/hnsw.ts';
import { type Kind, kinds, makeVectors, randomFrom, seed } from '../contract/data.ts';
import { findGpu } from '../contract/engines.ts';
import { fakeGpu } from './fake-gpu.ts';
import { expectSameNeighbors, metrics } from './helpers.ts';
import { codedIndex, countingRefined, type Question, searchOn, stateOf } from './narrow-fixture.ts';

const cpu = await CpuEngine.open({ threads: 1 });
afterAll(() => cpu.close());

async function filled(metric: HnswIndex['metric'], vectors: Float32Array, dim: number, description = 'HNSW5'): Promise<HnswIndex> {
  const index = makeIndex(description, { dim, metric, efConstruction: 16 }, cpu) as HnswIndex;
  await index.add(vectors);
  return index;
}

/** Labels, distance bits and hops. Returns who walked last: the host, where all rows are looked at. */
async function expectSame(device: Engine, host: Engine, index: HnswIndex, question: Question, slice?: number): Promise<string> {
  const expected = await searchOn(host, index, question);
  const actual = await searchOn(device, index, question, slice);
  expectSameNeighbors(actual, expected, JSON.stringify({ ...question, queries: question.queries.length }));
  expect([...actual.stats!.hops]).toEqual([...expected.stats!.hops]);
  return actual.engine;
}

/** Rows of which many are nearly or quite the same, and queries among them. */
function nearlySame(kind: Kind, dim: number, offset: number, size: number) {
  const random = randomFrom(offset);
  const vectors = makeVectors(kind, 420, dim, offset);
  for (let row = 40; row < 300; row++) {
    const from = (row % 9) * dim;
    for (let j = 0; j < dim; j++) vectors[row * dim + j] = Math.fround(vectors[from + j]! * (1 + random.int(-1, 1) * size));
  }
  const queries = makeVectors(kind, 12, dim, offset + 1);
  queries.set(vectors.subarray(0, 4 * dim));
  return { vectors, queries };
}

describe('on a device', () => {
  it(`the answer is the host's (seed ${seed})`, { timeout: 300_000 }, async () => {
    let [left, all, walks] = [0, 0, 0];
    const shapes = fc.record({
      metric: fc.constantFrom(...metrics),
      kind: fc.constantFrom(...kinds.filter((kind) => kind !== 'zeros' && kind !== 'subnormal')),
      dim: fc.constantFrom(3, 8, 17, 40),
      offset: fc.nat(1e6),
      size: fc.constantFrom(0, 2 ** -23, 2 ** -12, 0.01),
      k: fc.constantFrom(1, 3, 10, 16, 30),
      efSearch: fc.constantFrom(1, 12, 20, 40),
      filter: fc.constantFrom(
        undefined,
        (label: number) => label % 2 === 0,
        (label: number) => label % 5 !== 1,
      ),
    });
    await fc.assert(
      fc.asyncProperty(shapes, async ({ metric, kind, dim, offset, size, ...rest }) => {
        const { vectors, queries } = nearlySame(kind, dim, offset, size);
        using index = await codedIndex(cpu, metric, vectors, dim);
        const { host, count } = countingRefined(cpu);
        const { engine } = fakeGpu(host);
        const question = { ...rest, queries } as Question;
        if ((await expectSame(engine, cpu, index, question)) === 'gpu') walks++;
        await index.remove([3, 44, 60]);
        await expectSame(engine, cpu, index, question, 50);
        left += count.rows;
        all += count.most;
      }),
      { seed, numRuns: 150 },
    );
    expect(left).toBeLessThan(0.9 * all);
    expect(walks).toBeGreaterThan(60);
  });

  it.each(metrics)('rows that come later are narrowed too: %s', async (metric) => {
    const dim = 16;
    const vectors = makeVectors('normal', 900, dim, 8);
    using index = await filled(metric, vectors.subarray(0, 400 * dim), dim);
    const { host, count } = countingRefined(cpu);
    const { engine } = fakeGpu(host);
    const question = { queries: makeVectors('normal', 20, dim, 9), k: 6, efSearch: 20 };
    for (const end of [400, 404, 900]) {
      if (end > 400) await index.add(vectors.subarray(index.size * dim, end * dim));
      expect(await expectSame(engine, cpu, index, question)).toBe('gpu');
    }
    expect(count.rows).toBeLessThan(0.6 * count.most);
  });

  it.each(metrics)('hardly more than k vectors are read: %s', async (metric) => {
    const dim = 48;
    using index = await filled(metric, makeVectors('normal', 600, dim, 1), dim);
    const { host, count } = countingRefined(cpu);
    const question = { queries: makeVectors('normal', 30, dim, 2), k: 10, efSearch: 40 };
    expect(await expectSame(fakeGpu(host).engine, cpu, index, question)).toBe('gpu');
    expect(count.most).toBe(30 * 20);
    expect(count.rows).toBeLessThan(30 * 11.5);
  });

  it.each(['HNSW5,SQ8', 'HNSW5'])('%s answers all that a beam holds, and codes that stand for themselves, without', async (description) => {
    const dim = 20;
    using index = await filled('l2', makeVectors('normal', 500, dim, 3), dim, description);
    const { host, count } = countingRefined(cpu);
    const { engine } = fakeGpu(host);
    const queries = makeVectors('normal', 6, dim, 4);
    if (description.endsWith('SQ8')) await expectSame(engine, cpu, index, { queries, k: 10, efSearch: 40 });
    await expectSame(engine, cpu, index, { queries, k: 40, efSearch: 40 });
    expect(count.rows).toBe(count.most);
  });

  it('that has no room for limbs narrows nothing, and answers', async () => {
    const dim = 20;
    using index = await filled('l2', makeVectors('normal', 500, dim, 3), dim);
    const { host, count } = countingRefined(cpu);
    const device = fakeGpu(host);
    const alloc = device.engine.alloc.bind(device.engine);
    const { IsodexError } = await import('../../src/util/errors.ts');
    Object.assign(device.engine, {
      alloc: (dtype: never, length: number, label: string) =>
        /limbs on the device/.test(label) ? Promise.reject(new IsodexError('out-of-memory', 'full')) : alloc(dtype, length, label),
    });
    const question = { queries: makeVectors('normal', 6, dim, 4), k: 10, efSearch: 40 };
    await expectSame(device.engine, cpu, index, question);
    expect((await searchOn(device.engine, index, question)).engine).toBe('gpu');
    expect(count.rows).toBe(count.most);
  });
});

describe('slices of a call', () => {
  const dim = 12;
  const queries = makeVectors('normal', 40, dim, 6);
  const question = { queries, k: 5, efSearch: 20 };
  const rows = makeVectors('normal', 500, dim, 5);

  it('are begun before those ahead of them are read, three at once whatever their number', async () => {
    using index = await filled('l2', rows, dim);
    for (const slice of [2, 5]) {
      const { engine } = fakeGpu(cpu);
      const { run, read } = engine;
      let [runs, readings, most] = [0, 0, 0];
      const waits: boolean[] = [];
      let done: Promise<unknown> = Promise.resolve();
      Object.assign(engine, {
        run: async (...args: Parameters<typeof run>) => {
          await run(...args);
          most = Math.max(most, ++runs - readings);
        },
        read: async (...args: Parameters<typeof read>) => {
          const before = done;
          done = before.then(() => new Promise((resolve) => setTimeout(resolve, 4))); // a slice takes its time once the last is done
          await done;
          const result = await read(...args);
          waits.push(runs === ++readings);
          return result;
        },
      });
      await expectSame(engine, cpu, index, question, slice);
      expect(runs).toBe(40 / slice);
      expect(most).toBe(3);
      expect(waits.indexOf(true), 'the device has nothing to do but after the last').toBe(40 / slice - 1);
    }
  });

  it('are long where a device is fast, and beams are not wide', async () => {
    using index = await filled('l2', rows, dim);
    const { store, graph } = stateOf(index);
    const walker = new EngineWalker(fakeGpu(cpu).engine, store.device);
    const sliceFor = async (ef: number) => {
      await walker.begin(store.view(graph!), 1e5, ef);
      return walker.slice;
    };
    expect(await sliceFor(64)).toBe(4096); // nothing is known yet
    for (const [ms, slices] of [
      [1, [16_384, 5242, 4096]],
      [1e9, [4096, 4096, 4096]],
    ] as const) {
      store.device.pace.note(10_000, 64, ms);
      expect([await sliceFor(64), await sliceFor(200), await sliceFor(4000)]).toEqual(slices);
    }
  });

  it('go on the host once the device is lost or full, at any time', async () => {
    using index = await filled('l2', rows, dim);
    const whole = fakeGpu(cpu);
    const expected = await searchOn(whole.engine, index, question);
    expect(whole.state.calls).toBeGreaterThan(40);
    for (const code of ['device-lost', 'out-of-memory'] as const) {
      for (let at = 0; at < whole.state.calls; at++) {
        const device = fakeGpu(cpu, { at, code });
        const answer = await searchOn(device.engine, index, question);
        expectSameNeighbors(answer, expected, `${code} at call ${at}`);
        expect([...answer.stats!.hops]).toEqual([...expected.stats!.hops]);
        if (code === 'device-lost') expect(answer.engine).toBe('cpu');
      }
    }
  });

  it('end with the signal, and leave nothing behind', async () => {
    using index = await filled('l2', rows, dim);
    const { engine } = fakeGpu(cpu);
    await searchOn(engine, index, question);
    const used = cpu.usedBytes;
    const controller = new AbortController();
    const { read } = engine;
    Object.assign(engine, {
      read: (...args: Parameters<typeof read>) => {
        controller.abort(new Error('enough'));
        return read(...args);
      },
    });
    await expect(searchOn(engine, index, { ...question, signal: controller.signal })).rejects.toThrow('enough');
    expect(cpu.usedBytes).toBe(used);
  });
});

const gpu = await findGpu();

describe.skipIf(!gpu)('on a GPU', () => {
  it.each(metrics)('the answer is the host’s, over several slices: %s', { timeout: 120_000 }, async (metric) => {
    const dim = 24;
    using engine = await GpuEngine.open(gpu!, await CpuEngine.open({ threads: 1 }));
    const { vectors, queries } = nearlySame('normal', dim, 11, 2 ** -20);
    using index = await codedIndex(engine.host, metric, vectors, dim);
    expect(await expectSame(engine, engine.host, index, { queries, k: 4, efSearch: 16 })).toBe('gpu');
  });

  it('that is lost in the middle of several slices the host answers', async () => {
    const dim = 24;
    using engine = await GpuEngine.open(gpu!, await CpuEngine.open({ threads: 1 }));
    const { vectors, queries } = nearlySame('normal', dim, 11, 2 ** -20);
    using index = await codedIndex(engine.host, 'l2', vectors, dim);
    const question = { queries, k: 4, efSearch: 16 };
    const read = engine.read.bind(engine);
    let readings = 0;
    Object.assign(engine, {
      read: (...args: Parameters<typeof read>) => {
        if (++readings === 2) engine.device.destroy();
        return read(...args);
      },
    });
    const answer = await searchOn(engine, index, question, 3);
    expect(answer.engine).toBe('cpu');
    expect(readings).toBeGreaterThanOrEqual(2);
    expectSameNeighbors(answer, await searchOn(engine.host, index, question));
  });
});
