/** Walking on a device alone finds what a host finds: keys, ids and hops, whatever the device, its limits, and what was sent before. */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import type { Engine, HostEngine } from '../../src/host/engine.ts';
import { GpuEngine } from '../../src/host/gpu/gpu-engine.ts';
import { Recording } from '../../src/host/recording.ts';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';
import { DeviceGraph, DeviceGraphs } from '../../src/index/device-graph.ts';
import { DispatchPace } from '../../src/index/dispatch-pace.ts';
import { EngineWalker } from '../../src/index/engine-walker.ts';
import { beamWords, ResidentWalker, recordBeams } from '../../src/index/resident-walker.ts';
import { FORMS } from '../../src/kernels/graph.ts';
import { foundWords } from '../../src/kernels/graph-beam.ts';
import { seed } from '../contract/data.ts';
import { findGpu } from '../contract/engines.ts';
import type { SearchShape } from '../kernels/search-cases.ts';
import { expectSameBuild, narrowed } from './build-fixture.ts';
import { type Answer, expectSameAnswer, hostAnswer, readFound, searchShapes, walkOn } from './graph-fixture.ts';
import { failsWith, metrics } from './helpers.ts';

const shapes = searchShapes(1, 2, 3, 20, 300, 1100);

/** A made-up graph, walked both ways. */
async function both(engine: Engine, shape: SearchShape, offset: number): Promise<{ actual: Answer; expected: Answer }> {
  using walked = await walkOn(engine.host, shape, offset);
  const graphs = new DeviceGraphs();
  try {
    const walker = new ResidentWalker(engine, graphs);
    const actual = readFound(engine.host, await walker.walk(walked.graph, walked.walk));
    return { actual, expected: await hostAnswer(engine.host, walked) };
  } finally {
    graphs.close();
  }
}

describe('on a host engine as the device', () => {
  it(`finds the same, in one block or two, in one part or several (seed ${seed})`, async () => {
    using engine = new ReferenceEngine();
    const widths = fc.constantFrom(undefined, 2 ** 14, 2 ** 16);
    await fc.assert(
      fc.asyncProperty(shapes, fc.nat(1e6), widths, async (shape, offset, bytes) => {
        const device = narrowed(engine, bytes);
        using walked = await walkOn(engine, shape, offset);
        fc.pre(DeviceGraph.fits(device, walked.graph));
        const { actual, expected } = await both(device, shape, offset);
        expectSameAnswer(actual, expected);
        for (const [q, count] of expected.distances.entries()) expect(actual.distances[q]).toBeGreaterThanOrEqual(count);
      }),
      { seed, numRuns: 150 },
    );
  });

  it('scores hardly a node twice', async () => {
    using engine = new ReferenceEngine();
    const shape: SearchShape = {
      ...{ nq: 20, n: 4000, stride: 32, form: FORMS.sq8L2, degree: 32, shape: 'random', kind: 'ordinary' },
      ...{ filter: 'none', top: 3, level: 0, ef: 64 },
    };
    const { actual, expected } = await both(engine, shape, 5);
    const sum = (counts: Uint32Array) => counts.reduce((a, b) => a + b, 0);
    expectSameAnswer(actual, expected);
    expect(sum(actual.distances)).toBeLessThan(1.1 * sum(expected.distances));
  });

  it('is for integer codes, rows of links that fit, and graphs that fit', async () => {
    using engine = new ReferenceEngine();
    const shape: SearchShape = {
      ...{ nq: 1, n: 100, stride: 64, form: FORMS.sq8L2, degree: 8, shape: 'ring', kind: 'ordinary' },
      ...{ filter: 'none', top: 0, level: 0, ef: 4 },
    };
    using walked = await walkOn(engine, shape, 1);
    const { graph } = walked;
    expect(DeviceGraph.fits(engine, graph)).toBe(true);
    expect(DeviceGraph.fits(narrowed(engine, 4096), graph)).toBe(true); // 128 rows of 64 bytes, in two blocks; links too
    expect(DeviceGraph.fits(narrowed(engine, 4000), graph)).toBe(false);
    expect(DeviceGraph.fits(engine, { ...graph, degree: 130 })).toBe(false);
    // Whatever fits has no block that could not be bound, with room for more rows or without.
    for (let bytes = 4096; bytes < 3 * 4096; bytes += 64) {
      const labels = new Map<string, number>();
      const narrow = narrowed(engine, bytes);
      const alloc: Engine['alloc'] = (dtype, length, label) => {
        labels.set(label, Math.max(labels.get(label) ?? 0, length * (dtype === 'i8' ? 1 : 4)));
        return engine.alloc(dtype, length, label);
      };
      (await DeviceGraph.open(Object.assign(Object.create(narrow), { alloc }), graph)).release();
      expect(Math.max(...labels.values()), `of ${bytes}`).toBeLessThanOrEqual(bytes);
    }
    for (const form of [FORMS.f32L2, FORMS.pq8]) expect(DeviceGraph.fits(engine, { ...graph, plan: { ...graph.plan, form } })).toBe(false);
  });
});

describe('a build that walks on a device', () => {
  it.each(metrics)('makes the same graph under %s, while older states are searched', async (metric) => {
    using engine = new ReferenceEngine() as HostEngine;
    const graphs = new DeviceGraphs();
    await expectSameBuild(engine, metric, () => new ResidentWalker(engine, graphs));
    graphs.close();
    expect(graphs.bytes).toBe(0);
  });
});

describe('the pace of dispatches', () => {
  it('asks for no more beams than there is room for, whatever was learned meanwhile', async () => {
    using engine = new ReferenceEngine();
    const shape: SearchShape = {
      ...{ nq: 1000, n: 1200, stride: 16, form: FORMS.sq8L2, degree: 4, shape: 'ring', kind: 'ordinary' },
      ...{ filter: 'none', top: 0, level: 0, ef: 1100 },
    };
    using walked = await walkOn(engine, shape, 3);
    const graphs = new DeviceGraphs();
    await graphs.hold(engine, walked.graph, async (graph) => {
      using found = await engine.alloc('u32', 1000 * foundWords(1100), 'found');
      using spill = await engine.alloc('u32', beamWords(graph, walked.walk, 1000), 'beams');
      const { queries } = walked.walk;
      for (let i = 0; i < 10; i++) graph.pace.noteDone(1000, 1100, 0, 0.001); // much faster than thought
      const recording = new Recording();
      recordBeams(recording, graph, walked.graph, walked.walk, { queries, found, spill }, 1000);
      const sizes = recording.dispatches.map(({ named }) => named.nq!);
      expect(sizes.reduce((a, b) => a + b)).toBe(1000);
      expect(2 * 1100 * Math.max(...sizes)).toBeLessThanOrEqual(spill.length);
    });
    graphs.close();
  });

  it('follows what walks take, whatever their beams', () => {
    const pace = new DispatchPace();
    expect(pace.queriesIn(250, 64)).toBe(256);
    pace.note(1000, 64, 100);
    expect(pace.queriesIn(250, 64)).toBe(2500);
    expect(pace.queriesIn(250, 640)).toBe(250);
    for (let i = 0; i < 20; i++) pace.note(1000, 64, 1000);
    expect(pace.queriesIn(250, 64)).toBeLessThan(260);
    pace.note(1, 10_000, 1e6);
    expect(pace.queriesIn(1, 10_000)).toBe(16);
  });
});

const gpu = await findGpu();
const opened = gpu && CpuEngine.open({ threads: 1 }).then((host) => GpuEngine.open(gpu, host, { defaultLimits: true }));
afterAll(async () => (await opened)?.close());

describe.skipIf(!gpu)('on a GPU with the least limits', () => {
  const base: SearchShape = {
    ...{ nq: 12, n: 200, stride: 32, form: FORMS.sq8L2, degree: 8, shape: 'ring', kind: 'ordinary' },
    ...{ filter: 'none', top: 2, level: 0, ef: 10 },
  };
  const cases: readonly [Partial<SearchShape>, bytes?: number][] = [
    [{}],
    [{ form: FORMS.sq8Ip, stride: 832, kind: 'extremes' }, 2 ** 17],
    [{ kind: 'few', filter: 'entry excluded', ef: 3 }],
    [{ kind: 'terms', filter: 'half', level: 1, form: FORMS.sq8Ip }],
    [{ kind: 'equal', filter: 'few', n: 100, ef: 120, shape: 'random' }, 2 ** 13],
    [{ shape: 'isolated' }],
    [{ nq: 300, n: 500, degree: 16, top: 3 }, 2 ** 15],
    [{ nq: 1, n: 1200, degree: 16, ef: 1100 }],
  ];
  it.each(cases)('finds the same: %j, blocks of %s', async (change, bytes) => {
    const { actual, expected } = await both(narrowed(await opened!, bytes), { ...base, ...change }, 3);
    expectSameAnswer(actual, expected);
  });

  it('makes the same graph, by the walker of engines', { timeout: 120_000 }, async () => {
    const engine = await opened!;
    await expectSameBuild(engine, 'l2', (store) => new EngineWalker(engine, store.device));
  });

  it('that is lost says so, and leaves nothing', async () => {
    using engine = await GpuEngine.open(gpu!, await CpuEngine.open({ threads: 1 }));
    using walked = await walkOn(engine.host, { ...base, nq: 200, n: 1000 }, 7);
    const graphs = new DeviceGraphs();
    const walking = new ResidentWalker(engine, graphs).walk(walked.graph, walked.walk);
    setTimeout(() => engine.device.destroy(), 8);
    await expect(walking).rejects.toEqual(failsWith('device-lost'));
    graphs.drop(engine);
    expect(graphs.bytes).toBe(0);
  });
});
