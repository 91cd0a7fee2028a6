/** Finds out what a machine offers. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { type EngineInfo, openEngine, version } from '../node.ts';
import { type Drivers, findDrivers } from './drivers.ts';
import { openQuietly } from './inputs.ts';
import type { Task } from './perform.ts';

/** What `doctor` finds out. */
export interface Findings {
  readonly isodex: string;
  readonly node: string;
  readonly platform: string;
  readonly processor: string;
  readonly cores: number;
  readonly memory: { readonly total: number; readonly free: number };
  readonly wasm: { readonly simd: boolean; readonly relaxedSimd: boolean; readonly threads: boolean };
  /** The version of the package `webgpu`; undefined where it is missing, with the reason. */
  readonly webgpu: { readonly version?: string; readonly problem?: string };
  readonly adapters: readonly EngineInfo[];
  /** Why there is no adapter. */
  readonly noAdapter?: string;
  readonly drivers?: Drivers;
}

export async function examine(task: Task): Promise<Findings> {
  const drivers = findDrivers(); // before engines are opened, which may name one
  const { features, threads } = await cpuInfo();
  const webgpu = await examinePackage();
  const { adapters, noAdapter } = webgpu.version === undefined ? { adapters: [], noAdapter: undefined } : await findAdapters(task);
  return {
    isodex: version,
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory: { total: totalmem(), free: freemem() },
    wasm: { simd: features.includes('simd128'), relaxedSimd: features.includes('relaxed-simd'), threads: threads > 1 },
    webgpu,
    adapters,
    ...(noAdapter !== undefined && { noAdapter }),
    ...(drivers && { drivers }),
  };
}

/** Two threads are asked for even on one core, to see whether threads work. */
async function cpuInfo(): Promise<Pick<EngineInfo, 'features' | 'threads'>> {
  try {
    using engine = await openEngine({ prefer: 'cpu', threads: 2 });
    return engine.info;
  } catch {
    return { features: [], threads: 1 };
  }
}

async function examinePackage(): Promise<Findings['webgpu']> {
  try {
    await import('webgpu');
    const folder = dirname(createRequire(import.meta.url).resolve('webgpu'));
    return { version: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version };
  } catch (error) {
    return { problem: error instanceof Error ? error.message.split('\n')[0]! : String(error) };
  }
}

/** The adapters that WebGPU gives when asked for speed and for thrift: one on most machines. */
async function findAdapters({ signal }: Task): Promise<{ adapters: EngineInfo[]; noAdapter?: string }> {
  const found = new Map<string, EngineInfo>();
  let noAdapter: string | undefined;
  for (const powerPreference of ['high-performance', 'low-power'] as const) {
    try {
      using engine = await openQuietly({ prefer: 'gpu', powerPreference, threads: 1, signal });
      found.set(engine.info.description, engine.info);
    } catch (error) {
      signal.throwIfAborted();
      noAdapter = error instanceof Error ? error.message : String(error);
    }
  }
  return found.size > 0 || noAdapter === undefined ? { adapters: [...found.values()] } : { adapters: [], noAdapter };
}
