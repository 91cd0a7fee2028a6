import { afterEach, describe, expect, it, vi } from 'vitest';
import { nodeGpu } from '../../src/host/gpu/dawn.ts';
import { type EngineOptions, openEngineOn, type Platform } from '../../src/host/open.ts';
import { findGpu } from '../contract/engines.ts';
import { expectSameBits } from '../contract/kernel.ts';
import { gathered, gatherOnce } from './gather.ts';

const gpu = await findGpu();
const withoutGpu: Platform = { gpu: async () => undefined };
const withoutAdapter: Platform = { gpu: async () => ({ requestAdapter: async () => null }) as unknown as GPU };
const withGpu: Platform = { gpu: async () => gpu };

afterEach(() => vi.restoreAllMocks());

describe('the software driver', () => {
  it('is found, and leaves the environment as it was', async () => {
    const before = process.env.VK_DRIVER_FILES;
    const found = await nodeGpu(true);
    expect(process.env.VK_DRIVER_FILES).toBe(before);
    expect((await found?.requestAdapter()) !== null).toBe(true); // also once the variable is gone
  });
});

describe('where there is no GPU', () => {
  it('auto answers on the CPU and says so once', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    for (const platform of [withoutGpu, withoutAdapter, withoutGpu]) {
      using engine = await openEngineOn(platform, { threads: 1 });
      expect(engine.kind).toBe('cpu');
      expectSameBits(await gatherOnce(engine, 3), gathered(3), 'keys');
    }
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/^isodex: no GPU adapter was found, so the CPU answers/)]]);
  });

  it.each([
    ['no WebGPU', withoutGpu],
    ['no adapter', withoutAdapter],
  ])('gpu rejects with unsupported: %s', async (_, platform) => {
    await expect(openEngineOn(platform, { prefer: 'gpu', threads: 1 })).rejects.toMatchObject({ name: 'IsodexError', code: 'unsupported' });
  });

  it('auto rejects when an adapter was named', async () => {
    await expect(openEngineOn(withoutGpu, { adapter: 'nvidia', threads: 1 })).rejects.toMatchObject({ code: 'unsupported' });
  });

  it('cpu and reference open without asking for one', async () => {
    const platform: Platform = { gpu: () => expect.fail('nobody asked for a GPU') };
    for (const prefer of ['cpu', 'reference'] as const) {
      using engine = await openEngineOn(platform, { prefer, threads: 1 });
      expect(engine.kind).toBe(prefer);
    }
  });
});

describe('arguments', () => {
  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '2', null])('threads %s is a bad argument', async (threads) => {
    const opening = openEngineOn(withoutGpu, { prefer: 'cpu', threads } as EngineOptions);
    await expect(opening).rejects.toMatchObject({
      name: 'IsodexError',
      code: 'bad-argument',
      message: expect.stringContaining(`threads is ${threads}`),
    });
  });

  it.each(['quantum', '', 'GPU', null])('prefer %j is a bad argument', async (prefer) => {
    const opening = openEngineOn(withoutGpu, { prefer } as EngineOptions);
    await expect(opening).rejects.toMatchObject({
      code: 'bad-argument',
      message: expect.stringContaining(`the engine asked for is '${prefer}'`),
    });
  });
});

describe('an aborted signal', () => {
  const reason = new Error('changed my mind');

  it.each(['auto', 'gpu', 'cpu', 'reference'] as const)('rejects with its reason before anything opens: %s', async (prefer) => {
    const platform: Platform = { gpu: () => expect.fail('aborted before') };
    await expect(openEngineOn(platform, { prefer, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it.skipIf(!gpu)('closes what was opened meanwhile', async () => {
    const controller = new AbortController();
    let device: GPUDevice | undefined;
    const requestAdapter = async () => {
      const adapter = (await gpu!.requestAdapter())!;
      const { info, limits, features } = adapter;
      const requestDevice = async (descriptor: GPUDeviceDescriptor) => {
        controller.abort(reason);
        device = await adapter.requestDevice(descriptor);
        return device;
      };
      return { info, limits, features, requestDevice };
    };
    const options = { prefer: 'gpu', threads: 1, gpu: { requestAdapter } as unknown as GPU, signal: controller.signal } as const;
    await expect(openEngineOn(withoutGpu, options)).rejects.toBe(reason);
    expect((await device!.lost).reason).toBe('destroyed');
  });
});

describe.skipIf(!gpu)('where there is a GPU', () => {
  it('gpu opens it, with a CPU companion of so many threads', async () => {
    using engine = await openEngineOn(withGpu, { prefer: 'gpu', threads: 2, defaultLimits: true });
    expect(engine.kind).toBe('gpu');
    expect(engine.info.threads).toBe(2);
    expect(engine.maxBlockBytes).toBe(128 * 2 ** 20);
    expectSameBits(await gatherOnce(engine, 3), gathered(3), 'keys');
  });

  it('auto holds both, with the platform’s cost cache', async () => {
    const costs = { termsPerMs: 1, waitMs: 1, uploadPerMs: 1 };
    const costCache = {
      load: vi.fn(async (key: string) => (key.startsWith('WebAssembly') ? costs : { ...costs, termsPerMs: 1000 })),
      save: vi.fn(),
    };
    using engine = await openEngineOn({ ...withGpu, costCache }, { threads: 1 });
    expect(engine.kind).toBe('auto');
    expect((await engine.pick({ terms: 1000, waits: 1, uploadBytes: 0 })).kind).toBe('gpu');
    expect(costCache.load).toHaveBeenCalledTimes(2);
    expect(costCache.save).not.toHaveBeenCalled();
  });

  it('auto takes no software driver unasked, gpu does', async () => {
    const asked: boolean[] = [];
    const platform: Platform = {
      async gpu(software) {
        asked.push(software);
        return gpu;
      },
    };
    for (const prefer of ['auto', 'gpu'] as const) (await openEngineOn(platform, { prefer, threads: 1 })).close();
    expect(asked).toEqual([false, true]);
  });

  it('refuses an adapter of another name, auto too', async () => {
    for (const prefer of ['auto', 'gpu'] as const) {
      await expect(openEngineOn(withGpu, { prefer, adapter: 'no-such-vendor', threads: 1 })).rejects.toMatchObject({ code: 'unsupported' });
    }
  });

  it('takes the GPU object that it is given', async () => {
    const platform: Platform = { gpu: () => expect.fail('it was given one') };
    using engine = await openEngineOn(platform, { prefer: 'gpu', threads: 1, gpu: gpu! });
    expect(engine.kind).toBe('gpu');
  });
});
