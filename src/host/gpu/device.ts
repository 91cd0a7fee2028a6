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
  /** Whether kernels may use 8-bit matrices of subgroups, where the adapter has them and they compute as they should. Default false. */
  readonly subgroupMatrices?: boolean | undefined;
}

export interface GpuDevice {
  readonly device: GPUDevice;
  readonly adapter: AdapterInfo;
  readonly limits: Limits & { readonly maxStorageBufferBindingSize: number; readonly maxBufferSize: number };
  readonly allLimits: Readonly<Record<string, number>>;
  readonly features: readonly string[];
  /** What was asked for and is not there. */
  readonly notes: readonly string[];
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
  const wanted = wantedOf(adapter, info, request);
  const features = wanted.filter((feature) => adapter.features.has(feature)).sort();
  const notes = request.subgroupMatrices && !features.includes(MATRICES) ? ['the GPU has no 8-bit matrices that kernels could use'] : [];
  const device = await adapter.requestDevice({
    label: 'isodex',
    requiredFeatures: features as GPUFeatureName[],
    ...(request.defaultLimits ? {} : { requiredLimits: allLimits }),
  });
  return { device, adapter: info, limits: device.limits, allLimits: limitsOf(device.limits), features, notes };
}

/** An experiment of Dawn's; it needs subgroups. */
const MATRICES = 'chromium-experimental-subgroup-matrix';

/** Features to ask for where they exist; the rest is left alone. */
function wantedOf({ info }: GPUAdapter, { software }: AdapterInfo, { subgroups, subgroupMatrices }: GpuRequest): string[] {
  const wanted = ['timestamp-query'];
  if (subgroups ?? (subgroupMatrices || !software)) wanted.push('subgroups');
  if (subgroupMatrices && subgroups !== false && hasMatrices(info)) wanted.push(MATRICES);
  return wanted;
}

interface MatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** Products of 16 × 16 and 32 deep by subgroups of 32: what shaders/chromium-experimental-subgroup-matrix is made of. */
function hasMatrices(info: GPUAdapterInfo): boolean {
  const {
    subgroupMinSize,
    subgroupMaxSize,
    subgroupMatrixConfigs = [],
  } = info as Partial<GPUAdapterInfo> & {
    readonly subgroupMatrixConfigs?: Iterable<MatrixConfig>;
  };
  const fits = ({ componentType, resultComponentType, M, N, K }: MatrixConfig) =>
    componentType === 'i8' && resultComponentType === 'i32' && M === 16 && N === 16 && K === 32;
  return subgroupMinSize === 32 && subgroupMaxSize === 32 && [...subgroupMatrixConfigs].some(fits);
}

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
