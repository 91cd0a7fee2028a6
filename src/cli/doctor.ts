import type { EngineInfo } from '../node.ts';
import type { Drivers } from './drivers.ts';
import { examine, type Findings } from './findings.ts';
import { findMissing, type Missing } from './missing.ts';
import type { Task } from './perform.ts';
import { formatBytes, formatFacts } from './table.ts';

/** Limits that decide how Isodex divides its work. */
const KEY_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
] as const;

export async function doctor({ json }: { json?: boolean }, task: Task): Promise<undefined> {
  const findings = await examine(task);
  const missing = findMissing(findings);
  console.log(json ? JSON.stringify({ ...findings, missing }, undefined, 2) : describe(findings, missing));
  return undefined;
}

function describe(findings: Findings, missing: readonly Missing[]): string {
  const { wasm, webgpu, memory, drivers } = findings;
  const yes = (is: boolean) => (is ? 'yes' : 'no');
  const facts: [string, string][] = [
    ['isodex', findings.isodex],
    ['node', `${findings.node} on ${findings.platform}`],
    ['processor', `${findings.processor}, ${findings.cores} ${findings.cores === 1 ? 'core' : 'cores'}`],
    ['memory', `${formatBytes(memory.total)}, ${formatBytes(memory.free)} free`],
    ['WASM', `SIMD ${yes(wasm.simd)}, relaxed SIMD ${yes(wasm.relaxedSimd)}, threads ${yes(wasm.threads)}`],
    ['webgpu', webgpu.version ?? `not usable: ${webgpu.problem}`],
  ];
  if (drivers) facts.push(['Vulkan', describeDrivers(drivers)]);
  if (findings.adapters.length === 0) facts.push(['adapter', `none${findings.noAdapter ? `: ${findings.noAdapter}` : ''}`]);
  for (const adapter of findings.adapters) facts.push(...describeAdapter(adapter));
  return [formatFacts(facts), '', ...describeMissing(missing)].join('\n');
}

function describeDrivers({ loader, devices, manifests, software }: Drivers): string {
  const names = manifests.map((path) => path.replace(/^.*\//, '').replace(/(_icd)?(\.[\w-]+)?\.json$/, ''));
  return [
    loader ? 'loader found' : 'no loader (libvulkan.so.1)',
    devices.length > 0 ? `devices ${devices.join(', ')}` : 'no GPU device in /dev',
    names.length > 0 ? `drivers ${names.join(', ')}` : 'no drivers',
    software ? 'SwiftShader found' : 'no SwiftShader',
  ].join('; ');
}

function describeAdapter({ description, adapter, limits, features }: EngineInfo): [string, string][] {
  const sizes = KEY_LIMITS.flatMap((name) => {
    const value = limits?.[name];
    if (value === undefined) return [];
    return [[`  ${name}`, /Size$/.test(name) ? formatBytes(value) : String(value)] as [string, string]];
  });
  return [
    ['adapter', description],
    ['  vendor', adapter?.vendor || 'unknown'],
    ['  device', adapter?.device || 'unknown'],
    ['  driver', adapter?.description || 'unknown'],
    ['  features', features.join(', ') || 'none that Isodex uses'],
    ...sizes,
  ];
}

function describeMissing(missing: readonly Missing[]): string[] {
  if (missing.length === 0) return ['Nothing is missing.'];
  return missing.flatMap(({ what, why, command }) => [`Missing: ${what}. ${why}`, ...(command ? [`  ${command}`] : [])]);
}
