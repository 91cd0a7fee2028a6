/** What a device does apart from any index: read-backs, and 8-bit multiply-adds out of registers. */
import type { DeviceRates } from './report.ts';

/** Sixteen chains of sums for each thread, so that no multiply waits for the one before. */
const DOT4 = `
@group(0) @binding(0) var<storage, read_write> out: array<i32>;
@group(0) @binding(1) var<uniform> params: vec4u;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u) {
  var a = vec4i(i32(id.x)); var b = vec4i(1); var c = vec4i(2); var d = vec4i(3);
  var x = vec4u(id.x, id.x * 3u, id.x * 5u, id.x * 7u);
  for (var i = 0u; i < params.x; i++) {
    let y = x ^ vec4u(i);
    a += vec4i(dot4I8Packed(x.x, y.x), dot4I8Packed(x.y, y.y), dot4I8Packed(x.z, y.z), dot4I8Packed(x.w, y.w));
    b += vec4i(dot4I8Packed(x.x, y.y), dot4I8Packed(x.y, y.z), dot4I8Packed(x.z, y.w), dot4I8Packed(x.w, y.x));
    c += vec4i(dot4I8Packed(x.x, y.z), dot4I8Packed(x.y, y.w), dot4I8Packed(x.z, y.x), dot4I8Packed(x.w, y.y));
    d += vec4i(dot4I8Packed(x.x, y.w), dot4I8Packed(x.y, y.x), dot4I8Packed(x.z, y.y), dot4I8Packed(x.w, y.z));
  }
  let sum = a + b + c + d;
  out[id.x & 1023u] = sum.x + sum.y + sum.z + sum.w;
}`;
const TERMS_A_STEP = 16 * 4;
const GROUPS = 4096;
const THREADS = 256;
const READS = 30;
/** Milliseconds that a measured dispatch should take. */
const TARGET_MS = 50;

/** What adapters call themselves alike in both: kept, since what `create` returns must stay reachable while a device lives. */
let gpu: GPU | undefined;

async function adapterHere(): Promise<GPUAdapter | null> {
  const { create } = await import('webgpu');
  gpu ??= create(['enable-dawn-features=allow_unsafe_apis']);
  return gpu.requestAdapter({ powerPreference: 'high-performance' });
}

/** Shapes of the adapter's matrix units, where it tells them. */
export async function subgroupMatrices(): Promise<object[]> {
  const adapter = await adapterHere();
  const { subgroupMatrixConfigs = [] } = (adapter?.info ?? {}) as { subgroupMatrixConfigs?: Iterable<object> };
  return [...subgroupMatrixConfigs].map((one) => ({ ...one }));
}

export async function deviceRates(): Promise<DeviceRates | null> {
  const adapter = await adapterHere();
  if (!adapter) return null;
  const device = await adapter.requestDevice();
  try {
    return { readMs: await readMs(device), dot4PerSecond: await dot4PerSecond(device) };
  } finally {
    device.destroy();
  }
}

/** The median of reads that wait for nothing else. */
async function readMs(device: GPUDevice): Promise<number> {
  const from = device.createBuffer({ size: 4, usage: 0x0004 | 0x0008 }); // COPY_SRC | COPY_DST
  const to = device.createBuffer({ size: 4, usage: 0x0001 | 0x0008 }); // MAP_READ | COPY_DST
  const times: number[] = [];
  for (let i = 0; i < READS; i++) {
    const started = performance.now();
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(from, 0, to, 0, 4);
    device.queue.submit([encoder.finish()]);
    await to.mapAsync(1);
    to.unmap();
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[READS >> 1]!;
}

/** With as many steps as take long enough for the submit not to count. */
async function dot4PerSecond(device: GPUDevice): Promise<number> {
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code: DOT4 }), entryPoint: 'main' },
  });
  const out = device.createBuffer({ size: 4096, usage: 0x0080 }); // STORAGE
  const params = device.createBuffer({ size: 16, usage: 0x0040 | 0x0008 }); // UNIFORM | COPY_DST
  const bound = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [out, params].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const run = async (steps: number) => {
    device.queue.writeBuffer(params, 0, new Uint32Array([steps, 0, 0, 0]));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bound);
    pass.dispatchWorkgroups(GROUPS);
    pass.end();
    const started = performance.now();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return performance.now() - started;
  };
  let steps = 1;
  while (steps < 2 ** 16 && (await run(steps)) < TARGET_MS) steps *= 2;
  const times = [await run(steps), await run(steps), await run(steps)];
  return (GROUPS * THREADS * steps * TERMS_A_STEP) / (Math.min(...times) / 1000);
}
