/** The programs that measure devices: that they compute what they claim to, or compile at least where no unit is here. */
import { afterAll, describe, expect, it } from 'vitest';
import { BareDevice, bareAdapter, matrixShapes } from '../../bench/gpu/device.ts';
import { heldMatrices, integerShape, probe, readMatrices, unitOf } from '../../bench/gpu/matrix-programs.ts';
import { gathered, streamed, tiledProduct } from '../../bench/gpu/programs.ts';
import { createDawn } from '../../src/host/gpu/dawn.ts';
import { findGpu } from '../contract/engines.ts';

const here = await findGpu(); // finds the driver that the bench's own device then has
const adapter = here && (await bareAdapter());
const device = adapter && (await BareDevice.open(adapter, 1));
afterAll(() => device?.close());

const bytes = (values: Int8Array | Float32Array | Uint32Array) => new Uint8Array(values.buffer as ArrayBuffer);

describe.skipIf(!device)('a plain tiled product', () => {
  it.each([4, 8] as const)('of 8-bit integers finds the least of all sums, with %i rows and columns for each thread', async (perThread) => {
    const dim = 64;
    const shape = { values: 'i8', perThread, dim, tiles: [1, 1] } as const;
    const { code, bytes: sizes, work } = tiledProduct(shape);
    const side = 16 * perThread;
    expect(work).toBe(side * side * dim);
    const [left, right] = [3, 7].map((factor) => Int8Array.from({ length: side * dim }, (_, i) => (i * i * factor) % 256));
    // panels lie word by word: word w of row r at w · side + r
    const at = (row: number, i: number) => 4 * ((i >> 2) * side + row) + (i & 3);
    let least = Infinity;
    for (let a = 0; a < side; a++) {
      for (let b = 0; b < side; b++) {
        let sum = 0;
        for (let i = 0; i < dim; i++) sum += left![at(a, i)]! * right![at(b, i)]!;
        least = Math.min(least, sum);
      }
    }
    const answer = await device!.answer(code, [bytes(left!), bytes(right!)], sizes.at(-1)!);
    expect(Math.min(...answer.subarray(0, 256))).toBe(least);
  });

  it('of floats does too', async () => {
    const { code, bytes: sizes } = tiledProduct({ values: 'f32', perThread: 4, dim: 16, tiles: [1, 1] });
    const side = 64;
    const left = Float32Array.from({ length: side * 16 }, (_, i) => (i % 13) - 6);
    const right = Float32Array.from({ length: side * 16 }, (_, i) => (i % 11) - 5);
    let least = Infinity;
    for (let a = 0; a < side; a++) {
      for (let b = 0; b < side; b++) {
        let sum = 0;
        for (let i = 0; i < 16; i++) sum += left[i * side + a]! * right[i * side + b]!;
        least = Math.min(least, sum);
      }
    }
    const answer = await device!.answer(code, [bytes(left), bytes(right)], sizes.at(-1)!);
    expect(Math.min(...new Float32Array(answer.buffer, 0, 256))).toBe(least);
  });

  it('tells what a device complains of', async () => {
    await expect(device!.answer('this is no WGSL', [], 4)).rejects.toThrow();
    await expect(device!.rate({ code: 'nor is this', bytes: [4], groups: [1, 1], work: 1 })).rejects.toThrow();
    if (!integerShape(matrixShapes(adapter!))) expect(() => unitOf(device!)).toThrow(/subgroup matrices|8-bit integer matrices/);
  });
});

describe.skipIf(!device)('reads', () => {
  it('in order touch each word of the buffer once', async () => {
    const { code, bytes: sizes, work } = streamed(2 ** 20, 4);
    expect([work, sizes[0]]).toEqual([2 ** 20, 2 ** 20]);
    const data = Uint32Array.from({ length: 2 ** 18 }, (_, i) => Math.imul(i, 2654435761));
    // one group alone: 256 threads, each of whose vectors lie four groups apart
    const answer = await device!.answer(code, [bytes(data)], sizes[1]!);
    const wanted = Int32Array.from({ length: 256 }, (_, thread) => {
      let sum = 0;
      for (let at = thread; at < 2 ** 16; at += 4 * 256) for (let i = 0; i < 4; i++) sum ^= data[4 * at + i]!;
      return sum;
    });
    expect(answer.subarray(0, 256)).toEqual(wanted);
  });

  it('of rows stay within the buffer and count what they read', () => {
    const { bytes: sizes, groups, work } = gathered(2 ** 20, 192, 4, 2);
    expect(sizes[0]).toBe(4096 * 192);
    expect([groups, work]).toEqual([[4, 1], 4 * 16 * 2 * 4 * 192]);
  });
});

describe('integer matrices', () => {
  const shape = { componentType: 'i8', resultComponentType: 'i32', M: 16, N: 16, K: 32 };

  it('of the largest shape with sums of 32 bits are taken', () => {
    const small = { ...shape, N: 8 };
    expect(integerShape([small, shape, { ...shape, componentType: 'f16', K: 64 }, { ...shape, componentType: 'u8', K: 64 }])).toBe(shape);
    expect(integerShape([])).toBeUndefined();
  });

  it('compile', async ({ skip }) => {
    const gpu = await createDawn(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
    const nothing = await gpu?.requestAdapter();
    const features = ['subgroups', 'chromium-experimental-subgroup-matrix'] as GPUFeatureName[];
    if (!nothing || !features.every((feature) => nothing.features.has(feature))) return skip('Dawn is not here, or knows no such matrices');
    const compiler = await nothing.requestDevice({ requiredFeatures: features });
    const { subgroupMaxSize } = nothing.info as GPUAdapterInfo & { subgroupMaxSize: number };
    for (const reading of [{ bytesOfUnit: 1 }, { bytesOfUnit: 4 }] as const) {
      const programs = [heldMatrices(shape, reading, subgroupMaxSize, 4), readMatrices(shape, reading, subgroupMaxSize, 2, 256)];
      for (const code of [probe(shape, reading, subgroupMaxSize), ...programs.map((program) => program.code)]) {
        const module = compiler.createShaderModule({ code });
        await compiler.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
        expect((await module.getCompilationInfo()).messages).toEqual([]);
      }
    }
    compiler.destroy();
  });
});
