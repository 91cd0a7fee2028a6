/** Parameters over a grid wide enough to make a kernel's plan give every set of constants that it can give. */
import type { Kernel, Limits, ParamsOf, Plan } from '../../src/kernels/kernel.ts';
import { randomFrom } from '../contract/data.ts';

const SIZES = [
  1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 256, 257, 512, 784, 1000, 1024, 4096, 65_536, 1_000_000,
];

/** WebGPU's defaults, and a large desktop device. */
export const LIMITS: readonly Limits[] = [
  { maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupsPerDimension: 65_535, maxComputeWorkgroupStorageSize: 16_384 },
  { maxComputeInvocationsPerWorkgroup: 1024, maxComputeWorkgroupsPerDimension: 65_535, maxComputeWorkgroupStorageSize: 49_152 },
];

/** Each parameter over its whole range with the others small and large, then random mixtures. */
function* paramSets(names: readonly string[]): Generator<ParamsOf<string>> {
  const all = (value: number) => Object.fromEntries(names.map((name) => [name, value]));
  const queries = Array.from({ length: 1000 }, (_, i) => i + 1);
  for (const rest of [1, 8, 300]) {
    for (const name of names)
      for (const value of name === 'nq' ? queries : [0, ...SIZES]) yield { ...all(rest), ...atLeastOne({ [name]: value }) };
  }
  const random = randomFrom(11);
  for (let i = 0; i < 2000; i++) {
    yield Object.fromEntries(names.map((name) => [name, name === 'nq' ? random.int(1, 1000) : SIZES[random.int(0, SIZES.length - 1)]!]));
  }
}

/** Calls with nothing to do are turned away before a kernel is planned; lists and flags may be empty or 0. */
function atLeastOne(params: Record<string, number>): Record<string, number> {
  const counts = ['nq', 'm', 'n', 'k', 'words', 'width', 'dim', 'step'];
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, counts.includes(name) ? Math.max(1, value) : value]));
}

export interface Planned {
  readonly params: ParamsOf<string>;
  readonly limits: Limits;
  readonly plan: Plan;
}

/** Every plan of the grid. */
export function* plansOf(kernel: Kernel): Generator<Planned> {
  for (const limits of LIMITS) {
    for (const params of paramSets(kernel.params)) yield { params, limits, plan: kernel.plan!(params, limits) };
  }
}

/** One plan for each set of constants. */
export function distinctPlans(kernel: Kernel): Planned[] {
  const byConstants = new Map<string, Planned>();
  for (const one of plansOf(kernel)) {
    const key = JSON.stringify(one.plan.constants);
    if (!byConstants.has(key)) byConstants.set(key, one);
  }
  return [...byConstants.values()];
}
