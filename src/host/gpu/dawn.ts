/**
 * WebGPU in Node: Google's Dawn, from the optional package `webgpu`. The object that `create()` returns must outlive every
 * device made from it (dropping it crashes the process), so it is kept on globalThis for ever.
 */

/** Debian's chromium package brings SwiftShader, a Vulkan driver that computes on the CPU. */
const SWIFTSHADER_DRIVERS = ['/usr/lib/chromium/vk_swiftshader_icd.json', '/usr/lib/chromium-browser/vk_swiftshader_icd.json'];

import { nodeModule } from '../../util/node-module.ts';

interface Dawn {
  create(options: string[]): GPU;
}

/** Timestamps are rounded to 0.1 ms for the sake of web pages, which may not tell what else a machine does; here a user measures his own. */
const EXACT_TIMES = 'disable-dawn-features=timestamp_quantization';

/** Offers what Dawn still calls unsafe: subgroup matrices. */
const EXPERIMENTS = 'enable-dawn-features=allow_unsafe_apis';

type Kept = typeof globalThis & { [key: symbol]: Map<string, GPU> | undefined };
const KEY = Symbol.for('isodex.dawn');

/** The `webgpu` package, or undefined where it is not installed or has no binary for this platform. */
async function loadDawn(): Promise<Dawn | undefined> {
  try {
    return (await import('webgpu')) as unknown as Dawn;
  } catch {
    return undefined;
  }
}

/** A GPU object made with these Dawn options ('backend=null', 'enable-dawn-features=…'); undefined without the package. */
export async function createDawn(options: readonly string[] = []): Promise<GPU | undefined> {
  const kept = globalThis as Kept;
  kept[KEY] ??= new Map();
  const key = `${options.join(' ')} ${process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES ?? ''}`;
  const found = kept[KEY].get(key);
  if (found) return found;
  const gpu = (await loadDawn())?.create([...options]);
  if (gpu) kept[KEY].set(key, gpu);
  return gpu;
}

/** Device files of GPUs: NVIDIA's, WSL's, Tegra's, Mali's, Adreno's; those of dri/ that render are looked for apart. */
const DEVICE_FILES = /^(nvidia\d+|dxg|nvhost-gpu|nvmap|mali\d*|kgsl-3d\d)$/;

/** Whether it is worth asking for the machine's own adapter: without a device, Dawn would only complain on the terminal. */
function mayHaveGpu(): boolean {
  if (process.platform !== 'linux' || process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES) return true;
  return filesOf('/dev').some((name) => DEVICE_FILES.test(name)) || filesOf('/dev/dri').some((name) => name.startsWith('renderD'));
}

function filesOf(folder: string): string[] {
  try {
    return nodeModule('node:fs').readdirSync(folder);
  } catch {
    return [];
  }
}

/**
 * Node's GPU: the machine's own adapter, or, with `software`, SwiftShader where there is no other. Undefined where neither
 * exists. With `experiments` it has features that may change.
 */
export async function nodeGpu(software: boolean, experiments = false): Promise<GPU | undefined> {
  const options = experiments ? [EXACT_TIMES, EXPERIMENTS] : [EXACT_TIMES];
  if (mayHaveGpu()) {
    const gpu = await createDawn(options);
    if (await gpu?.requestAdapter()) return gpu;
  }
  const driver = software ? SWIFTSHADER_DRIVERS.find((path) => nodeModule('node:fs').existsSync(path)) : undefined;
  if (!driver) return undefined;
  return withDriver(driver, async () => {
    const gpu = await createDawn(options);
    await gpu?.requestAdapter(); // by now the driver is loaded
    return gpu;
  });
}

/** The Vulkan loader reads this variable when an instance is made; whoever reads it later finds it as it was. */
async function withDriver<T>(driver: string, work: () => Promise<T>): Promise<T> {
  const before = process.env.VK_DRIVER_FILES;
  process.env.VK_DRIVER_FILES = driver;
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env.VK_DRIVER_FILES;
    else process.env.VK_DRIVER_FILES = before;
  }
}
