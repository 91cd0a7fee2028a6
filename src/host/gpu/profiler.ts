import type { KernelTime } from '../engine.ts';
import type { StagingPool } from './staging.ts';

const QUERY_RESOLVE_COPY_SRC = 0x0200 | 0x0004;
/** Each dispatch has a timestamp at either end, u64. */
const BYTES_OF_DISPATCH = 16;

/**
 * Times kernels on the device itself (`timestamp-query`), which tells work from waiting. Each dispatch is a pass of its own then; nothing
 * is timed but during `profile`.
 */
export class Profiler {
  private readonly device: GPUDevice;
  private readonly staging: StagingPool;
  /** Of as many dispatches as one submit has; submits are ordered, so they share it. */
  private readonly queries: GPUQuerySet;
  private readonly resolved: GPUBuffer;
  private sums: Map<string, KernelTime> | undefined;
  private pending: Promise<void>[] = [];

  constructor(device: GPUDevice, staging: StagingPool, mostDispatches: number) {
    this.device = device;
    this.staging = staging;
    this.queries = device.createQuerySet({ type: 'timestamp', count: 2 * mostDispatches });
    const size = BYTES_OF_DISPATCH * mostDispatches;
    this.resolved = device.createBuffer({ label: 'timestamps', size, usage: QUERY_RESOLVE_COPY_SRC });
  }

  get active(): boolean {
    return this.sums !== undefined;
  }

  async profile<T>(work: () => Promise<T>): Promise<{ result: T; kernels: KernelTime[] }> {
    if (this.sums) throw new Error('this engine is being profiled already');
    const sums = new Map<string, KernelTime>();
    this.sums = sums;
    try {
      const result = await work();
      await Promise.all(this.pending);
      return { result, kernels: [...sums.values()].sort((a, b) => b.nanoseconds - a.nanoseconds) };
    } finally {
      this.sums = undefined;
      this.pending = [];
    }
  }

  /** Encodes a dispatch of each of these kernels, submits them, and reads their times as soon as there are any. */
  submit(kernels: readonly string[], encode: (pass: GPUComputePassEncoder, i: number) => void): void {
    const encoder = this.device.createCommandEncoder();
    for (const i of kernels.keys()) {
      const timestampWrites = { querySet: this.queries, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
      const pass = encoder.beginComputePass({ timestampWrites });
      encode(pass, i);
      pass.end();
    }
    const bytes = BYTES_OF_DISPATCH * kernels.length;
    const buffer = this.staging.take(bytes);
    encoder.resolveQuerySet(this.queries, 0, 2 * kernels.length, this.resolved, 0);
    encoder.copyBufferToBuffer(this.resolved, 0, buffer, 0, bytes);
    this.device.queue.submit([encoder.finish()]);
    // a lost device is told of by the read that the work itself waits for
    this.pending.push(this.collect(kernels, buffer, bytes).catch(() => {}));
  }

  private async collect(kernels: readonly string[], buffer: GPUBuffer, bytes: number): Promise<void> {
    const { sums } = this;
    await buffer.mapAsync(0x0001);
    const times = new BigUint64Array(buffer.getMappedRange(0, bytes));
    for (const [i, kernel] of kernels.entries()) {
      const { dispatches, nanoseconds } = sums?.get(kernel) ?? { dispatches: 0, nanoseconds: 0 };
      const taken = Math.max(0, Number(times[2 * i + 1]! - times[2 * i]!));
      sums?.set(kernel, { kernel, dispatches: dispatches + 1, nanoseconds: nanoseconds + taken });
    }
    buffer.unmap();
    this.staging.give(buffer);
  }
}
