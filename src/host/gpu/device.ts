import type { Limits } from '../../kernels/kernel.ts';
import { IsodexError } from '../../util/errors.ts';
import type { AdapterInfo } from '../engine.ts';

/** How a GPU is asked for. */
export interface GpuRequest {
  /** Part of an adapter's name ('nvidia', 'swiftshader'): another adapter is refused. */
  readonly adapter?: string | undefined;
  readonly powerPreference?: GPUPowerPreference | undefined;
  /** Ask for WebGPU's default limits instead of the adapter's: for tests of small devices. */
  readonly defaultLimits?: boolean | undefined;
  /** Whether kernels may use subgroup operations where the adapter has them. Default: unless the driver computes in software. */
  readonly subgroups?: boolean | undefined;
}

export interface GpuDevice {
  readonly device: GPUDevice;
  readonly adapter: AdapterInfo;
  readonly limits: Limits & { readonly maxStorageBufferBindingSize: number; readonly maxBufferSize: number };
  readonly allLimits: Readonly<Record<string, number>>;
  readonly features: readonly string[];
}

/** Opens a device with all that its adapter offers. Rejects with code 'unsupported' when there is none. */
export async function requestDevice(gpu: GPU, request: GpuRequest = {}): Promise<GpuDevice> {
  const adapter = await gpu.requestAdapter({ powerPreference: request.powerPreference ?? 'high-performance' });
  if (!adapter) throw new IsodexError('unsupported', 'WebGPU found no adapter (no GPU, or no Vulkan driver for it)');
  const info = describeAdapter(adapter);
  const name = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`;
  if (request.adapter && !name.toLowerCase().includes(request.adapter.toLowerCase())) {
    throw new IsodexError('unsupported', `adapter '${request.adapter}' was asked for, but the adapter is '${name.trim()}'`);
  }
  const allLimits = limitsOf(adapter.limits);
  const wanted = (request.subgroups ?? !info.software) ? ['subgroups', ...WANTED_FEATURES] : WANTED_FEATURES;
  const features = wanted.filter((feature) => adapter.features.has(feature)).sort();
  const device = await adapter.requestDevice({
    label: 'isodex',
    requiredFeatures: features as GPUFeatureName[],
    ...(request.defaultLimits ? {} : { requiredLimits: allLimits }),
  });
  return { device, adapter: info, limits: device.limits, allLimits: limitsOf(device.limits), features };
}

/** Features that are always asked for where they exist; the rest is left alone. */
const WANTED_FEATURES: readonly string[] = ['timestamp-query'];

function describeAdapter(adapter: GPUAdapter): AdapterInfo {
  const { vendor, architecture, device, description } = adapter.info;
  const name = `${vendor} ${architecture} ${device} ${description}`.toLowerCase();
  const software = /swiftshader|llvmpipe|lavapipe|microsoft basic render/.test(name) || adapter.info.isFallbackAdapter === true;
  return { vendor, architecture, device, description, software };
}

/** GPUSupportedLimits has its numbers on the prototype. */
function limitsOf(limits: GPUSupportedLimits): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name in limits) {
    const value = (limits as unknown as Record<string, unknown>)[name];
    if (typeof value === 'number') found[name] = value;
  }
  return found;
}
