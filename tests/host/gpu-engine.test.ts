/** What only a GPU engine does: losing its device, running out of memory, asking for less than there is. */
import { afterAll, describe, expect, it } from 'vitest';
import { rangeOf } from '../../src/host/block.ts';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import type { GpuRequest } from '../../src/host/gpu/device.ts';
import { GpuEngine } from '../../src/host/gpu/gpu-engine.ts';
import { PipelineCache } from '../../src/host/gpu/pipelines.ts';
import { Recording } from '../../src/host/recording.ts';
import { graphBeam } from '../../src/kernels/graph-beam.ts';
import { graphGroup } from '../../src/kernels/graph-group.ts';
import { sq8Scan } from '../../src/kernels/sq8-scan.ts';
import { findGpu } from '../contract/engines.ts';
import { expectSameBits } from '../contract/kernel.ts';
import { gather, gathered, gatherOnce, openGather, ROWS } from './gather.ts';

const gpu = await findGpu();
const deviceLost = expect.objectContaining({ name: 'IsodexError', code: 'device-lost' });
const closed = expect.objectContaining({ name: 'IsodexError', code: 'closed' });

async function open(request?: GpuRequest): Promise<GpuEngine> {
  return GpuEngine.open(gpu!, await CpuEngine.open({ threads: 1 }), request);
}

/** The outcome of a promise, without letting a rejection pass unseen meanwhile. */
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (error: unknown) => error,
  );

describe.skipIf(!gpu)('a GPU engine whose device is lost', () => {
  it('rejects what was under way with device-lost, says so and sends callers to the CPU', async () => {
    using engine = await open();
    expect(engine.lost).toBe(false);
    expect(await engine.pick()).toBe(engine);
    const inputs = await openGather(engine);
    const [terms, keys] = [await engine.alloc('i32', ROWS, 'terms'), await engine.alloc('i32', ROWS, 'keys')];
    const recording = gather(new Recording(), inputs, terms, keys, 1);
    await engine.run(recording);
    const reading = outcome(engine.read([rangeOf(keys)]));
    engine.device.destroy(); // as a driver would take it away
    expect(await reading).toEqual(deviceLost);
    expect(engine.lost).toBe(true);
    expect(engine.info.notes).toEqual([expect.stringMatching(/the GPU device was lost/)]);
    expect(await engine.pick()).toBe(engine.host);
    expect(await outcome(engine.alloc('f32', 1, 'late'))).toEqual(deviceLost);
    expect(await outcome(engine.alloc('f32', 2 ** 20, 'late and large'))).toEqual(deviceLost);
    expect(await outcome(engine.run(recording))).toEqual(deviceLost);
    expect(await outcome(engine.read([rangeOf(keys)]))).toEqual(deviceLost);
    expect(() => engine.write(keys, new Int32Array(1))).toThrow(deviceLost);
    expectSameBits(await gatherOnce(engine.host, 4), gathered(4), 'on the host');
    keys[Symbol.dispose](); // harmless
  });

  it('is as good as lost once it leaves work out', async () => {
    using engine = await open();
    using block = await engine.alloc('f32', 4, 'fine');
    engine.device.createBuffer({ size: 2 ** 50, usage: 0x0080 }); // STORAGE
    await expect.poll(() => engine.lost).toBe(true);
    expect(engine.info.notes).toEqual([expect.stringMatching(/^the GPU device failed/)]);
    expect(await outcome(engine.read([rangeOf(block)]))).toEqual(deviceLost);
    expect(await engine.pick()).toBe(engine.host);
  });

  it('has no block that no kernel could bind', async () => {
    using engine = await open({ defaultLimits: true });
    await expect(engine.alloc('u32', 2 ** 25 + 1, 'links')).rejects.toMatchObject({
      code: 'out-of-memory',
      message: expect.stringMatching(/links takes 134217732/),
    });
    (await engine.alloc('u32', 2 ** 25, 'links'))[Symbol.dispose]();
  });

  it('is as good as lost where its driver does not compile a kernel', async () => {
    using engine = await open();
    using block = await engine.alloc('u32', 4, 'anything');
    const broken = { ...graphGroup, plan: () => ({ constants: { THREADS: 2 ** 20 }, grid: [1, 1, 1] as const }) };
    const recording = new Recording().dispatch(
      broken,
      { edges: block, nodes: block, sizes: block, groups: block, lists: block },
      { edges: 1, most: 1, phase: 0 },
    );
    expect(await outcome(engine.run(recording))).toEqual(deviceLost);
    expect(engine.info.notes).toEqual([expect.stringMatching(/^the GPU device cannot run a kernel/)]);
    expect(engine.lost).toBe(true);
  });

  it('rejects with device-lost, whichever call notices first', async () => {
    const calls: Record<string, (engine: GpuEngine) => Promise<unknown>> = {
      'large alloc': (engine) => engine.alloc('f32', 2 ** 20, 'large'),
      'alloc and read': async (engine) => engine.read([rangeOf(await engine.alloc('f32', 4, 'small'))]),
      'run and read': async (engine) => gatherOnce(engine, 1),
    };
    for (const [name, call] of Object.entries(calls)) {
      for (const before of [true, false]) {
        using engine = await open();
        if (before) engine.device.destroy(); // its loss has not been reported when the call comes
        const pending = outcome(call(engine));
        engine.device.destroy();
        expect(await pending, `${name}, destroyed ${before ? 'before' : 'after'}`).toEqual(deviceLost);
      }
    }
  });

  it('rejects with closed when it was closed on purpose', async () => {
    const engine = await open();
    const block = await engine.alloc('f32', 4, 'data');
    const pending = [
      outcome(engine.read([rangeOf(block)])),
      outcome(engine.alloc('f32', 2 ** 20, 'large')),
      outcome(gatherOnce(engine, 1)),
    ];
    engine.close();
    expect(await Promise.all(pending)).toEqual([closed, closed, closed]);
    await expect(engine.host.alloc('f32', 1, 'late')).rejects.toEqual(closed); // its companion closes with it
  });
});

describe.skipIf(!gpu)('a GPU engine', () => {
  const opened = gpu && open();
  afterAll(async () => (await opened)?.close());

  it('says out-of-memory for 8 GiB, or what no buffer can hold, and works on', async () => {
    const engine = await opened!;
    const bytes = Math.max(2 ** 33, 2 * engine.info.limits!.maxBufferSize!);
    for (const [dtype, length] of [
      ['i8', bytes],
      ['f32', bytes / 4],
    ] as const) {
      await expect(engine.alloc(dtype, length, 'eight gibibytes')).rejects.toMatchObject({
        name: 'IsodexError',
        code: 'out-of-memory',
        message: expect.stringContaining('eight gibibytes'),
      });
    }
    expectSameBits(await gatherOnce(engine, 9), gathered(9), 'afterwards');
    expect(engine.lost).toBe(false);
  });

  it('writes and reads in pieces above a MiB', async () => {
    const engine = await opened!;
    const length = 2 ** 19 + 11; // two MiB and a bit
    const data = Uint32Array.from({ length }, (_, i) => Math.imul(i, 2654435761));
    using block = await engine.alloc('u32', length + 5, 'large');
    engine.write(block, data, 5);
    const [head, tail] = await engine.read([rangeOf(block, 0, 6), rangeOf(block, 5)] as const);
    expect([...head]).toEqual([0, 0, 0, 0, 0, data[0]]);
    expectSameBits(tail, data, 'large block');
  });

  it('spreads more workgroups than one dimension holds', async () => {
    const engine = await opened!;
    const blocks = 65_600; // one workgroup each
    const params = { nq: 1, words: 1, weight: 1, step: 0, skip: 0, first: 0, blocks }; // step 0: always the first block
    const inputs = {
      queries: await engine.alloc('i8', 16, 'queries'),
      codes: await engine.alloc('i8', 256, 'codes'),
      rowTerms: await engine.alloc('i32', 64, 'row terms'),
      mask: await engine.alloc('u32', 2, 'mask'),
      keys: await engine.alloc('i32', blocks * 64, 'keys'),
    };
    engine.write(inputs.mask, Uint32Array.of(0xffffffff, 0xffffffff));
    engine.write(
      inputs.rowTerms,
      Int32Array.from({ length: 64 }, (_, i) => i + 1),
    );
    await engine.run(new Recording().dispatch(sq8Scan, inputs, params));
    const [keys] = await engine.read([rangeOf(inputs.keys)] as const);
    expect(keys.findIndex((key, i) => key !== (i % 64) + 1)).toBe(-1);
    for (const block of Object.values(inputs)) block[Symbol.dispose]();
  });

  it('describes its adapter', async () => {
    const { info } = await opened!;
    expect(info).toMatchObject({
      kind: 'gpu',
      threads: 1,
      notes: [],
      adapter: { vendor: expect.any(String), software: expect.any(Boolean) },
    });
    expect(info.limits?.maxComputeInvocationsPerWorkgroup).toBeGreaterThanOrEqual(256);
    expect(info.description.includes('software driver')).toBe(info.adapter?.software);
  });

  it('tells what each kernel took on the device while it is profiled, and then alone', async () => {
    const engine = await opened!;
    if (!engine.info.features.includes('timestamp-query')) return expect(engine.profile).toBeUndefined();
    const inputs = await openGather(engine);
    const [terms, keys] = [await engine.alloc('i32', ROWS, 'terms'), await engine.alloc('i32', ROWS, 'keys')];
    const recording = new Recording();
    for (let i = 0; i < 70; i++) gather(recording, inputs, terms, keys, 5); // more than one submit has
    await engine.run(recording);
    const { result, kernels } = await engine.profile!(async () => {
      await engine.run(recording);
      return (await engine.read([rangeOf(keys)]))[0];
    });
    expectSameBits(result, gathered(5), 'keys');
    expect(kernels).toEqual([{ kernel: 'sq8-gather', dispatches: 70, nanoseconds: expect.any(Number) }]);
    expect(kernels[0]!.nanoseconds).toBeGreaterThan(0);
    expect((await engine.profile!(async () => {})).kernels).toEqual([]);
    await engine.profile!(async () => {
      await expect(engine.profile!(async () => {})).rejects.toThrow('profiled already');
    });
  });

  it('asks for the default limits when told to', async () => {
    using engine = await open({ defaultLimits: true });
    expect(engine.maxBlockBytes).toBe(128 * 2 ** 20);
    expect(engine.info.limits).toMatchObject({ maxStorageBufferBindingSize: 128 * 2 ** 20, maxStorageBuffersPerShaderStage: 8 });
    expectSameBits(await gatherOnce(engine, 3), gathered(3), 'keys');
  });

  it('uses subgroups when told to, and by itself on no software driver', async () => {
    const adapter = await gpu!.requestAdapter();
    const has = adapter!.features.has('subgroups');
    for (const [subgroups, expected] of [
      [true, has],
      [false, false],
      [undefined, has && !(await opened!).info.adapter!.software],
    ] as const) {
      using engine = await open({ subgroups });
      expect(engine.info.features.includes('subgroups'), `${subgroups}`).toBe(expected);
    }
  });

  it('takes plain functions where a driver does not compile the faster ones, and says so once', async () => {
    const { device } = await open({ subgroups: false });
    const claiming = {
      features: new Set(['subgroups']),
      createBindGroupLayout: (descriptor: GPUBindGroupLayoutDescriptor) => device.createBindGroupLayout(descriptor),
      createPipelineLayout: (descriptor: GPUPipelineLayoutDescriptor) => device.createPipelineLayout(descriptor),
      createShaderModule: (descriptor: GPUShaderModuleDescriptor) => device.createShaderModule(descriptor),
      pushErrorScope: (filter: GPUErrorFilter) => device.pushErrorScope(filter),
      popErrorScope: () => device.popErrorScope(),
      createComputePipelineAsync: (descriptor: GPUComputePipelineDescriptor) => device.createComputePipelineAsync(descriptor),
    } as unknown as GPUDevice;
    const pipelines = new PipelineCache(claiming);
    const params = Object.fromEntries(graphBeam.params.map((name) => [name, 8]));
    for (const capacity of [8, 100]) await pipelines.prepare(graphBeam, { ...params, capacity }, device.limits);
    expect(pipelines.notes).toEqual(['graph-beam does without subgroups: it does not compile']);
    device.destroy();
  });

  it('refuses an adapter of another name', async () => {
    await expect(open({ adapter: 'no-such-vendor' })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/'no-such-vendor' was asked for, but the adapter is '.+'/),
    });
    const { adapter } = (await opened!).info;
    using same = await open({ adapter: `${adapter!.vendor} ${adapter!.architecture}`.toUpperCase() });
    expect(same.info.adapter).toEqual(adapter);
  });

  it('refuses where there is no adapter', async () => {
    const none = { requestAdapter: async () => null } as unknown as GPU;
    using host = await CpuEngine.open({ threads: 1 });
    await expect(GpuEngine.open(none, host)).rejects.toMatchObject({ code: 'unsupported' });
  });
});
