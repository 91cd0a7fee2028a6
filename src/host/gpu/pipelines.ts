import type { Kernel, Limits, ParamsOf, Plan } from '../../kernels/kernel.ts';
import { featuresOf, shaderText } from '../../kernels/wgsl.ts';
import { compile, moduleOf, type Pipeline, type PreparedPipeline } from './compile.ts';
import { failureOf } from './trial.ts';

/** Compiles each kernel once for each set of constants it is used with, with the functions that suit the device's features. */
export class PipelineCache {
  /** What was tried on this device and is not used. */
  readonly notes: string[] = [];
  private readonly device: GPUDevice;
  /** By kernel and feature. */
  private readonly modules = new Map<string, GPUShaderModule>();
  private readonly pipelines = new Map<string, Promise<Pipeline>>();
  private readonly trials = new Map<Kernel, Promise<boolean>>();

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
      pipeline = this.suiting(kernel, constants, limits);
      this.pipelines.set(key, pipeline);
    }
    return { ...(await pipeline), grid };
  }

  private async suiting(kernel: Kernel, constants: Plan['constants'], limits: Limits): Promise<Pipeline> {
    const { experiment } = kernel;
    if (experiment && this.device.features.has(experiment.feature) && experiment.suits(constants) && (await this.holds(kernel, limits))) {
      return this.compiled(kernel, constants, experiment.feature);
    }
    const feature = featuresOf(kernel.name).find((name) => name !== experiment?.feature && this.device.features.has(name));
    if (!feature) return this.compiled(kernel, constants);
    return this.compiled(kernel, constants, feature).catch(async () => {
      const pipeline = await this.compiled(kernel, constants);
      this.note(kernel, feature, 'it does not compile');
      return pipeline;
    });
  }

  private compiled(kernel: Kernel, constants: Plan['constants'], feature?: string): Promise<Pipeline> {
    const key = `${kernel.name} ${feature ?? ''}`;
    let module = this.modules.get(key);
    if (!module) this.modules.set(key, (module = moduleOf(this.device, kernel, shaderText(kernel.name, feature))));
    return compile(this.device, kernel, constants, module);
  }

  private note({ name }: Kernel, feature: string, failure: string): void {
    const note = `${name} does without ${feature}: ${failure.split('\n')[0]}`;
    if (!this.notes.includes(note)) this.notes.push(note);
  }

  /** Whether a kernel's experiment does here what it should. */
  private holds(kernel: Kernel, limits: Limits): Promise<boolean> {
    let trial = this.trials.get(kernel);
    if (!trial) {
      trial = failureOf(this.device, kernel, shaderText(kernel.name, kernel.experiment!.feature), limits).then((failure) => {
        if (failure) this.note(kernel, kernel.experiment!.feature, failure);
        return failure === undefined;
      });
      this.trials.set(kernel, trial);
    }
    return trial;
  }
}
