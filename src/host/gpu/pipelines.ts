import type { Kernel, Limits, ParamsOf } from '../../kernels/kernel.ts';
import { featuresOf, shaderText } from '../../kernels/wgsl.ts';

interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** A pipeline with the grid of one dispatch. */
export interface PreparedPipeline extends Pipeline {
  readonly grid: readonly [x: number, y: number, z: number];
}

/** Compiles each kernel once for each set of constants it is used with, with the functions that suit the device's features. */
export class PipelineCache {
  private readonly device: GPUDevice;
  private readonly modules = new Map<string, GPUShaderModule>();
  private readonly layouts = new Map<string, GPUBindGroupLayout>();
  private readonly pipelines = new Map<string, Promise<Pipeline>>();

  constructor(device: GPUDevice) {
    this.device = device;
  }

  /** The pipeline and the grid for a dispatch with these parameters. */
  async prepare(kernel: Kernel, params: ParamsOf<string>, limits: Limits): Promise<PreparedPipeline> {
    if (!kernel.plan) throw new Error(`${kernel.name} runs on the host only`);
    const { constants, grid } = kernel.plan(params, limits);
    const key = `${kernel.name} ${JSON.stringify(constants)}`;
    let pipeline = this.pipelines.get(key);
    if (!pipeline) {
      pipeline = this.compile(kernel, constants);
      this.pipelines.set(key, pipeline);
    }
    return { ...(await pipeline), grid };
  }

  private async compile(kernel: Kernel, constants: Readonly<Record<string, number>>): Promise<Pipeline> {
    const layout = this.layoutOf(kernel);
    const module = this.moduleOf(kernel);
    try {
      const pipeline = await this.device.createComputePipelineAsync({
        label: kernel.name,
        layout: this.device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: 'main', constants: { ...constants } },
      });
      return { pipeline, layout };
    } catch (cause) {
      const { messages } = await module.getCompilationInfo();
      const lines = messages.map(({ lineNum, linePos, message }) => `shaders/${kernel.name}.wgsl:${lineNum}:${linePos} ${message}`);
      throw new Error([`${kernel.name} does not compile with ${JSON.stringify(constants)}`, ...lines].join('\n'), { cause });
    }
  }

  private moduleOf(kernel: Kernel): GPUShaderModule {
    let module = this.modules.get(kernel.name);
    if (!module) {
      const feature = featuresOf(kernel.name).find((name) => this.device.features.has(name));
      module = this.device.createShaderModule({ label: kernel.name, code: shaderText(kernel.name, feature) });
      this.modules.set(kernel.name, module);
    }
    return module;
  }

  private layoutOf(kernel: Kernel): GPUBindGroupLayout {
    let layout = this.layouts.get(kernel.name);
    if (!layout) {
      layout = this.device.createBindGroupLayout({ label: kernel.name, entries: layoutEntries(kernel) });
      this.layouts.set(kernel.name, layout);
    }
    return layout;
  }
}

/** Storage bindings in the kernel's order, then the uniform with its parameters. */
function layoutEntries(kernel: Kernel): GPUBindGroupLayoutEntry[] {
  const COMPUTE = 4; // GPUShaderStage.COMPUTE; the global is missing where Dawn comes from a package
  const types = Object.values(kernel.bindings).map(({ access }) => (access === 'read' ? 'read-only-storage' : 'storage'));
  return [...types, 'uniform' as const].map((type, binding) => ({ binding, visibility: COMPUTE, buffer: { type } }));
}
