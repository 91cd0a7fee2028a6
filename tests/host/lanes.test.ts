/** Which threads a subgroup has, and in which lanes, is a device's own affair: graph-beam finds the same however they are dealt out. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import { GpuEngine } from '../../src/host/gpu/gpu-engine.ts';
import { failureOf } from '../../src/host/gpu/trial.ts';
import { graphBeam } from '../../src/kernels/graph-beam.ts';
import type { Experiment, Kernel } from '../../src/kernels/kernel.ts';
import { shaderText } from '../../src/kernels/wgsl.ts';
import { findGpu } from '../contract/engines.ts';
import { beamCase } from '../kernels/beam-cases.ts';

const gpu = await findGpu();
const adapter = await gpu?.requestAdapter();

const searched = beamCase(
  {
    ...{ nq: 3, n: 300, degree: 16, shape: 'random', top: 2, form: 0, stride: 64, kind: 'ordinary', filter: 'half', level: 0, ef: 16 },
    ...{ split: 100, linkSplit: 200 },
  },
  1,
);
const experiment: Experiment = {
  feature: 'subgroups',
  suits: () => true,
  trials: () => [searched],
  inOrder: ({ found }) => [...found!.subarray(0, searched.arrays.found.length)],
};
const kernel = { ...graphBeam, experiment } as unknown as Kernel;

describe.skipIf(!adapter?.features.has('subgroups'))('graph-beam with subgroups', () => {
  let engine: GpuEngine;
  beforeAll(async () => {
    engine = await GpuEngine.open(gpu!, await CpuEngine.open({ threads: 1 }), { subgroups: true });
  });
  afterAll(() => engine?.close());

  const failure = (changes: readonly [string, string][]) => {
    const code = changes.reduce(
      (text, [what, by]) => {
        expect(text).toContain(what);
        return text.replace(what, by);
      },
      shaderText('graph-beam', 'subgroups'),
    );
    return failureOf(engine.device, kernel, code, engine.device.limits);
  };

  const dealt: [string, string] = ['thread = index;', 'thread = (index * 5u + 3u) % THREADS;'];
  const paired = 'paired = isPaired(lane);';
  const unpaired = 'if (!paired) {';
  it.each<[string, [string, string][]]>([
    ['as they come', []],
    ['with quads of lanes that are never those of a row', [[paired, 'paired = false;']]],
    ['with quads that are so here and there', [[paired, 'paired = isPaired(lane) && thread % 12u < 8u;']]],
    ['with threads dealt out otherwise', [dealt]],
    ['with lanes that are not all there', [[paired, 'paired = isPaired(lane + 4u);']]],
  ])('finds what the twin finds, %s', async (_, changes) => expect(await failure(changes)).toBeUndefined());

  it.each<[string, [string, string][]]>([
    ['quads that are not looked at', [dealt, [paired, 'paired = true;']]],
    ['parts that are added twice', [dealt, [unpaired, 'if (!paired) { atomicAdd(&candidateKeys[i], part);']]],
  ])('and would not with %s', async (_, changes) => expect(await failure(changes)).toBe('it computes other numbers'));
});
