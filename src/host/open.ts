/** The only file that knows all engines. */
import { badArgument, hasCode } from '../util/errors.ts';
import { AutoEngine } from './auto-engine.ts';
import type { CostCache } from './cost-model.ts';
import { CpuEngine } from './cpu/cpu-engine.ts';
import type { Engine, EngineKind } from './engine.ts';
import { GpuEngine } from './gpu/gpu-engine.ts';
import { ReferenceEngine } from './reference-engine.ts';

/** WebGPU's `GPU` object, by what is asked of it first: so that users need no type packages for WebGPU. */
export interface GpuLike {
  requestAdapter(options?: object): Promise<unknown>;
}

export interface EngineOptions {
  /** Which engine: 'auto' (default) takes GPU or CPU per call, whichever is cheaper, and the CPU alone without a GPU. */
  prefer?: EngineKind | undefined;
  /** CPU threads, ≥ 1. Default: one for each core; 1 computes on the calling thread. */
  threads?: number | undefined;
  /** Part of the adapter's name ('nvidia', 'swiftshader'); another adapter is refused. Only for 'gpu' and 'auto'. */
  adapter?: string | undefined;
  /** Which GPU a machine with two should give. Default 'high-performance'. */
  powerPreference?: 'low-power' | 'high-performance' | undefined;
  /** A GPU object to use instead of the platform's (`navigator.gpu`, or Dawn in Node). */
  gpu?: GpuLike | undefined;
  /** Ask the GPU for WebGPU's default limits instead of the adapter's: for tests of small devices. Default false. */
  defaultLimits?: boolean | undefined;
  /** Whether GPU kernels may use subgroup operations; answers are the same either way. Default: on GPUs, not on software drivers. */
  subgroups?: boolean | undefined;
  /**
   * Whether exact scans may multiply on a GPU's 8-bit matrix units: an experiment of WebGPU's, tried on the device before it is used. What keeps
   * it from being used is in `info.notes`. Answers are the same either way. Default false.
   */
  subgroupMatrices?: boolean | undefined;
  /** false keeps the CPU to baseline SIMD; answers are the same either way. Default true. */
  relaxedSimd?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/** What differs between platforms. */
export interface Platform {
  /** The platform's WebGPU; `software` asks for a software driver where there is no other, `experiments` for features that may change. */
  gpu(software: boolean, experiments?: boolean): Promise<GpuLike | undefined>;
  /** Where measured costs are kept between processes. */
  readonly costCache?: CostCache;
}

/** Says a thing once in a process: what is missing and what stands in for it. */
const said = new Set<string>();
function sayOnce(text: string): void {
  if (said.has(text)) return;
  said.add(text);
  console.warn(`isodex: ${text}`);
}

/**
 * Opens an engine. Throws 'bad-argument' for an unknown kind or thread count, 'unsupported' when `prefer: 'gpu'` finds no
 * adapter; 'auto' then answers on the CPU and says so once.
 */
export async function openEngineOn(platform: Platform, options: EngineOptions = {}): Promise<Engine> {
  const { prefer = 'auto', threads, signal } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw badArgument(`threads is ${threads}; give an integer ≥ 1, or leave it out for one thread per core`);
  }
  signal?.throwIfAborted();
  const engine = await openKind(platform, prefer, options);
  if (signal?.aborted) {
    engine.close();
    signal.throwIfAborted();
  }
  return engine;
}

async function openKind(platform: Platform, prefer: EngineKind, options: EngineOptions): Promise<Engine> {
  switch (prefer) {
    case 'reference':
      return new ReferenceEngine();
    case 'cpu':
      return CpuEngine.open(options);
    case 'gpu':
      return openGpu(platform, options, true);
    case 'auto':
      return openAuto(platform, options);
    default:
      throw badArgument(`the engine asked for is '${prefer}'; give 'auto', 'gpu', 'cpu' or 'reference'`);
  }
}

async function openGpu(platform: Platform, options: EngineOptions, software: boolean): Promise<GpuEngine> {
  const gpu = options.gpu ?? (await platform.gpu(software, options.subgroupMatrices));
  const cpu = await CpuEngine.open(options);
  try {
    return await GpuEngine.open((gpu ?? NO_GPU) as GPU, cpu, options);
  } catch (error) {
    cpu.close();
    throw error;
  }
}

async function openAuto(platform: Platform, options: EngineOptions): Promise<Engine> {
  try {
    const gpu = await openGpu(platform, options, false);
    return new AutoEngine(gpu.host as CpuEngine, gpu, platform.costCache);
  } catch (error) {
    if (hasCode(error, 'bad-argument') || options.adapter) throw error;
    const none = hasCode(error, 'unsupported');
    const what = none ? 'no GPU adapter was found' : `the GPU cannot be used (${error instanceof Error ? error.message : error})`;
    sayOnce(`${what}, so the CPU answers${none ? ' (isodex doctor tells what is missing)' : ''}`);
    return CpuEngine.open(options);
  }
}

/** Stands in where the platform has no WebGPU: it has no adapters. */
const NO_GPU: GpuLike = { requestAdapter: async () => null };
