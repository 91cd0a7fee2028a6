/** Tries WGSL for a kernel on a device, apart from all else that runs there, before it is used. */
import type { Kernel, Limits, Trial, TypedArray } from '../../kernels/kernel.ts';
import { roundUp } from '../../util/math.ts';
import { compile, moduleOf, type PreparedPipeline } from './compile.ts';

const USAGE = { mapRead: 0x0001, copySrc: 0x0004, copyDst: 0x0008, uniform: 0x0040, storage: 0x0080 };

type Written = Record<string, TypedArray>;

/** What keeps `code` from doing on this device, in all trials of the kernel, what the twin does; undefined where nothing does. */
export async function failureOf(device: GPUDevice, kernel: Kernel, code: string, limits: Limits): Promise<string | undefined> {
  try {
    return await complaining(device, () => difference(device, kernel, code, limits));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** All trials have the constants of the first. */
async function difference(device: GPUDevice, kernel: Kernel, code: string, limits: Limits): Promise<string | undefined> {
  const { inOrder, trials } = kernel.experiment!;
  const [first, ...others] = trials();
  const { constants, grid } = kernel.plan!(first!.params, limits);
  const pipeline = await compile(device, kernel, constants, moduleOf(device, kernel, code));
  for (const trial of [first!, ...others]) {
    const expected = inOrder(twinWrites(kernel, trial));
    const actual = inOrder(await deviceWrites(device, kernel, trial, { ...pipeline, grid }));
    if (String(actual) !== String(expected)) return 'it computes other numbers';
  }
  return undefined;
}

function twinWrites(kernel: Kernel, { params, arrays }: Trial): Written {
  const copies = Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.slice() as TypedArray]));
  kernel.twin(copies as never, params);
  return copies;
}

async function deviceWrites(
  device: GPUDevice,
  kernel: Kernel,
  { params, arrays }: Trial,
  { pipeline, layout, grid }: PreparedPipeline,
): Promise<Written> {
  const names = Object.keys(kernel.bindings);
  const inputs = [...names.map((name) => arrays[name]!), Uint32Array.from(kernel.params, (name) => params[name]!)];
  const buffers = inputs.map((array, i) => bufferOf(device, array, i < names.length ? USAGE.storage : USAGE.uniform));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout, entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })) }));
  pass.dispatchWorkgroups(...grid);
  pass.end();
  device.queue.submit([encoder.finish()]);
  const written: Written = {};
  for (const [i, [name, { access }]] of Object.entries(kernel.bindings).entries()) {
    if (access === 'write') written[name] = new Uint32Array(await readBack(device, buffers[i]!));
  }
  for (const buffer of buffers) buffer.destroy();
  return written;
}

function bufferOf(device: GPUDevice, array: TypedArray, usage: number): GPUBuffer {
  const buffer = device.createBuffer({ size: roundUp(array.byteLength, 16), usage: usage | USAGE.copyDst | USAGE.copySrc });
  device.queue.writeBuffer(buffer, 0, array as Uint32Array<ArrayBuffer>);
  return buffer;
}

async function readBack(device: GPUDevice, from: GPUBuffer): Promise<ArrayBuffer> {
  const to = device.createBuffer({ size: from.size, usage: USAGE.mapRead | USAGE.copyDst });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(from, 0, to, 0, from.size);
  device.queue.submit([encoder.finish()]);
  await to.mapAsync(USAGE.mapRead);
  const bytes = to.getMappedRange().slice(0);
  to.destroy();
  return bytes;
}

/** Rejects with what the device complained of meanwhile. */
async function complaining<T>(device: GPUDevice, work: () => Promise<T>): Promise<T> {
  const scopes = ['validation', 'out-of-memory', 'internal'] as const;
  for (const scope of scopes) device.pushErrorScope(scope);
  const outcome = await work().then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  const errors = await Promise.all(scopes.map(() => device.popErrorScope()));
  const complaint = errors.find((error) => error !== null);
  if (complaint) throw new Error(complaint.message);
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}
