/** Lists of codes scanned on devices: the answers of the host, whatever the codes, and the host's own where a device gives out. */
import { afterAll, describe, expect, it } from 'vitest';
import { AutoEngine } from '../../src/host/auto-engine.ts';
import type { Block } from '../../src/host/block.ts';
import type { Engine, HostEngine } from '../../src/host/engine.ts';
import { GpuEngine } from '../../src/host/gpu/gpu-engine.ts';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';
import { bytesSource } from '../../src/index/byte-source.ts';
import { makeIndex, readIndex } from '../../src/index/factory.ts';
import type { Metric, Neighbors, SearchOptions, VectorIndex } from '../../src/index/vector-index.ts';
import { IsodexError } from '../../src/util/errors.ts';
import { makeVectors } from '../contract/data.ts';
import { enginesHere, findGpu } from '../contract/engines.ts';
import { expectSameNeighbors, failsWith, metrics, oneThread } from './helpers.ts';

const dim = 16;
const n = 420;
const nq = 7;
const seventh = (label: number) => label % 7 === 2;
const host = await oneThread();
afterAll(() => host.close());

/** Rows of which many are the same, so that keys tie; queries of which some are rows. */
const vectors = makeVectors('duplicates', n, dim, 1);
const queries = makeVectors('normal', nq, dim, 2);
for (let q = 0; q < nq; q += 3) queries.set(vectors.subarray(q * dim, (q + 1) * dim), q * dim);

const DESCRIPTIONS = ['IVF8,PQ8', 'IVF8,PQ8x4', 'IVF8,SQ8', 'IVF8,Flat', 'IVF5,PQ4,RFlat', 'PQ8', 'PQ8x4', 'SQ8', 'OPQ8,IVF4,PQ8'];
const SEARCHES: readonly SearchOptions[] = [
  { k: 5 },
  { k: 1, nprobe: 1 },
  { k: 20, nprobe: 3, filter: seventh },
  { k: 10, filter: () => false },
  { k: 10, nprobe: 4, filter: (label) => label < 30 },
];

/** Trained and filled on the host, some rows removed; then as bytes. Rows come twice, so that lists are merged. */
async function saved(description: string, metric: Metric): Promise<Uint8Array> {
  using index = makeIndex(description, { dim, metric }, host);
  await index.train(vectors);
  await index.add(vectors.subarray(0, 300 * dim));
  await index.add(vectors.subarray(300 * dim));
  await index.remove(Array.from({ length: 60 }, (_, i) => 7 * i + 1));
  return index.toBytes();
}

const bytesOf = new Map<string, Promise<Uint8Array>>();

async function opened(description: string, metric: Metric, engine: Engine): Promise<VectorIndex> {
  const key = `${description} ${metric}`;
  if (!bytesOf.has(key)) bytesOf.set(key, saved(description, metric));
  return readIndex(bytesSource(await bytesOf.get(key)!), engine);
}

/** Searches as an index takes them: nprobe only where there are lists. */
function searchesOf(description: string): SearchOptions[] {
  return SEARCHES.map(({ nprobe, ...rest }) => (description.includes('IVF') && nprobe ? { ...rest, nprobe } : rest));
}

async function answers(index: VectorIndex, description: string): Promise<Neighbors[]> {
  const all = [];
  for (const options of searchesOf(description)) all.push(await index.search(queries, options));
  return all;
}

function expectSameAnswers(actual: readonly Neighbors[], expected: readonly Neighbors[]): void {
  for (const [i, one] of actual.entries()) expectSameNeighbors(one, expected[i]!, `search ${i}`);
}

/** What stands for a device: twins, with a host of its own beside it. It tells what is alive, and refuses what `refuse` names. */
function standIn(maxBlockBytes = 2 ** 27) {
  const engine = new ReferenceEngine();
  const live = new Set<Block>();
  const labels: string[] = [];
  const state: { engine: Engine; live: Set<Block>; labels: string[]; refuse?: RegExp | undefined; code: 'out-of-memory' | 'device-lost' } =
    {
      ...{ engine: engine as Engine, live, labels, code: 'out-of-memory' },
    };
  const { alloc } = engine;
  Object.assign(engine, {
    ...{ kind: 'gpu', host, maxBlockBytes },
    alloc: async (...args: Parameters<HostEngine['alloc']>) => {
      labels.push(args[2]);
      if (state.refuse?.test(args[2])) throw new IsodexError(state.code, `no room for ${args[2]}`);
      const block = await alloc.apply(engine, args);
      const dispose = block[Symbol.dispose];
      live.add(block);
      return Object.assign(block, {
        [Symbol.dispose]() {
          live.delete(block);
          dispose.call(block);
        },
      });
    },
  });
  return state;
}

describe('lists that a device scans', async () => {
  for (const { name, open } of await enginesHere()) {
    describe(name, () => {
      const engine = open();
      afterAll(async () => (await engine).close());
      it.each(DESCRIPTIONS.flatMap((description) => metrics.map((metric) => [description, metric] as const)))(
        '%s %s: the answers of the host',
        async (description, metric) => {
          using index = await opened(description, metric, await engine);
          using right = await opened(description, metric, host);
          const found = await answers(index, description);
          expectSameAnswers(found, await answers(right, description));
          const { kind } = await engine;
          expect(found.map(({ engine: answered }) => answered)).toEqual(found.map(() => kind));
        },
      );
    });
  }

  it.each(DESCRIPTIONS)('%s in chunks that lists straddle, a few queries at a time', async (description) => {
    for (const maxBlockBytes of [500, 2000, 9000]) {
      const device = standIn(maxBlockBytes);
      using index = await opened(description, 'l2', device.engine);
      using right = await opened(description, 'l2', host);
      const found = await answers(index, description);
      expectSameAnswers(found, await answers(right, description));
      expect(found[0]!.engine).toBe('gpu');
      expect(device.labels).toContain('lists: jobs');
    }
  });

  it('are sent anew when rows come or go, and given back', async () => {
    const device = standIn();
    const index = await opened('IVF8,PQ8', 'l2', device.engine);
    using right = await opened('IVF8,PQ8', 'l2', host);
    const sent = () => device.labels.filter((label) => label === 'lists: codes on the device').length;
    await index.search(queries, { k: 3 });
    const [before, { codes }] = [device.live.size, right.memory];
    expect(index.memory.codes).toBeGreaterThan(2 * codes - 8);
    expectSameNeighbors(await index.search(queries, { k: 3 }), await right.search(queries, { k: 3 }));
    expect(sent()).toBe(1);
    for (const one of [index, right]) {
      await one.add(queries);
      await one.remove([0, 3, 5]);
    }
    expectSameNeighbors(await index.search(queries, { k: 3 }), await right.search(queries, { k: 3 }), 'after an add');
    for (const one of [index, right]) await one.compact();
    expectSameNeighbors(await index.search(queries, { k: 3 }), await right.search(queries, { k: 3 }), 'after compaction');
    expect(sent()).toBe(3);
    expect(device.live.size).toBe(before);
    index.close();
    expect(device.live.size).toBe(0);
  });

  it('stay with the host where it is to keep more than a device selects', async () => {
    const device = standIn();
    using index = await opened('IVF8,PQ8', 'l2', device.engine);
    using right = await opened('IVF8,PQ8', 'l2', host);
    const found = await index.search(queries, { k: 150, nprobe: 8 });
    expect(found.engine).toBe('cpu');
    expectSameNeighbors(found, await right.search(queries, { k: 150, nprobe: 8 }));
    expect(device.labels).toEqual([]);
  });

  it('within a radius, too', async () => {
    const device = standIn();
    using index = await opened('IVF8,SQ8', 'l2', device.engine);
    using right = await opened('IVF8,SQ8', 'l2', host);
    for (const [radius, engine] of [
      [12, 'gpu'],
      [1000, 'cpu'], // all rows: more than a device selects
    ] as const) {
      const [found, expected] = [
        await index.rangeSearch(queries, radius, { nprobe: 8 }),
        await right.rangeSearch(queries, radius, { nprobe: 8 }),
      ];
      expect(found.engine).toBe(engine);
      expect([...found.offsets]).toEqual([...expected.offsets]);
      expectSameNeighbors(found, expected);
      expect(found.labels.length).toBeGreaterThan(nq);
    }
  });

  it('are none: no rows are found', async () => {
    const device = standIn();
    using index = await opened('IVF8,PQ8', 'l2', device.engine);
    await index.remove(Array.from({ length: n }, (_, label) => label));
    const found = await index.search(queries, { k: 3 });
    expect([...found.labels]).toEqual(new Array(3 * nq).fill(-1));
  });
});

describe('a device that gives out', () => {
  it.each(['IVF8,PQ8', 'IVF8,SQ8', 'PQ8x4'])(
    'at any allocation of %s: the host answers, nothing is left, and then it does again',
    async (description) => {
      for (const code of ['out-of-memory', 'device-lost'] as const) {
        const device = standIn();
        using index = await opened(description, 'l2', device.engine);
        using right = await opened(description, 'l2', host);
        const expected = await right.search(queries, { k: 5 });
        await index.search(queries, { k: 5 });
        const kept = device.live.size;
        device.code = code;
        for (const label of new Set(device.labels)) {
          device.refuse = new RegExp(`^${label}$`);
          using other = await opened(description, 'l2', device.engine);
          const found = await other.search(queries, { k: 5 });
          expect(found.engine, label).toBe('cpu');
          expectSameNeighbors(found, expected, label);
          expect(device.live.size, `${label}: only what the first index holds`).toBe(kept);
          device.refuse = undefined;
          const again = await other.search(queries, { k: 5 });
          expect(again.engine, label).toBe('gpu');
          expectSameNeighbors(again, expected, label);
        }
      }
    },
  );

  it('does not hide other errors', async () => {
    const device = standIn();
    using index = await opened('IVF8,PQ8', 'l2', device.engine);
    Object.assign(device, { refuse: /lists: keys/, code: 'closed' });
    await expect(index.search(queries, { k: 5 })).rejects.toEqual(failsWith('closed'));
  });
});

const gpu = await findGpu();

describe.skipIf(!gpu)('a GPU', () => {
  const open = async () => GpuEngine.open(gpu!, await oneThread());

  /** Destroys the device just before the engine is called for the `at`-th time; tells how many calls there were. */
  function destroyOn(engine: GpuEngine, at: number): () => number {
    let calls = 0;
    for (const name of ['alloc', 'write', 'run', 'read'] as const) {
      const original = engine[name].bind(engine) as (...args: unknown[]) => never;
      Object.assign(engine, {
        [name]: (...args: unknown[]) => {
          if (calls++ === at) engine.device.destroy();
          return original(...args);
        },
      });
    }
    return () => calls;
  }

  it('that is lost at any point of a search: the call ends on the CPU with the same answer', async () => {
    using right = await opened('IVF8,PQ8', 'l2', host);
    const expected = await right.search(queries, { k: 5 });
    using whole = await open();
    const calls = destroyOn(whole, -1);
    using index = await opened('IVF8,PQ8', 'l2', whole);
    expect((await index.search(queries, { k: 5 })).engine).toBe('gpu');
    expect(calls()).toBeGreaterThan(20);
    for (let at = 0; at < calls(); at += Math.ceil(calls() / 5)) {
      using engine = await open();
      using other = await opened('IVF8,PQ8', 'l2', engine);
      destroyOn(engine, at);
      for (const what of [`lost before call ${at}`, 'later']) {
        const found = await other.search(queries, { k: 5 });
        expect(found.engine, what).toBe('cpu');
        expectSameNeighbors(found, expected, what);
      }
    }
  });

  it('is chosen by an auto engine where it is faster', async () => {
    using device = await open();
    for (const fast of [true, false]) {
      const costs = async (key: string) => {
        const cheap = key.startsWith('WebAssembly') !== fast;
        return { termsPerMs: cheap ? 1e12 : 1, waitMs: cheap ? 1e-6 : 1000, uploadPerMs: cheap ? 1e12 : 1 };
      };
      const engine = new AutoEngine(device.host as never, device, { load: costs, save: async () => {} });
      using index = await opened('IVF8,SQ8', 'ip', engine);
      expect((await index.search(queries, { k: 5 })).engine).toBe(fast ? 'gpu' : 'cpu');
    }
  });
});
