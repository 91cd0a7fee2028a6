import type { ArrayOf, Dtype } from '../kernels/kernel.ts';
import type { Block, BlockRange } from './block.ts';
import { type CostCache, type EngineCosts, estimateMs, measureCosts } from './cost-model.ts';
import type { CpuEngine } from './cpu/cpu-engine.ts';
import type { Engine, EngineInfo, HostEngine, Work } from './engine.ts';
import type { GpuEngine } from './gpu/gpu-engine.ts';
import type { Recording } from './recording.ts';

/**
 * Holds a GPU and a CPU engine and sends each call where it is cheaper, by costs measured on this machine at first use.
 * The choice never shows in an answer. Its own blocks live on the CPU; indexes ask `pick` before a call and keep what they
 * derive for each engine apart.
 */
export class AutoEngine implements Engine {
  readonly kind = 'auto';
  readonly host: HostEngine;
  readonly maxBlockBytes: number;
  private readonly cpu: CpuEngine;
  private readonly gpu: GpuEngine;
  private readonly cache: CostCache | undefined;
  private costs: Promise<{ cpu: EngineCosts; gpu: EngineCosts }> | undefined;

  constructor(cpu: CpuEngine, gpu: GpuEngine, cache?: CostCache) {
    this.cpu = cpu;
    this.gpu = gpu;
    this.host = cpu;
    this.maxBlockBytes = cpu.maxBlockBytes;
    this.cache = cache;
  }

  get info(): EngineInfo {
    const engines = [this.gpu.info, this.cpu.info];
    return {
      kind: 'auto',
      description: engines.map(({ description }) => description).join(' or '),
      threads: this.cpu.info.threads,
      features: this.cpu.info.features,
      notes: this.gpu.info.notes,
      engines,
    };
  }

  async pick(work: Work): Promise<Engine> {
    if (this.gpu.lost) return this.cpu;
    try {
      this.costs ??= this.measure();
      const { cpu, gpu } = await this.costs;
      return estimateMs(gpu, work) < estimateMs(cpu, work) ? this.gpu : this.cpu;
    } catch {
      this.costs = undefined;
      return this.cpu; // the device was lost while it was measured
    }
  }

  alloc<D extends Dtype>(dtype: D, length: number, label: string): Promise<Block<D>> {
    return this.cpu.alloc(dtype, length, label);
  }

  write<D extends Dtype>(block: Block<D>, data: ArrayOf[D], offset?: number): void {
    this.cpu.write(block, data, offset);
  }

  run(recording: Recording): Promise<void> {
    return this.cpu.run(recording);
  }

  read<const R extends readonly BlockRange[]>(ranges: R) {
    return this.cpu.read(ranges);
  }

  close(): void {
    this.gpu.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private async measure(): Promise<{ cpu: EngineCosts; gpu: EngineCosts }> {
    return { cpu: await this.costsOf(this.cpu), gpu: await this.costsOf(this.gpu) };
  }

  private async costsOf(engine: Engine): Promise<EngineCosts> {
    const key = `${engine.info.description}; ${__ISODEX_VERSION__}`;
    const known = await this.cache?.load(key).catch(() => undefined);
    if (known) return known;
    const costs = await measureCosts(engine);
    await this.cache?.save(key, costs).catch(() => undefined); // a cache that fails only costs a measurement
    return costs;
  }
}
