/** What a Linux machine has towards a GPU: device nodes, the Vulkan loader, drivers. Elsewhere the system brings them. */
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Device files of GPUs: NVIDIA's, WSL's, Tegra's, Mali's, Adreno's; and in dri/ those that render (a plain screen is no GPU). */
const DEVICE_FILES = /^(nvidia\d+|dxg|nvhost-gpu|nvmap|mali\d*|kgsl-3d\d)$/;
const RENDER_NODES = /^renderD\d+$/;
const MANIFEST_FOLDERS = ['/etc/vulkan/icd.d', '/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'];
/** A container runtime puts NVIDIA's driver here, where the loader does not look. */
const STRAY_MANIFESTS = ['/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json'];
/** SwiftShader: Vulkan computed on the CPU, part of Chromium. */
const SOFTWARE_MANIFESTS = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib/chromium-browser/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];

export interface Drivers {
  /** Device files of GPUs in /dev. */
  readonly devices: readonly string[];
  /** The Vulkan loader's file. */
  readonly loader: string | undefined;
  /** Manifests of drivers that the loader finds, as the environment names them or by its own rules. */
  readonly manifests: readonly string[];
  /** A manifest of NVIDIA's driver where the loader does not look. */
  readonly stray: string | undefined;
  /** SwiftShader's manifest. */
  readonly software: string | undefined;
}

/** Undefined on systems other than Linux. */
export function findDrivers(): Drivers | undefined {
  if (process.platform !== 'linux') return undefined;
  return {
    devices: [...matching('/dev', DEVICE_FILES), ...matching('/dev/dri', RENDER_NODES)],
    loader: findLoader(),
    manifests: namedDrivers() ?? MANIFEST_FOLDERS.flatMap((folder) => matching(folder, /\.json$/)),
    stray: STRAY_MANIFESTS.find((path) => existsSync(path)),
    software: SOFTWARE_MANIFESTS.find((path) => existsSync(path)),
  };
}

/**
 * Prepares the environment before Dawn looks at it, and tells whether there may be a GPU at all. Dawn and the drivers write
 * straight to the terminal: when the folder XDG_RUNTIME_DIR is not set, when Mesa's software driver is too old for Dawn, and
 * when the loader finds no GPU. So the first is set, the second left out beside a GPU, and the third not asked without one.
 */
export function prepareDrivers(prefer: string): { mayHaveGpu: boolean } {
  const drivers = findDrivers();
  if (!drivers) return { mayHaveGpu: true };
  process.env.XDG_RUNTIME_DIR ??= tmpdir();
  if (namedDrivers()) return { mayHaveGpu: true };
  const mayHaveGpu = drivers.devices.length > 0;
  if (mayHaveGpu) process.env.VK_LOADER_DRIVERS_DISABLE ??= '*lvp*';
  if (!mayHaveGpu && prefer === 'gpu' && drivers.software) process.env.VK_DRIVER_FILES = drivers.software;
  return { mayHaveGpu };
}

function namedDrivers(): string[] | undefined {
  const named = process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES;
  return named ? named.split(':').filter((path) => existsSync(path)) : undefined;
}

function findLoader(): string | undefined {
  const named = (process.env.LD_LIBRARY_PATH ?? '').split(':').filter(Boolean);
  const machine = { x64: 'x86_64', arm64: 'aarch64', arm: 'arm' }[process.arch as string] ?? process.arch;
  const usual = ['/usr/lib', '/lib', '/usr/local/lib'].flatMap((folder) => [`${folder}/${machine}-linux-gnu`, `${folder}64`, folder]);
  return [...named, ...usual].map((folder) => join(folder, 'libvulkan.so.1')).find((path) => existsSync(path));
}

/** Paths of the files in a folder whose names match; none where it cannot be read. */
function matching(folder: string, names: RegExp): string[] {
  try {
    const found = readdirSync(folder).filter((name) => names.test(name));
    return found.sort().map((name) => join(folder, name));
  } catch {
    return [];
  }
}
