/** One contract for all kernels: every engine writes the bits that the plain-TypeScript twin writes. */
import { afterAll, describe, expect, it } from 'vitest';
import type { Block } from '../../src/host/block.ts';
import { rangeOf } from '../../src/host/block.ts';
import type { Engine } from '../../src/host/engine.ts';
import { type BlocksOf, Recording } from '../../src/host/recording.ts';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';
import type { ArrayOf, Bindings, Dtype, Kernel, ParamsOf, TypedArray } from '../../src/kernels/kernel.ts';
import { enginesHere } from './engines.ts';

export interface KernelCase<B extends Bindings, P extends string> {
  readonly name: string;
  readonly params: ParamsOf<P>;
  /** Initial contents of every binding; outputs are given filled with a sentinel, so that unwritten slots show. */
  readonly arrays: { readonly [K in keyof B]: ArrayOf[B[K]['dtype']] };
}

type Outputs = Record<string, TypedArray>;

/** Runs `kernel` over the case on `engine` and returns what it wrote. */
export async function runKernel<B extends Bindings, P extends string>(
  engine: Engine,
  kernel: Kernel<B, P>,
  { params, arrays }: KernelCase<B, P>,
): Promise<Outputs> {
  const blocks: Record<string, Block> = {};
  for (const [name, { dtype }] of Object.entries(kernel.bindings)) {
    blocks[name] = await engine.alloc<Dtype>(dtype, arrays[name]!.length, name);
    engine.write(blocks[name], arrays[name]!);
  }
  await engine.run(new Recording().dispatch(kernel, blocks as BlocksOf<B>, params));
  const written = Object.entries(kernel.bindings).filter(([, { access }]) => access === 'write');
  const results = await engine.read(written.map(([name]) => rangeOf(blocks[name]!)));
  const outputs = Object.fromEntries(written.map(([name], i) => [name, results[i]!.slice() as TypedArray]));
  for (const block of Object.values(blocks)) block[Symbol.dispose]();
  return outputs;
}

/** Compares bit by bit, after `normalise` has put outputs whose order is free into one. */
export function kernelContract<B extends Bindings, P extends string>(
  kernel: Kernel<B, P>,
  cases: readonly KernelCase<B, P>[],
  normalise: (outputs: Outputs) => Outputs = (outputs) => outputs,
): void {
  describe(kernel.name, async () => {
    const reference = new ReferenceEngine();
    for (const { name, open } of await enginesHere()) {
      if (name === 'reference' || (name === 'gpu' && !kernel.plan)) continue;
      describe(name, () => {
        const engine = open();
        afterAll(async () => (await engine).close());
        for (const one of cases) {
          it(one.name, async () => {
            const expected = normalise(await runKernel(reference, kernel, one));
            const actual = normalise(await runKernel(await engine, kernel, one));
            for (const [output, array] of Object.entries(expected)) expectSameBits(actual[output]!, array, output);
          });
        }
      });
    }
  });
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
