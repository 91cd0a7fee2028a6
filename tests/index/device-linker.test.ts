/** Builds that a device does by itself: the graph that the host makes, and nothing of it before it is whole. */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Block } from '../../src/host/block.ts';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import type { Engine, HostEngine } from '../../src/host/engine.ts';
import { GpuEngine } from '../../src/host/gpu/gpu-engine.ts';
import { Recording } from '../../src/host/recording.ts';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';
import { DeviceLinker } from '../../src/index/device-linker.ts';
import { makeIndex } from '../../src/index/factory.ts';
import type { GraphStore } from '../../src/index/graph-store.ts';
import type { BuildingWalker } from '../../src/index/linker.ts';
import { ResidentWalker } from '../../src/index/resident-walker.ts';
import type { VectorIndex } from '../../src/index/vector-index.ts';
import { GROUP_HEAD, GROUP_PHASES, GROUP_WORDS } from '../../src/kernels/graph-group.ts';
import { type Kind, makeVectors, type Random, randomFrom, seed } from '../contract/data.ts';
import { findGpu } from '../contract/engines.ts';
import { shuffled } from '../kernels/graph-cases.ts';
import { type BuildShape, expectSameBuild, narrowed, SHAPE } from './build-fixture.ts';
import { type DeviceFailure, fakeGpu } from './fake-gpu.ts';
import { metrics } from './helpers.ts';

/** An engine stands for a device that walks and builds by itself. */
function deviceOf(engine: Engine): (store: GraphStore) => BuildingWalker {
  return ({ device: { graphs } }) => {
    const walker = new ResidentWalker(engine, graphs);
    return {
      walk: (view, walk) => walker.walk(view, walk),
      openLinker: (view, job) => DeviceLinker.open(engine, graphs, view, job),
    };
  };
}

/** Counts the dispatches of an engine by kernel, and what is written into blocks by their labels. */
function watched<E extends Engine>(
  engine: E,
): { readonly engine: E; readonly ran: Map<string, number>; readonly written: Map<string, number> } {
  const ran = new Map<string, number>();
  const written = new Map<string, number>();
  const count = (counts: Map<string, number>, name: string) => counts.set(name, (counts.get(name) ?? 0) + 1);
  const watching: Partial<Engine> = {
    run: (recording) => {
      for (const { kernel } of recording.dispatches) count(ran, kernel.name);
      return engine.run(recording);
    },
    write: (block, data, offset) => {
      count(written, block.label);
      engine.write(block, data, offset);
    },
  };
  return { engine: Object.assign(Object.create(engine), watching) as E, ran, written };
}

/** Has groups, and those in one, in any order, as a device with many threads would. */
function shuffling(engine: HostEngine, random: Random): HostEngine {
  const run: Engine['run'] = async ({ dispatches }) => {
    for (const dispatch of dispatches) {
      const one = new Recording();
      one.dispatches.push(dispatch);
      await engine.run(one);
      const { kernel, named, blocks } = dispatch;
      if (kernel.name !== 'graph-group' || named.phase !== GROUP_PHASES.fill) continue;
      const [groups, lists] = blocks.slice(3).map((block) => engine.view(block as Block<'u32'>)) as [Uint32Array, Uint32Array];
      shuffleGroups(groups, lists, random);
    }
  };
  return Object.assign(Object.create(engine), { run }) as HostEngine;
}

function shuffleGroups(groups: Uint32Array, lists: Uint32Array, random: Random): void {
  const all = Array.from({ length: groups[0]! }, (_, i) => groups.slice(GROUP_HEAD + GROUP_WORDS * i, GROUP_HEAD + GROUP_WORDS * (i + 1)));
  for (const [i, group] of shuffled(all, random).entries()) groups.set(group, GROUP_HEAD + GROUP_WORDS * i);
  for (const [, begin, size] of all as unknown as [number, number, number][]) {
    const [keys, ids] = [lists.slice(2 * begin, 2 * begin + size), lists.slice(2 * begin + size, 2 * (begin + size))];
    for (const [to, from] of shuffled([...keys.keys()], random).entries()) {
      lists[2 * begin + to] = keys[from]!;
      lists[2 * begin + size + to] = ids[from]!;
    }
  }
}

const anyShape: fc.Arbitrary<BuildShape> = fc.record({
  dim: fc.integer({ min: 1, max: 40 }),
  M: fc.integer({ min: 2, max: 9 }),
  efConstruction: fc.integer({ min: 1, max: 40 }),
  parts: fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 3 }),
  kind: fc.constantFrom<Kind>('normal', 'duplicates', 'clusters', 'bytes', 'constant', 'sorted'),
});

const SHAPES: Record<string, BuildShape> = {
  ordinary: SHAPE,
  'many levels': { dim: 5, M: 2, efConstruction: 6, parts: [260, 30, 90] },
  'wide rows, few links': { dim: 70, M: 3, efConstruction: 40, parts: [90, 90, 90] },
  'more links than nodes': { dim: 3, M: 64, efConstruction: 150, parts: [60, 70, 30] },
};

describe('on a host engine as the device', () => {
  it.each(Object.entries(SHAPES).flatMap(([name, shape]) => metrics.map((metric) => [name, metric, shape] as const)))(
    'makes the same graph: %s, %s',
    async (_name, metric, shape) => {
      const { engine, ran } = watched(new ReferenceEngine());
      await expectSameBuild(engine, metric, deviceOf(engine), shape);
      expect(ran.get('graph-prune')).toBeGreaterThan(10);
      expect(ran.has('graph-join')).toBe(false);
    },
  );

  it(`makes the same graph of any rows, whatever order groups are found in (seed ${seed})`, async () => {
    await fc.assert(
      fc.asyncProperty(anyShape, fc.constantFrom(...metrics), fc.nat(1e6), async (shape, metric, offset) => {
        fc.pre(metric !== 'cosine' || shape.kind !== 'bytes'); // rows of zeros
        const engine = shuffling(new ReferenceEngine(), randomFrom(offset));
        await expectSameBuild(engine, metric, deviceOf(engine), shape);
      }),
      { seed, numRuns: 60 },
    );
  });

  it('makes the same graph where codes, links and batches do not fit into one block', async () => {
    const engine = narrowed(new ReferenceEngine(), 2 ** 12);
    await expectSameBuild(engine, 'l2', deviceOf(engine));
  });
});

const dim = 8;
const M = 4;
const rows = makeVectors('normal', 420, dim, 5);
/** Rows that are copies of one another, which the heuristic treats apart. */
for (let row = 300; row < 360; row++) rows.copyWithin(row * dim, (row % 7) * dim, ((row % 7) + 1) * dim);
const [first, second] = [rows.subarray(0, 300 * dim), rows.subarray(300 * dim)];

function openIndex(engine: Engine): VectorIndex {
  return makeIndex(`HNSW${M}`, { dim, metric: 'l2', efConstruction: 16 }, engine);
}

async function bytesOf(index: VectorIndex): Promise<string> {
  return Buffer.from(await index.toBytes()).toString('base64');
}

const gpu = await findGpu();
const host = CpuEngine.open({ threads: 1 });
afterAll(async () => (await host).close());

/** What the index is after each add, by the CPU. */
const right = (async () => {
  using index = openIndex(await host);
  const files: string[] = [];
  for (const part of [first, second]) {
    await index.add(part);
    files.push(await bytesOf(index));
  }
  return files;
})();

describe('a device that fails while rows are added', () => {
  /** Adds both parts; returns how often the device was called for the second. */
  async function added(failure?: { readonly after: number; readonly code: DeviceFailure['code'] }): Promise<number> {
    const inFirst = failure === undefined ? Infinity : await callsOf(first);
    const { engine, state } = fakeGpu(await host, failure && { at: inFirst + failure.after, code: failure.code });
    using index = openIndex(engine);
    await index.add(first);
    const before = state.calls;
    await index.add(second);
    expect(await bytesOf(index)).toBe((await right)[1]);
    return state.calls - before;
  }

  async function callsOf(part: Float32Array): Promise<number> {
    const { engine, state } = fakeGpu(await host);
    using index = openIndex(engine);
    await index.add(part);
    return state.calls;
  }

  it.each(['device-lost', 'out-of-memory'] as const)('leaves the rest to the host, with the same file: %s', async (code) => {
    const needed = await added();
    expect(needed).toBeGreaterThan(50);
    for (const after of [0, 2, 7, 8, Math.floor(needed / 2), needed - 2, needed - 1]) await added({ after, code });
  });

  it('is not believed where it links to nodes that are not there', async () => {
    const { engine } = fakeGpu(await host);
    const read = engine.read.bind(engine) as (...args: unknown[]) => Promise<Uint32Array[]>;
    let wrong = 0;
    const lying = async (...args: unknown[]) => {
      const arrays = await read(...args);
      if (arrays.length === 2 && arrays[0]!.length > 1000) arrays[0]![5] = 5000 + wrong++; // pages of links
      return arrays;
    };
    Object.assign(engine, { read: lying });
    using index = openIndex(engine);
    await index.add(first);
    expect(wrong).toBe(1);
    expect(await bytesOf(index)).toBe((await right)[0]);
  });

  it('is cancelled in the middle: the index is as it was, and searches meanwhile find its old state', async () => {
    const { engine } = fakeGpu(await host);
    using index = openIndex(engine);
    await index.add(first);
    const search = () => index.search(first.subarray(0, 4 * dim), { k: 5, efSearch: 8 });
    const before = await search();
    expect(before.engine).toBe('gpu');
    const controller = new AbortController();
    const searches: Promise<void>[] = [];
    const onProgress = (done: number) => {
      if (done > 40) searches.push(search().then((answer) => expect(answer).toEqual(before)));
      if (done > 80) controller.abort(new Error('enough'));
    };
    await expect(index.add(second, { signal: controller.signal, onProgress })).rejects.toThrow('enough');
    await Promise.all(searches);
    expect(searches.length).toBeGreaterThan(0);
    expect(await bytesOf(index)).toBe((await right)[0]);
    await index.add(second);
    expect(await bytesOf(index)).toBe((await right)[1]);
  });
});

describe.skipIf(!gpu)('on a GPU', () => {
  const open = async () => GpuEngine.open(gpu!, await CpuEngine.open({ threads: 1 }));

  it('writes the same file, has the graph already, and once lost leaves the rest to the host', { timeout: 60_000 }, async () => {
    using opened = await open();
    const { engine, ran, written } = watched(opened);
    using index = openIndex(engine);
    await index.add(first);
    expect(await bytesOf(index)).toBe((await right)[0]);
    expect(ran.get('graph-prune')).toBeGreaterThan(10);
    const sent = written.get('graph: links on the device')!;
    const answer = await index.search(first.subarray(0, 5 * dim), { k: 3, efSearch: 8 });
    expect(answer.engine).toBe('gpu');
    // All but the pages where nodes out of reach were linked by the host.
    expect(written.get('graph: links on the device'), 'pages sent').toBeLessThan(1.5 * sent);
    await index.add(second, { onProgress: (done) => void (done > 60 && opened.device.destroy()) });
    expect(opened.lost).toBe(true);
    expect(await bytesOf(index)).toBe((await right)[1]);
  });
});
