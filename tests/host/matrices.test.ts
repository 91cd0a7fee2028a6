/**
 * 8-bit matrices of subgroups, which no driver here has: all around them (what lies where, what is multiplied by what, the filter behind) runs
 * with matrices that threads emulate, and the trial that lets a device use them is shown to see what is wrong.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import { createDawn, nodeGpu } from '../../src/host/gpu/dawn.ts';
import { GpuEngine } from '../../src/host/gpu/gpu-engine.ts';
import { PipelineCache } from '../../src/host/gpu/pipelines.ts';
import { failureOf } from '../../src/host/gpu/trial.ts';
import { type EngineOptions, openEngineOn } from '../../src/host/open.ts';
import { sq8Filter } from '../../src/kernels/sq8-filter.ts';
import { shaderText } from '../../src/kernels/wgsl.ts';
import { createIndex } from '../../src/main.ts';
import { makeVectors } from '../contract/data.ts';
import { findGpu } from '../contract/engines.ts';

const { feature } = sq8Filter.experiment!;
const gpu = await findGpu();

/** Each of 32 threads has 8 of the 256 sums; a matrix that was loaded is where it lies. */
const EMULATION = `
alias Left = u32;
alias Right = u32;
alias Sums = array<i32, 8>;
var<private> lane: u32;
fn multiply(left: u32, right: u32, sums: Sums) -> Sums {
  var added = sums;
  for (var i = 0u; i < 8u; i++) {
    let q = left + (lane * 8u + i) / 16u * APART;
    let row = right + (lane * 8u + i) % 16u * APART;
    for (var w = 0u; w < DEEP; w++) { added[i] += dot4I8Packed(tile[q + w], tile[row + w]); }
  }
  return added;
}
fn put(at: u32, sums: Sums) {
  for (var i = 0u; i < 8u; i++) { tile[at + lane * 8u + i] = u32(sums[i]); }
}
`;

const REPLACED: readonly [RegExp, string][] = [
  [/^(enable|diagnostic|alias) ?.*\n/gm, ''],
  [/subgroupMatrixLoad<(Left|Right), \w+>\(&tile, (.*), APART\)/g, '($2)'],
  [/subgroupMatrixMultiplyAccumulate\(/g, 'multiply('],
  [/subgroupMatrixStore<row_major>\(&tile, at, (\w+), 16u\)/g, 'put(at, $1)'],
  [/^ *if \(subgroupElect\(\)\).*\n/m, ''],
  [/subgroupBroadcastFirst\(number\)/, 'thread / 32u; lane = thread % 32u'],
];

function emulated(): string {
  return (
    REPLACED.reduce(
      (text, [what, by]) => {
        expect(text).toMatch(what);
        return text.replace(what, by);
      },
      shaderText(sq8Filter.name, feature),
    ) + EMULATION
  );
}

describe.skipIf(!gpu)('the scan on matrices', () => {
  let engine: GpuEngine;
  beforeAll(async () => {
    engine = await GpuEngine.open(gpu!, await CpuEngine.open({ threads: 1 }), { subgroupMatrices: true });
  });
  afterAll(() => engine?.close());

  const failure = (code: string) => {
    const { device } = engine;
    return failureOf(device, sq8Filter, code, device.limits);
  };

  it('writes what the twin writes, where matrices are emulated', async () => expect(await failure(emulated())).toBeUndefined());
  it('is tried so that the plain functions pass', async () => expect(await failure(shaderText(sq8Filter.name))).toBeUndefined());

  it.each([
    ['one sum too large by one', /return added;/, 'added[3] += i32(left == 16u * APART); return added;'],
    ['one sum too small by one', /return added;/, 'added[3] -= i32(left == 16u * APART); return added;'],
    ['codes taken as unsigned', /dot4I8Packed\(tile\[q \+ w\], tile\[row \+ w\]\)/, 'i32(dot4U8Packed(tile[q + w], tile[row + w]))'],
    ['rows and columns of sums exchanged', /at \+ lane \* 8u \+ i\]/, 'at + (lane * 8u + i) % 16u * 16u + (lane * 8u + i) / 16u]'],
  ])('is not used with %s', async (_, what, by) => {
    const code = emulated();
    expect(code).toMatch(what);
    expect(await failure(code.replace(what, by))).toBe('it computes other numbers');
  });

  it('is used where the device has matrices, and elsewhere fails its trial', async () => {
    const { info } = engine;
    const failed = await failure(shaderText(sq8Filter.name, feature));
    if (info.features.includes(feature)) return expect(failed).toBeUndefined();
    expect(failed).toMatch(/subgroup_matrix' is not allowed/);
    expect(info.notes).toEqual(['the GPU has no 8-bit matrices that kernels could use']);
  });
});

it.skipIf(!gpu)('an engine that asks for them finds what others find', async () => {
  const rows = makeVectors('normal', 2000, 24, 1);
  const search = async (options: EngineOptions) => {
    using engine = await openEngineOn({ gpu: nodeGpu }, options);
    using index = await createIndex('Flat', { dim: 24, metric: 'l2', engine });
    await index.add(rows);
    const { labels, distances, engine: by } = await index.search(rows.subarray(0, 70 * 24), { k: 10 });
    expect(by).toBe(options.prefer);
    return { labels, bits: new Uint32Array(distances.buffer) };
  };
  expect(await search({ prefer: 'gpu', subgroupMatrices: true })).toEqual(await search({ prefer: 'cpu', threads: 1 }));
});

it('a device that computes other numbers is left with the plain functions, and that is told once', async () => {
  const nothing = await createDawn(['backend=null', 'enable-dawn-features=allow_unsafe_apis']); // it compiles, and computes nothing
  const adapter = (await nothing?.requestAdapter()) ?? expect.fail('the package webgpu is missing');
  const device = await adapter.requestDevice({ requiredFeatures: ['subgroups', feature] as GPUFeatureName[] });
  const pipelines = new PipelineCache(device);
  for (const blocks of [3, 4]) {
    const { params } = sq8Filter.experiment!.trials()[0]!;
    const { grid } = await pipelines.prepare(sq8Filter, { ...params, blocks }, device.limits);
    expect(grid).toEqual([2, 2, 1]);
  }
  expect(pipelines.notes).toEqual([`sq8-filter does without ${feature}: it computes other numbers`]);
});
