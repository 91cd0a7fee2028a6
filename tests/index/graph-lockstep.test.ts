/** Walking in lock-step finds what walking a query at a time finds: keys, ids and hops, whatever the device, groups and chunks. */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import type { Engine } from '../../src/host/engine.ts';
import { GpuEngine } from '../../src/host/gpu/gpu-engine.ts';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';
import { DeviceCodes } from '../../src/index/graph-device.ts';
import { isDeviceWalkable, LockstepWalker } from '../../src/index/graph-lockstep.ts';
import type { GraphState } from '../../src/index/graph-state.ts';
import { GraphStore } from '../../src/index/graph-store.ts';
import { visitedSlotsFor } from '../../src/index/graph-traversal.ts';
import { HostWalker, type Walker } from '../../src/index/graph-walk.ts';
import { emptySnapshot } from '../../src/index/rows.ts';
import type { Metric } from '../../src/index/vector-index.ts';
import { FORMS, PAGE_ROWS } from '../../src/kernels/graph.ts';
import { makeVectors, seed } from '../contract/data.ts';
import { findGpu } from '../contract/engines.ts';
import type { SearchShape } from '../kernels/search-cases.ts';
import { type Answer, expectSameAnswer, FILTERS, hostAnswer, readFound, searchShapes, walkOn } from './graph-fixture.ts';
import { failsWith, metrics, snapshotOf } from './helpers.ts';

interface Manner {
  readonly groupSize?: number | undefined;
  readonly chunkRows?: number | undefined;
}

const shapes = searchShapes(1, 2, 3, 20, 400);
const manners: fc.Arbitrary<Manner> = fc.record({
  groupSize: fc.constantFrom(undefined, 1, 2, 4),
  chunkRows: fc.constantFrom(undefined, 1, 7, 100),
});

/** A made-up graph, walked both ways. */
async function both(engine: Engine, shape: SearchShape, offset: number, { groupSize, chunkRows }: Manner) {
  using walked = await walkOn(engine.host, shape, offset);
  const codes = new DeviceCodes(chunkRows);
  try {
    const walker = new LockstepWalker(engine, codes, groupSize);
    const actual = readFound(engine.host, await walker.walk(walked.graph, walked.walk));
    return { actual, expected: await hostAnswer(engine.host, walked), steps: walker.steps };
  } finally {
    codes.close();
  }
}

function expectSameWork({ actual, expected }: { actual: Answer; expected: Answer }, { n, ef }: SearchShape): void {
  const forgetful = visitedSlotsFor(n, ef) < n;
  for (const [q, count] of expected.distances.entries()) {
    if (forgetful) expect(actual.distances[q]).toBeGreaterThanOrEqual(count);
    else expect(actual.distances[q]).toBe(count);
  }
}

describe('on a host engine as the device', () => {
  it('finds the same', async () => {
    using engine = new ReferenceEngine();
    await fc.assert(
      fc.asyncProperty(shapes, fc.nat(1e6), manners, async (shape, offset, manner) => {
        const answers = await both(engine, shape, offset, manner);
        expectSameAnswer(answers.actual, answers.expected);
        expectSameWork(answers, shape);
      }),
      { seed, numRuns: 150 },
    );
  });

  it('with threads, many queries and growing lists of pairs', async () => {
    using engine = await CpuEngine.open({ threads: 2 });
    for (const filter of ['none', 'half'] as const) {
      const shape: SearchShape = {
        ...{ nq: 150, n: 1500, stride: 128, form: FORMS.sq8L2, degree: 32, shape: 'ring', kind: 'ordinary' },
        ...{ filter, top: 4, level: 0, ef: 20 },
      };
      const answers = await both(engine, shape, 11, { chunkRows: 700 });
      expectSameAnswer(answers.actual, answers.expected, filter);
      expectSameWork(answers, shape);
    }
  });

  it('takes no more steps than its longest way has hops', async () => {
    using engine = new ReferenceEngine();
    const shape: SearchShape = {
      ...{ nq: 20, n: 200, stride: 32, form: FORMS.sq8L2, degree: 8, shape: 'random', kind: 'ordinary' },
      ...{ filter: 'none', top: 3, level: 0, ef: 10 },
    };
    const together = await both(engine, shape, 5, { groupSize: 20 });
    expect(together.steps).toBeGreaterThan(10);
    expect(together.steps).toBeLessThanOrEqual(1 + Math.max(...together.actual.hops));
    const alone = await both(engine, shape, 5, { groupSize: 1 });
    expect(alone.steps).toBeGreaterThan(5 * together.steps);
  });

  it('is for codes of integers alone', () => {
    const plan = { dim: 4, metric: 'l2', stride: 64, grid: undefined } as const;
    for (const form of [FORMS.sq8Ip, FORMS.pq8, FORMS.pq4]) expect(isDeviceWalkable({ ...plan, form })).toBe(true);
    for (const form of [FORMS.f32L2, FORMS.f32Cosine]) expect(isDeviceWalkable({ ...plan, form })).toBe(false);
  });
});

describe('a walk by lookups', () => {
  it('finds on threads what the twin finds', async () => {
    using reference = new ReferenceEngine();
    using threads = await CpuEngine.open({ threads: 2 });
    for (const form of [FORMS.pq8, FORMS.pq4]) {
      for (const filter of FILTERS) {
        const shape: SearchShape = {
          ...{ nq: 40, n: 700, stride: 20, form, degree: 16, shape: 'ring', kind: 'terms' },
          ...{ filter, top: 3, level: 0, ef: 20 },
        };
        using here = await walkOn(reference, shape, 17);
        using there = await walkOn(threads, shape, 17);
        expectSameAnswer(await hostAnswer(threads, there), await hostAnswer(reference, here), `${form}, ${filter}`);
      }
    }
  });
});

describe('a build that walks in lock-step', () => {
  const dim = 12;

  /** The graph that two adds make, and what it finds. */
  async function built(engine: Engine, metric: Metric, walker: Walker) {
    const { host } = engine;
    const store = new GraphStore(host, { dim, metric, seed: 3, M: 4, efConstruction: 12, codesOnly: true });
    let snapshot = emptySnapshot(store.newOriginals());
    let graph: GraphState | undefined;
    for (const [n, offset] of [
      [150, 1],
      [60, 2],
    ] as const) {
      snapshot = snapshotOf(makeVectors(metric === 'cosine' ? 'unit' : 'normal', n, dim, offset), dim, snapshot);
      const extended = await store.extend(snapshot, graph, walker, {});
      for (const garbage of extended.garbage) garbage[Symbol.dispose]();
      graph = extended.graph;
    }
    const { pages, entry } = graph!;
    const words = PAGE_ROWS * store.degree;
    const arena = host.view(pages.arena.block);
    const links = [...pages.table].map((slot) => arena.slice(slot * words, (slot + 1) * words));
    using queries = await store.codec!.encodeQueries(makeVectors('unit', 20, dim, 3));
    const answer = readFound(host, await walker.walk(store.view(graph!), { nq: 20, queries, level: 0, ef: 10 }));
    for (const thing of [store, pages.block, pages.arena.block]) thing[Symbol.dispose]();
    return { entry, links, answer };
  }

  it.each(metrics)('makes the same graph under %s', async (metric) => {
    using engine = await CpuEngine.open({ threads: 1 });
    const expected = await built(engine, metric, new HostWalker(engine));
    const codes = new DeviceCodes(80);
    const walker = new LockstepWalker(engine, codes);
    const actual = await built(engine, metric, walker);
    expect(walker.steps).toBeGreaterThan(100);
    expect(actual.entry).toBe(expected.entry);
    expect(actual.links).toEqual(expected.links);
    expectSameAnswer(actual.answer, expected.answer);
    codes.close();
  });
});

const gpu = await findGpu();
const opened = gpu && CpuEngine.open({ threads: 1 }).then((host) => GpuEngine.open(gpu, host, { defaultLimits: true }));
afterAll(async () => (await opened)?.close());

describe.skipIf(!gpu)('on a GPU', () => {
  const base: SearchShape = {
    ...{ nq: 12, n: 200, stride: 32, form: FORMS.sq8L2, degree: 8, shape: 'ring', kind: 'ordinary' },
    ...{ filter: 'none', top: 2, level: 0, ef: 10 },
  };
  const cases: readonly [Partial<SearchShape>, Manner][] = [
    [{}, {}],
    [
      { form: FORMS.sq8Ip, stride: 832, kind: 'extremes' },
      { groupSize: 5, chunkRows: 64 },
    ],
    [{ kind: 'few', filter: 'entry excluded', ef: 3 }, { groupSize: 12 }],
    [{ kind: 'terms', filter: 'half', level: 1, form: FORMS.sq8Ip }, { chunkRows: 33 }],
    [{ kind: 'equal', filter: 'few', n: 100, ef: 120, shape: 'random' }, { groupSize: 7 }],
    [{ shape: 'isolated' }, {}],
  ];
  it.each(cases)('finds the same: %j, %j', async (change, manner) => {
    const { actual, expected } = await both(await opened!, { ...base, ...change }, 3, manner);
    expectSameAnswer(actual, expected);
  });

  it('that is lost says so, and leaves nothing on its host', async () => {
    using engine = await GpuEngine.open(gpu!, await CpuEngine.open({ threads: 1 }));
    using walked = await walkOn(engine.host, base, 7);
    const codes = new DeviceCodes();
    const walking = new LockstepWalker(engine, codes).walk(walked.graph, walked.walk);
    setTimeout(() => engine.device.destroy(), 8);
    await expect(walking).rejects.toEqual(failsWith('device-lost'));
    codes.drop(engine);
    expect(codes.bytes).toBe(0);
    await expect(new LockstepWalker(engine, codes).walk(walked.graph, walked.walk)).rejects.toEqual(failsWith('device-lost'));
  });
});
