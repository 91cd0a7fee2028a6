/** The engines that tests compare: the twins, the CPU with and without relaxed SIMD and threads, and the GPU. */
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import type { Engine } from '../../src/host/engine.ts';
import { nodeGpu } from '../../src/host/gpu/dawn.ts';
import type { GpuRequest } from '../../src/host/gpu/device.ts';
import { GpuEngine } from '../../src/host/gpu/gpu-engine.ts';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';

export interface NamedEngine {
  readonly name: string;
  open(): Promise<Engine>;
}

/** CI sets this so that a missing driver is a failure there, never a silent skip. */
const gpuRequired = process.env.ISODEX_REQUIRE_GPU === '1';

export async function findGpu(): Promise<GPU | undefined> {
  const gpu = await nodeGpu(true);
  if (!gpu && gpuRequired)
    throw new Error('ISODEX_REQUIRE_GPU is set, but Dawn finds no adapter (is SwiftShader from the chromium package installed?)');
  return gpu;
}

export async function enginesHere(request?: GpuRequest): Promise<NamedEngine[]> {
  const engines: NamedEngine[] = [
    { name: 'reference', open: async () => new ReferenceEngine() },
    { name: 'cpu, 1 thread', open: () => CpuEngine.open({ threads: 1 }) },
    { name: 'cpu, 1 thread, baseline SIMD', open: () => CpuEngine.open({ threads: 1, relaxedSimd: false }) },
    { name: 'cpu, 2 threads', open: () => CpuEngine.open({ threads: 2 }) },
    { name: 'cpu, 5 threads', open: () => CpuEngine.open({ threads: 5 }) },
  ];
  const gpu = await findGpu();
  if (gpu) engines.push({ name: 'gpu', open: () => openOn(gpu, request) });
  return engines;
}

/** The GPU for kernels that have faster functions for subgroups. */
export async function fasterGpus(features: readonly string[]): Promise<NamedEngine[]> {
  const gpu = await findGpu();
  return gpu && features.includes('subgroups') ? [{ name: 'gpu, subgroups', open: () => openOn(gpu, { subgroups: true }) }] : [];
}

async function openOn(gpu: GPU, request?: GpuRequest): Promise<GpuEngine> {
  return GpuEngine.open(gpu, await CpuEngine.open({ threads: 1 }), request);
}
