/** One contract for all kernels: every engine writes the bits that the plain-TypeScript twin writes. */
import { afterAll, describe, expect, it } from 'vitest';
import type { Block } from '../../src/host/block.ts';
import { rangeOf } from '../../src/host/block.ts';
import type { Engine } from '../../src/host/engine.ts';
import { type BlocksOf, Recording } from '../../src/host/recording.ts';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';
import type { ArrayOf, Bindings, Dtype, Kernel, ParamsOf, TypedArray } from '../../src/kernels/kernel.ts';
import { featuresOf } from '../../src/kernels/wgsl.ts';
import { enginesHere, fasterGpus } from './engines.ts';

export interface KernelCase<B extends Bindings, P extends string> {
  readonly name: string;
  readonly params: ParamsOf<P>;
  /** Initial contents of every binding; outputs are given filled with a sentinel, so that unwritten slots show; scratch is zero. */
  readonly arrays: { readonly [K in keyof B]: ArrayOf[B[K]['dtype']] };
}

type Outputs = Record<string, TypedArray>;
type Access = Bindings[string]['access'];

/** Runs `kernel` over the case on `engine` and returns what it wrote, or what bindings of another access hold after it. */
export async function runKernel<B extends Bindings, P extends string>(
  engine: Engine,
  kernel: Kernel<B, P>,
  { params, arrays }: KernelCase<B, P>,
  wanted: readonly Access[] = ['write'],
): Promise<Outputs> {
  const blocks: Record<string, Block> = {};
  for (const [name, { dtype }] of Object.entries(kernel.bindings)) {
    blocks[name] = await engine.alloc<Dtype>(dtype, arrays[name]!.length, name);
    engine.write(blocks[name], arrays[name]!);
  }
  await engine.run(new Recording().dispatch(kernel, blocks as BlocksOf<B>, params));
  const written = Object.entries(kernel.bindings).filter(([, { access }]) => wanted.includes(access));
  const results = await engine.read(written.map(([name]) => rangeOf(blocks[name]!)));
  const outputs = Object.fromEntries(written.map(([name], i) => [name, results[i]!.slice() as TypedArray]));
  for (const block of Object.values(blocks)) block[Symbol.dispose]();
  return outputs;
}

/**
 * Compares bit by bit, after `normalise` has put outputs whose order is free into one. What a kernel reads it
 * leaves as it was; of scratch, slots are given back, and no more of them are touched than there are threads.
 */
export function kernelContract<B extends Bindings, P extends string>(
  kernel: Kernel<B, P>,
  cases: readonly KernelCase<B, P>[],
  normalise: (outputs: Outputs) => Outputs = (outputs) => outputs,
): void {
  describe(kernel.name, async () => {
    const reference = new ReferenceEngine();
    const engines = [...(await enginesHere({ subgroups: false })), ...(await fasterGpus(featuresOf(kernel.name)))];
    for (const { name, open } of engines) {
      if (name === 'reference' || (name.startsWith('gpu') ? !kernel.plan : kernel.deviceOnly)) continue;
      describe(name, () => {
        const engine = open();
        afterAll(async () => (await engine).close());
        for (const one of cases) {
          it(one.name, async () => {
            const expected = normalise(await runKernel(reference, kernel, one));
            const opened = await engine;
            const after = await runKernel(opened, kernel, one, ['read', 'write', 'scratch']);
            const actual = normalise(after);
            for (const [output, array] of Object.entries(expected)) expectSameBits(actual[output]!, array, output);
            expectRestInOrder(kernel, one, after, opened.info.threads);
            expect(opened.info.notes.filter((note) => note.includes(kernel.name))).toEqual([]); // no plain functions in the place of faster ones
          });
        }
      });
    }
  });
}

/** What was read is as it was, and scratch was given back. */
function expectRestInOrder<B extends Bindings, P extends string>(
  kernel: Kernel<B, P>,
  { arrays, params }: KernelCase<B, P>,
  after: Outputs,
  threads: number,
): void {
  for (const [binding, { access }] of Object.entries(kernel.bindings)) {
    if (access === 'read') expectSameBits(after[binding]!, arrays[binding]!, `${binding}, which is read only:`);
    if (access === 'scratch') expectSlotsGivenBack(after[binding]!, params, threads);
  }
}

/** Scratch is `slots` times `slotWords`, a lock in the first word of each slot (src/kernels/simd/assembly/slots.ts). */
function expectSlotsGivenBack(scratch: TypedArray, params: Readonly<Record<string, number>>, threads: number): void {
  const slotWords = params.slotWords!;
  expect(scratch.length, 'words of scratch').toBe(params.slots! * slotWords);
  for (let at = 0; at < scratch.length; at += slotWords) expect(scratch[at], `lock of slot ${at / slotWords}`).toBe(0);
  const touched = scratch.subarray(threads * slotWords).findIndex((word) => word !== 0);
  expect(touched, 'word touched behind the slots of all threads').toBe(-1);
}

export function expectSameBits(actual: TypedArray, expected: TypedArray, what: string): void {
  expect(actual.length, what).toBe(expected.length);
  const a = new Uint8Array(actual.buffer, actual.byteOffset, actual.byteLength);
  const b = new Uint8Array(expected.buffer, expected.byteOffset, expected.byteLength);
  const width = expected.BYTES_PER_ELEMENT;
  const at = b.findIndex((byte, i) => byte !== a[i]);
  if (at < 0) return;
  const i = Math.floor(at / width);
  expect.fail(`${what}[${i}] is ${actual[i]}, the twin says ${expected[i]}`);
}
