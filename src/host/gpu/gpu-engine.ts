import { type ArrayOf, BYTES, type Dtype } from '../../kernels/kernel.ts';
import { IsodexError } from '../../util/errors.ts';
import { roundUp } from '../../util/math.ts';
import { type Block, type BlockRange, checkWrite, emptyArray } from '../block.ts';
import type { Engine, EngineInfo, HostEngine } from '../engine.ts';
import type { Dispatch, Recording } from '../recording.ts';
import { NoPipeline, type PreparedPipeline } from './compile.ts';
import { type GpuDevice, type GpuRequest, requestDevice } from './device.ts';
import { PipelineCache } from './pipelines.ts';
import { Profiler } from './profiler.ts';
import { StagingPool } from './staging.ts';

/** Allocations from here on are watched by error scopes, which cost a round trip. */
const WATCHED_BYTES = 2 ** 20;
/** Larger writes go in pieces: Dawn's own staging gets slow beyond a MiB. */
const WRITE_BYTES = 2 ** 20;
/** Uniform slots; writes and submits are ordered on the queue, so slots may come round again. */
const UNIFORM_SLOTS = 64;
const UNIFORM_STRIDE = 256;
const STORAGE_COPY = 0x0080 | 0x0008 | 0x0004; // STORAGE | COPY_DST | COPY_SRC
const UNIFORM_COPY = 0x0040 | 0x0008;

interface GpuBlock<D extends Dtype = Dtype> extends Block<D> {
  readonly buffer: GPUBuffer;
}

/** Runs kernels as WGSL on a WebGPU device; canonical arithmetic runs on its CPU companion, `host`. */
export class GpuEngine implements Engine {
  readonly kind = 'gpu';
  readonly host: HostEngine;
  readonly device: GPUDevice;
  readonly maxBlockBytes: number;
  readonly profile: Engine['profile'];
  private readonly gpu: GpuDevice;
  private readonly pipelines: PipelineCache;
  private readonly staging: StagingPool;
  private readonly uniforms: GPUBuffer;
  private readonly profiler: Profiler | undefined;
  private readonly notes: string[];
  private nextSlot = 0;
  private gone: IsodexError | undefined;

  private constructor(gpu: GpuDevice, host: HostEngine) {
    this.gpu = gpu;
    this.notes = [...gpu.notes];
    this.device = gpu.device;
    this.host = host;
    this.maxBlockBytes = Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize);
    this.pipelines = new PipelineCache(this.device);
    this.staging = new StagingPool(this.device, gpu.limits.maxBufferSize);
    this.uniforms = this.device.createBuffer({ label: 'params', size: UNIFORM_SLOTS * UNIFORM_STRIDE, usage: UNIFORM_COPY });
    if (gpu.features.includes('timestamp-query')) {
      const profiler = new Profiler(this.device, this.staging, UNIFORM_SLOTS);
      this.profiler = profiler;
      this.profile = (work) => profiler.profile(work);
    }
    this.device.lost.then(({ reason, message }) => this.giveUp(`was lost (${reason})`, message));
    // Work was left out, so nothing that the device holds can be relied on.
    this.device.addEventListener('uncapturederror', (event) => this.giveUp('failed', (event as GPUUncapturedErrorEvent).error.message));
  }

  static async open(gpu: GPU, host: HostEngine, request?: GpuRequest): Promise<GpuEngine> {
    return new GpuEngine(await requestDevice(gpu, request), host);
  }

  get info(): EngineInfo {
    const { adapter, allLimits, features } = this.gpu;
    const name = [adapter.vendor, adapter.architecture, adapter.device].filter(Boolean).join(' ') || 'GPU';
    return {
      kind: 'gpu',
      description: `${name}${adapter.description ? ` (${adapter.description})` : ''}${adapter.software ? ', a software driver' : ''}`,
      threads: this.host.info.threads,
      features,
      adapter,
      limits: allLimits,
      notes: [...this.notes, ...this.pipelines.notes, ...this.host.info.notes],
    };
  }

  /** Whether the device is gone: lost, destroyed or closed. */
  get lost(): boolean {
    return this.gone !== undefined;
  }

  async alloc<D extends Dtype>(dtype: D, length: number, label: string): Promise<Block<D>> {
    this.checkOpen();
    const size = Math.max(4, roundUp(length * BYTES[dtype], 4));
    if (size > this.maxBlockBytes)
      throw new IsodexError('out-of-memory', `kernels on the GPU bind ${this.maxBlockBytes} bytes, ${label} takes ${size}`);
    const buffer = size < WATCHED_BYTES ? this.createBuffer(size, label) : await this.createWatched(size, label);
    const block: GpuBlock<D> = { dtype, length, label, buffer, [Symbol.dispose]: () => buffer.destroy() };
    return block;
  }

  write<D extends Dtype>(block: Block<D>, data: ArrayOf[D], offset = 0): void {
    this.checkOpen();
    checkWrite(block, data, offset);
    const { buffer } = block as GpuBlock<D>;
    const start = offset * BYTES[block.dtype];
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const shared = !(data.buffer instanceof ArrayBuffer); // WebGPU takes no shared memory
    for (let at = 0; at < bytes.length; at += WRITE_BYTES) {
      const piece = bytes.subarray(at, at + WRITE_BYTES);
      this.device.queue.writeBuffer(buffer, start + at, (shared ? piece.slice() : piece) as Uint8Array<ArrayBuffer>);
    }
  }

  async run(recording: Recording): Promise<void> {
    const prepared = await Promise.all(
      recording.dispatches.map((dispatch) => this.pipelines.prepare(dispatch.kernel, dispatch.named, this.gpu.limits)),
    ).catch((error) => {
      this.checkOpen();
      if (error instanceof NoPipeline) this.giveUp('cannot run a kernel', error.message);
      throw this.gone ?? error;
    });
    this.checkOpen();
    for (let i = 0; i < recording.dispatches.length; i += UNIFORM_SLOTS) {
      this.submit(recording.dispatches.slice(i, i + UNIFORM_SLOTS), prepared.slice(i, i + UNIFORM_SLOTS));
    }
  }

  async read<const R extends readonly BlockRange[]>(ranges: R) {
    this.checkOpen();
    const copies = ranges.map(({ block, begin, end }) => {
      const width = BYTES[block.dtype];
      const from = begin * width - ((begin * width) % 4);
      return { block, begin, end, from, bytes: roundUp(end * width, 4) - from };
    });
    const total = copies.reduce((sum, copy) => sum + copy.bytes, 0);
    const buffer = this.staging.take(Math.max(4, total));
    const encoder = this.device.createCommandEncoder();
    let at = 0;
    for (const { block, from, bytes } of copies) {
      if (bytes > 0) encoder.copyBufferToBuffer((block as GpuBlock).buffer, from, buffer, at, bytes);
      at += bytes;
    }
    this.device.queue.submit([encoder.finish()]);
    await this.mapped(buffer);
    const bytes = new Uint8Array(buffer.getMappedRange(0, Math.max(4, roundUp(total, 4))));
    at = 0;
    const arrays = copies.map(({ block, begin, end, from, bytes: length }) => {
      const array = emptyArray(block.dtype, end - begin);
      const skip = begin * BYTES[block.dtype] - from;
      new Uint8Array(array.buffer).set(bytes.subarray(at + skip, at + skip + array.byteLength));
      at += length;
      return array;
    });
    buffer.unmap();
    this.staging.give(buffer);
    return arrays as unknown as { [I in keyof R]: R[I] extends BlockRange<infer D> ? ArrayOf[D] : never };
  }

  async pick(): Promise<Engine> {
    return this.lost ? this.host : this;
  }

  close(): void {
    this.gone ??= new IsodexError('closed', 'the engine was closed; open another one with openEngine()');
    this.device.destroy();
    this.host.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** At most UNIFORM_SLOTS dispatches: their parameters are written before the submit that reads them. */
  private submit(dispatches: readonly Dispatch[], prepared: readonly PreparedPipeline[]): void {
    const encode = (pass: GPUComputePassEncoder, i: number) => {
      const { pipeline, layout, grid } = prepared[i]!;
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, this.bind(dispatches[i]!, layout));
      pass.dispatchWorkgroups(...grid);
    };
    if (this.profiler?.active) {
      this.profiler.submit(
        dispatches.map(({ kernel }) => kernel.name),
        encode,
      );
      return;
    }
    const encoder = this.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (const i of dispatches.keys()) encode(pass, i);
    pass.end();
    this.device.queue.submit([encoder.finish()]);
  }

  private bind(dispatch: Dispatch, layout: GPUBindGroupLayout): GPUBindGroup {
    const offset = (this.nextSlot++ % UNIFORM_SLOTS) * UNIFORM_STRIDE;
    const params = new Uint32Array(dispatch.params);
    this.device.queue.writeBuffer(this.uniforms, offset, params);
    const entries: GPUBindGroupEntry[] = dispatch.blocks.map((block, binding) => ({
      binding,
      resource: { buffer: (block as GpuBlock).buffer },
    }));
    entries.push({ binding: entries.length, resource: { buffer: this.uniforms, offset, size: roundUp(params.byteLength, 16) } });
    return this.device.createBindGroup({ layout, entries });
  }

  private createBuffer(size: number, label: string): GPUBuffer {
    return this.device.createBuffer({ label, size, usage: STORAGE_COPY });
  }

  private async createWatched(size: number, label: string): Promise<GPUBuffer> {
    this.device.pushErrorScope('validation');
    this.device.pushErrorScope('out-of-memory');
    const buffer = this.createBuffer(size, label);
    const errors = await Promise.all([this.device.popErrorScope(), this.device.popErrorScope()]);
    const error = errors.find((found) => found !== null);
    this.checkOpen();
    if (error) {
      buffer.destroy();
      throw new IsodexError('out-of-memory', `the GPU has no ${size} bytes for ${label}: ${error.message}`);
    }
    return buffer;
  }

  private async mapped(buffer: GPUBuffer): Promise<void> {
    try {
      await buffer.mapAsync(0x0001);
    } catch (cause) {
      // A lost device rejects the mapping before it reports its loss.
      if (!this.gone) await Promise.race([this.device.lost, new Promise((resolve) => setTimeout(resolve, 100))]);
      throw this.gone ?? new IsodexError('device-lost', 'reading back from the GPU failed', { cause });
    }
    this.checkOpen();
  }

  /** From here on the device is as good as lost, unless it was closed on purpose: calls go to the CPU. */
  private giveUp(how: string, why: string): void {
    if (this.gone) return;
    this.gone = new IsodexError('device-lost', `the GPU device ${how}: ${why}`);
    this.notes.push(`the GPU device ${how}; calls are answered by the CPU`);
  }

  private checkOpen(): void {
    if (this.gone) throw this.gone;
  }
}
