/** A device of the bench's own, beside the library's: programs that know no index run on it, and are timed. */
import { nodeGpu } from '../../src/host/gpu/dawn.ts';
import { quantile } from '../statistics.ts';

const FEATURES = ['timestamp-query', 'subgroups', 'chromium-experimental-subgroup-matrix'];
const USAGE = { mapRead: 0x0001, copySrc: 0x0004, copyDst: 0x0008, storage: 0x0080, queryResolve: 0x0200 };
const READS = 30;
/** Measured passes, of which the fastest tells what the device can do. */
const PASSES = 3;
const MOST_DISPATCHES = 2 ** 14;

/** A shape of matrices that the device multiplies in one step, as WebGPU lists it. */
export interface MatrixShape {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** WGSL with an entry point `main`, whose storage buffers are bound in order; the last is what it writes. */
export interface Program {
  readonly code: string;
  /** Bytes of each buffer. */
  readonly bytes: readonly number[];
  readonly groups: readonly [x: number, y: number];
  /** What a dispatch does, in the unit of the rate. */
  readonly work: number;
}

type Info = GPUAdapterInfo & { subgroupMatrixConfigs?: Iterable<MatrixShape>; subgroupMinSize?: number; subgroupMaxSize?: number };

/** With Dawn's experiments, which subgroup matrices still are. */
export async function bareAdapter(): Promise<GPUAdapter | undefined> {
  return (await (await nodeGpu(true, true))?.requestAdapter({ powerPreference: 'high-performance' })) ?? undefined;
}

/** Shapes of the adapter's matrix units, where it tells them. */
export function matrixShapes({ info }: { readonly info: GPUAdapterInfo }): MatrixShape[] {
  const { subgroupMatrixConfigs = [] } = info as Info;
  return [...subgroupMatrixConfigs].map(({ componentType, resultComponentType, M, N, K }) => ({
    componentType,
    resultComponentType,
    M,
    N,
    K,
  }));
}

/** Invocations of a subgroup, least and most, where the adapter tells. */
export function subgroupSizes({ info }: { readonly info: GPUAdapterInfo }): readonly [number, number] | null {
  const { subgroupMinSize, subgroupMaxSize } = info as Info;
  return subgroupMinSize && subgroupMaxSize ? [subgroupMinSize, subgroupMaxSize] : null;
}

export class BareDevice {
  readonly device: GPUDevice;
  readonly adapter: GPUAdapter;
  /** Milliseconds that a measured pass should take at least. */
  private readonly targetMs: number;
  private readonly queries: GPUQuerySet | undefined;

  private constructor(adapter: GPUAdapter, device: GPUDevice, targetMs: number) {
    this.adapter = adapter;
    this.device = device;
    this.targetMs = targetMs;
    if (device.features.has('timestamp-query')) this.queries = device.createQuerySet({ type: 'timestamp', count: 2 });
  }

  static async open(adapter: GPUAdapter, targetMs: number): Promise<BareDevice> {
    const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
    const device = await adapter.requestDevice({
      requiredFeatures: FEATURES.filter((feature) => adapter.features.has(feature)) as GPUFeatureName[],
      requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
    });
    return new BareDevice(adapter, device, targetMs);
  }

  get timedBy(): 'timestamps' | 'wall clock' {
    return this.queries ? 'timestamps' : 'wall clock';
  }

  /** The largest buffer that a program may bind, within `most`. */
  bindable(most: number): number {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.device.limits;
    return Math.min(most, maxBufferSize, maxStorageBufferBindingSize);
  }

  /** The median of reads of four bytes that wait for nothing else, in ms. */
  async readMs(): Promise<number> {
    const from = this.buffer(4);
    const times: number[] = [];
    for (let i = 0; i < READS; i++) {
      const started = performance.now();
      await this.read(from, 4);
      times.push(performance.now() - started);
    }
    from.destroy();
    return quantile(times, 0.5);
  }

  /** Work a second, from as many dispatches as take long enough for the submit not to count. Rejects where the program does not run. */
  async rate({ code, bytes, groups, work }: Program): Promise<number> {
    return this.checked(async () => {
      const pipeline = await this.compile(code);
      const buffers = bytes.map((size) => this.buffer(size));
      try {
        for (const buffer of buffers.slice(0, -1)) await this.fill(buffer);
        const bound = this.bind(pipeline, buffers);
        await this.seconds(pipeline, bound, groups, 1); // the first is slower
        let dispatches = 1;
        while (dispatches < MOST_DISPATCHES && (await this.seconds(pipeline, bound, groups, dispatches)) * 1000 < this.targetMs) {
          dispatches *= 2;
        }
        const passes: number[] = [];
        for (let i = 0; i < PASSES; i++) passes.push(await this.seconds(pipeline, bound, groups, dispatches));
        return (work * dispatches) / Math.min(...passes);
      } finally {
        for (const buffer of buffers) buffer.destroy();
      }
    });
  }

  /** What a program makes of inputs: the words of its last buffer. */
  async answer(code: string, inputs: readonly Uint8Array<ArrayBuffer>[], bytes: number): Promise<Int32Array> {
    return this.checked(async () => {
      const pipeline = await this.compile(code);
      const buffers = [...inputs.map(({ byteLength }) => byteLength), bytes].map((size) => this.buffer(size));
      try {
        for (const [i, input] of inputs.entries()) this.device.queue.writeBuffer(buffers[i]!, 0, input);
        this.submit(pipeline, this.bind(pipeline, buffers), [1, 1], 1);
        return new Int32Array(await this.read(buffers.at(-1)!, bytes));
      } finally {
        for (const buffer of buffers) buffer.destroy();
      }
    });
  }

  close(): void {
    this.device.destroy();
  }

  /** Rejects with what the device complained of meanwhile. */
  private async checked<T>(work: () => Promise<T>): Promise<T> {
    const scopes = ['validation', 'out-of-memory', 'internal'] as const;
    for (const scope of scopes) this.device.pushErrorScope(scope);
    const outcome = await work().then(
      (value) => ({ value }),
      (error: Error) => ({ error }),
    );
    const errors = await Promise.all(scopes.map(() => this.device.popErrorScope()));
    const complaint = errors.find((error) => error !== null);
    if (complaint) throw new Error(complaint.message);
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  private buffer(size: number): GPUBuffer {
    return this.device.createBuffer({ size, usage: USAGE.storage | USAGE.copySrc | USAGE.copyDst });
  }

  private compile(code: string): Promise<GPUComputePipeline> {
    return this.device.createComputePipelineAsync({
      layout: 'auto',
      compute: { module: this.device.createShaderModule({ code }), entryPoint: 'main' },
    });
  }

  private bind(pipeline: GPUComputePipeline, buffers: readonly GPUBuffer[]): GPUBindGroup {
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    return this.device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  }

  /** Bits without a pattern, for zeros are computed with less power, and so faster. As floats they are all below 1. */
  private async fill(buffer: GPUBuffer): Promise<void> {
    const pipeline = await this.compile(FILL);
    this.submit(pipeline, this.bind(pipeline, [buffer]), [FILL_GROUPS, 1], 1);
  }

  private async seconds(pipeline: GPUComputePipeline, bound: GPUBindGroup, groups: Program['groups'], dispatches: number): Promise<number> {
    const started = performance.now();
    const times = this.submit(pipeline, bound, groups, dispatches);
    await this.device.queue.onSubmittedWorkDone();
    const wall = (performance.now() - started) / 1000;
    if (!times) return wall;
    const [begin, end] = new BigUint64Array(await this.read(times, 16));
    times.destroy();
    const seconds = Number(end! - begin!) / 1e9;
    return seconds > 0 ? seconds : wall; // some software drivers tell no times
  }

  /** Runs the dispatches one after another; the buffer of their first and last moment, where the device tells. */
  private submit(pipeline: GPUComputePipeline, bound: GPUBindGroup, groups: Program['groups'], dispatches: number): GPUBuffer | undefined {
    const encoder = this.device.createCommandEncoder();
    const timed = this.queries && { querySet: this.queries, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
    const pass = encoder.beginComputePass(timed ? { timestampWrites: timed } : {});
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bound);
    for (let i = 0; i < dispatches; i++) pass.dispatchWorkgroups(...groups);
    pass.end();
    const times = timed && this.device.createBuffer({ size: 16, usage: USAGE.queryResolve | USAGE.copySrc });
    if (times) encoder.resolveQuerySet(timed.querySet, 0, 2, times, 0);
    this.device.queue.submit([encoder.finish()]);
    return times;
  }

  private async read(from: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
    const to = this.device.createBuffer({ size: bytes, usage: USAGE.mapRead | USAGE.copyDst });
    const encoder = this.device.createCommandEncoder();
    encoder.copyBufferToBuffer(from, 0, to, 0, bytes);
    this.device.queue.submit([encoder.finish()]);
    await to.mapAsync(USAGE.mapRead);
    const copied = to.getMappedRange().slice(0);
    to.destroy();
    return copied;
  }
}

const FILL_GROUPS = 1024;
const FILL = `
@group(0) @binding(0) var<storage, read_write> data: array<u32>;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  for (var i = id.x; i < arrayLength(&data); i += ${FILL_GROUPS * 256}u) {
    var bits = i * 747796405u + 2891336453u;
    bits = ((bits >> ((bits >> 28u) + 4u)) ^ bits) * 277803737u;
    data[i] = bits & 0xbf7fffffu;
  }
}`;
