import type { ArrayOf, Dtype } from '../kernels/kernel.ts';
import type { Block, BlockRange } from './block.ts';
import { type CostCache, estimateMs, measureCosts } from './cost-model.ts';
import type { EngineCosts, WalkCosts } from './costs.ts';
import type { CpuEngine } from './cpu/cpu-engine.ts';
import type { Engine, EngineInfo, HostEngine, WalkChoice, Work } from './engine.ts';
import type { GpuEngine } from './gpu/gpu-engine.ts';
import type { Recording } from './recording.ts';
import { measureWalks } from './walk-costs.ts';

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
  private costs: Promise<Both<EngineCosts>> | undefined;
  /** Undefined where they cannot be measured, though the device is there. */
  private walks: Promise<Both<WalkCosts> | undefined> | undefined;

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
      const { cpu, gpu } = await this.engineCosts();
      return estimateMs(gpu, work) < estimateMs(cpu, work) ? this.gpu : this.cpu;
    } catch {
      this.costs = undefined;
      return this.cpu; // the device was lost while it was measured
    }
  }

  async walkChoice(): Promise<WalkChoice | undefined> {
    if (this.gpu.lost) return undefined;
    this.walks ??= this.both('; walks', measureWalks).catch(() => undefined); // it has no memory, or was lost meanwhile
    const walks = await this.walks;
    const scans = walks && (await this.engineCosts().catch(() => undefined));
    if (!walks || !scans) return undefined;
    return { device: this.gpu, costs: { host: { ...scans.cpu, ...walks.cpu }, device: { ...scans.gpu, ...walks.gpu } } };
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

  private engineCosts(): Promise<Both<EngineCosts>> {
    return (this.costs ??= this.both('', measureCosts));
  }

  private async both<C extends Readonly<Record<string, number>>>(kind: string, measure: (engine: Engine) => Promise<C>): Promise<Both<C>> {
    return { cpu: await this.costsOf(this.cpu, kind, measure), gpu: await this.costsOf(this.gpu, kind, measure) };
  }

  private async costsOf<C extends Readonly<Record<string, number>>>(
    engine: Engine,
    kind: string,
    measure: (engine: Engine) => Promise<C>,
  ): Promise<C> {
    const key = `${engine.info.description}; ${__ISODEX_VERSION__}${kind}`;
    const known = await this.cache?.load(key).catch(() => undefined);
    if (known) return known as C;
    const costs = await measure(engine);
    await this.cache?.save(key, costs).catch(() => undefined); // a cache that fails only costs a measurement
    return costs;
  }
}

interface Both<C> {
  readonly cpu: C;
  readonly gpu: C;
}
