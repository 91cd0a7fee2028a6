/** Stands in for tests/contract/kernel.ts in the page: collects the kernel tests' cases, and runs them on engines. */
import type { BlockRange } from '../../../src/host/block.ts';
import type { Engine } from '../../../src/host/engine.ts';
import { ReferenceEngine } from '../../../src/host/reference-engine.ts';
import type { Bindings, Kernel, TypedArray } from '../../../src/kernels/kernel.ts';
import { featuresOf } from '../../../src/kernels/wgsl.ts';
import { type KernelCase, runKernel } from '../../contract/kernel.ts';

type Outputs = Record<string, TypedArray>;
type Normalise = (outputs: Outputs) => Outputs;

interface Collected {
  readonly kernel: Kernel;
  readonly one: KernelCase<Bindings, string>;
  readonly normalise: Normalise;
}

const collected: Collected[] = [];

export function kernelContract<B extends Bindings, P extends string>(
  kernel: Kernel<B, P>,
  cases: readonly KernelCase<B, P>[],
  normalise: Normalise = (outputs) => outputs,
): void {
  for (const one of cases) collected.push({ kernel, one, normalise } as unknown as Collected);
}

/** The cases of one kernel that were collected so far. */
export function casesOf<B extends Bindings, P extends string>(kernel: Kernel<B, P>): { one: KernelCase<B, P>; normalise: Normalise }[] {
  return collected.filter((found) => found.kernel === (kernel as unknown)) as unknown as { one: KernelCase<B, P>; normalise: Normalise }[];
}

export interface KernelReport {
  readonly kernel: string;
  readonly engine: string;
  readonly cases: number;
  readonly arrays: number;
  /** Arrays that differ from the twin's, each with its case and first place. */
  readonly different: readonly string[];
}

/** The twins with the first bit of everything read back turned over: shows that the comparison sees one bit. */
export class FaultyEngine extends ReferenceEngine {
  override async read<const R extends readonly BlockRange[]>(ranges: R) {
    const arrays = await super.read(ranges);
    for (const { buffer } of arrays as readonly TypedArray[]) if (buffer.byteLength > 0) new Uint8Array(buffer)[0]! ^= 1;
    return arrays;
  }
}

/** Runs every collected case on every engine that has the kernel, and compares bit by bit with the twin. */
export async function runCollected(engines: ReadonlyMap<string, Engine>): Promise<KernelReport[]> {
  const reference = new ReferenceEngine();
  const reports = new Map<string, { kernel: string; engine: string; cases: number; arrays: number; different: string[] }>();
  for (const { kernel, one, normalise } of collected) {
    const expected = normalise(await runKernel(reference, kernel, one));
    for (const [name, engine] of engines) {
      if (!isToRun(kernel, name, engine)) continue;
      const key = `${kernel.name} on ${name}`;
      const report = reports.get(key) ?? { kernel: kernel.name, engine: name, cases: 0, arrays: 0, different: [] };
      reports.set(key, report);
      const actual = normalise(await runKernel(engine, kernel, one));
      report.cases++;
      report.different.push(...engine.info.notes.filter((note) => note.includes(kernel.name))); // plain functions in the place of faster ones
      for (const [output, array] of Object.entries(expected)) {
        report.arrays++;
        const at = firstDifference(actual[output]!, array);
        if (at >= 0) report.different.push(`${one.name}: ${output}[${at}] is ${actual[output]![at]}, the twin says ${array[at]}`);
      }
    }
  }
  return [...reports.values()];
}

/** Kernels without functions for subgroups are the same with them as on 'gpu'. */
function isToRun({ name, plan, deviceOnly }: Kernel, engineName: string, { kind }: Engine): boolean {
  if (engineName === 'gpu, subgroups') return featuresOf(name).includes('subgroups');
  return kind === 'gpu' ? plan !== undefined : !(deviceOnly && kind === 'cpu');
}

/** The first element whose bits differ, −1 where all are equal; arrays of another length differ at its end. */
function firstDifference(actual: TypedArray, expected: TypedArray): number {
  if (actual.length !== expected.length) return Math.min(actual.length, expected.length);
  const a = new Uint8Array(actual.buffer, actual.byteOffset, actual.byteLength);
  const b = new Uint8Array(expected.buffer, expected.byteOffset, expected.byteLength);
  const at = b.findIndex((byte, i) => byte !== a[i]);
  return at < 0 ? -1 : Math.floor(at / expected.BYTES_PER_ELEMENT);
}
