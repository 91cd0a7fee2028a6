import type { Kernel, Plan } from '../../kernels/kernel.ts';

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** A pipeline with the grid of one dispatch. */
export interface PreparedPipeline extends Pipeline {
  readonly grid: readonly [x: number, y: number, z: number];
}

/** A driver does not take a kernel. */
export class NoPipeline extends Error {}

/** WGSL for a kernel. What is wrong with it is told by its pipelines, and is no error of the device's. */
export function moduleOf(device: GPUDevice, { name }: Kernel, code: string): GPUShaderModule {
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: name, code });
  void device.popErrorScope().catch(() => undefined);
  return module;
}

/** Compiles a kernel's WGSL. Rejects with the compiler's messages. */
export async function compile(device: GPUDevice, kernel: Kernel, constants: Plan['constants'], module: GPUShaderModule): Promise<Pipeline> {
  const layout = device.createBindGroupLayout({ label: kernel.name, entries: layoutEntries(kernel) });
  try {
    const pipeline = await device.createComputePipelineAsync({
      label: kernel.name,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: 'main', constants: { ...constants } },
    });
    return { pipeline, layout };
  } catch (cause) {
    const { messages } = await module.getCompilationInfo();
    const lines = messages.map(({ lineNum, linePos, message }) => `shaders/${kernel.name}.wgsl:${lineNum}:${linePos} ${message}`);
    throw new NoPipeline([`${kernel.name} does not compile with ${JSON.stringify(constants)}`, ...lines].join('\n'), { cause });
  }
}

/** Storage bindings in the kernel's order, then the uniform with its parameters. */
function layoutEntries(kernel: Kernel): GPUBindGroupLayoutEntry[] {
  const COMPUTE = 4; // GPUShaderStage.COMPUTE; the global is missing where Dawn comes from a package
  const types = Object.values(kernel.bindings).map(({ access }) => (access === 'read' ? 'read-only-storage' : 'storage'));
  return [...types, 'uniform' as const].map((type, binding) => ({ binding, visibility: COMPUTE, buffer: { type } }));
}
