import { readFileSync, statSync, symlinkSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { halvesToFloats } from '../../src/io/half.ts';
import { readLabels, readTruth } from '../../src/io/labels.ts';
import { openVectors, readVectors } from '../../src/io/vector-source.ts';
import { writeLabels, writeTruth, writeVectors } from '../../src/io/write.ts';
import { expectError, expected, fixture, Scratch } from './fixtures.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const seed = Number(process.env.ISODEX_TEST_SEED ?? Date.now() % 2 ** 31);
console.info(`tests/io/round-trip: seed ${seed} (set ISODEX_TEST_SEED to repeat)`);
const runs = { numRuns: 30, seed };

/** The bits of numbers, so that NaN, its payload and -0 count. */
function bits(values: Float32Array): number[] {
  return [...new Uint32Array(values.buffer, values.byteOffset, values.length)];
}

/** The bits of a file's numbers, read in batches; an array of numbers would not keep what kind of NaN it was. */
async function batchBits(path: string, rows: number): Promise<number[]> {
  const source = await openVectors(path);
  const found: number[] = [];
  for await (const batch of source.batches({ rows })) found.push(...bits(batch));
  await source.close();
  return found;
}

/** Matrices of integers of 32 bits or of bytes; 0 rows where the format can hold that. */
function matrices(leastRows: number, value: fc.Arbitrary<number>) {
  return fc
    .tuple(fc.integer({ min: leastRows, max: 40 }), fc.integer({ min: 1, max: 20 }))
    .chain(([rows, columns]) => fc.tuple(fc.constant(columns), fc.array(value, { minLength: rows * columns, maxLength: rows * columns })));
}

const anyBits = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constantFrom(0, 0x80000000, 0x7fc00001, 0x7f800000, 1));

describe('what is written is read', () => {
  it.each([
    ['.fvecs', 1],
    ['.fbin', 0],
    ['.npy', 0],
  ])('%s: any floats, bit by bit', async (extension, leastRows) => {
    const path = scratch.at(`x${extension}`);
    await fc.assert(
      fc.asyncProperty(matrices(leastRows, anyBits), fc.integer({ min: 1, max: 50 }), async ([columns, values], rows) => {
        const vectors = new Float32Array(Uint32Array.from(values).buffer);
        await writeVectors(path, vectors, columns);
        const found = await readVectors(path);
        expect([found.n, found.dim]).toEqual([vectors.length / columns, columns]);
        expect(bits(found.vectors)).toEqual(values);
        expect(await batchBits(path, rows)).toEqual(values);
      }),
      runs,
    );
  });

  it.each([
    ['.bvecs', 1, 0, 255],
    ['.u8bin', 0, 0, 255],
    ['.i8bin', 0, -128, 127],
  ])('%s: bytes', async (extension, leastRows, min, max) => {
    const path = scratch.at(`x${extension}`);
    await fc.assert(
      fc.asyncProperty(matrices(leastRows, fc.integer({ min, max })), async ([columns, values]) => {
        await writeVectors(path, Float32Array.from(values), columns);
        const found = await readVectors(path);
        expect(found.dim).toBe(columns);
        expect([...found.vectors]).toEqual(values);
      }),
      runs,
    );
  });

  it.each([
    ['.ivecs', 1],
    ['.ibin', 0],
    ['.npy', 0],
  ])('%s: labels', async (extension, leastRows) => {
    const path = scratch.at(`labels${extension}`);
    await fc.assert(
      fc.asyncProperty(matrices(leastRows, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })), async ([columns, values]) => {
        await writeLabels(path, Int32Array.from(values), columns);
        expect(await readLabels(path)).toEqual({ labels: Int32Array.from(values), n: values.length / columns, k: columns });
      }),
      runs,
    );
  });

  it.each(['truth.ibin', 'truth.bin', 'truth-10K'])('%s: labels with distances', async (name) => {
    const path = scratch.at(name);
    await fc.assert(
      fc.asyncProperty(matrices(0, anyBits), async ([columns, values]) => {
        const [labels, distances] = [Int32Array.from(values), new Float32Array(Uint32Array.from(values).reverse().buffer)];
        await writeTruth(path, labels, distances, columns);
        const found = await readTruth(path);
        expect([found.n, found.k]).toEqual([labels.length / columns, columns]);
        expect([...found.labels]).toEqual([...labels]);
        expect(bits(found.distances)).toEqual(bits(distances));
        expect(await readLabels(path)).toEqual({ labels, n: found.n, k: columns });
      }),
      runs,
    );
  });

  it('in pieces: files of several MiB', async () => {
    const vectors = Float32Array.from({ length: 700_003 * 3 }, (_, i) => i % 251);
    for (const name of ['large.fvecs', 'large.bvecs', 'large.npy', 'large.u8bin']) {
      await writeVectors(scratch.at(name), vectors, 3);
      const found = await readVectors(scratch.at(name));
      expect(Buffer.from(found.vectors.buffer).equals(Buffer.from(vectors.buffer)), name).toBe(true);
    }
  });
});

describe('the bytes are those that other programs write', () => {
  const { floats, u8, i8, labels } = expected;
  it.each([
    ['a.fvecs', floats],
    ['a.bvecs', u8],
    ['a.fbin', floats],
    ['a.u8bin', u8],
    ['a.i8bin', i8],
    ['f32.npy', floats],
  ])('%s', async (name, rows) => {
    await writeVectors(scratch.at(name), Float32Array.from(rows.flat()), rows[0]!.length);
    expect(readFileSync(scratch.at(name)).equals(readFileSync(fixture(name)))).toBe(true);
  });

  it.each(['truth.ibin', 'truth10K'])('%s', async (name) => {
    const { labels: found, distances, k } = await readTruth(fixture(name));
    await writeTruth(scratch.at(name), found, distances, k);
    expect(readFileSync(scratch.at(name)).equals(readFileSync(fixture(name)))).toBe(true);
  });

  it.each(['a.ivecs', 'a.ibin', 'i32.npy'])('%s', async (name) => {
    await writeLabels(scratch.at(name), Int32Array.from(labels.flat()), 4);
    expect(readFileSync(scratch.at(name)).equals(readFileSync(fixture(name)))).toBe(true);
  });
});

describe('a write that fails', () => {
  it('names row and column, keeps the old file and leaves nothing beside it', async () => {
    const path = scratch.at('kept.bvecs');
    await writeVectors(path, Float32Array.of(1, 2, 3, 4), 2);
    const before = scratch.names();
    for (const [value, shown] of [
      [1.5, '1.5'],
      [256, '256'],
      [-1, '-1'],
      [Number.NaN, 'NaN'],
      [Infinity, 'Infinity'],
    ] as const) {
      await expectError(
        writeVectors(path, Float32Array.of(1, 2, 3, value), 2),
        'bad-argument',
        'row 1, column 1',
        `is ${shown}`,
        '0 to 255',
      );
    }
    await expectError(writeVectors(scratch.at('new.i8bin'), Float32Array.of(128), 1), 'bad-argument', '-128 to 127');
    expect(scratch.names()).toEqual(before);
    expect([...(await readVectors(path)).vectors]).toEqual([1, 2, 3, 4]);
  });

  it('after many rows were written', async () => {
    const vectors = new Float32Array(3_000_000);
    vectors[2_999_999] = 0.5;
    const before = scratch.names();
    await expectError(writeVectors(scratch.at('late.u8bin'), vectors, 10), 'bad-argument', 'row 299999, column 9');
    expect(scratch.names()).toEqual(before);
  });

  it('for bad arguments and places', async () => {
    await expectError(writeVectors('x.jsonl', new Float32Array(2), 1), 'bad-argument', 'x.jsonl', '.fvecs', '.npy');
    await expectError(writeLabels('x.fvecs', new Int32Array(2), 1), 'bad-argument', '.ivecs');
    await expectError(writeTruth('x.ivecs', new Int32Array(2), new Float32Array(2), 1), 'bad-argument', 'labels with distances', '.ibin');
    await expectError(writeTruth(scratch.at('x.ibin'), new Int32Array(2), new Float32Array(1), 1), 'bad-argument', '1 distances for 2');
    await expectError(writeVectors(scratch.at('x.npy'), new Float32Array(5), 2), 'bad-argument', '5 values', 'dim 2');
    await expectError(writeVectors(scratch.at('x.npy'), new Float32Array(5), 0), 'bad-argument', 'dim is 0');
    await expectError(writeVectors(scratch.at('x.fvecs'), new Float32Array(0), 2), 'bad-argument', '0 rows', '.npy');
    await expectError(writeVectors(scratch.at('no/x.npy'), new Float32Array(2), 2), 'bad-file', 'no/x.npy', 'ENOENT');
  });

  it('but a link to the target stays a link', async () => {
    await writeVectors(scratch.at('target.npy'), Float32Array.of(1), 1);
    symlinkSync(scratch.at('target.npy'), scratch.at('link.npy'));
    await writeVectors(scratch.at('link.npy'), Float32Array.of(2), 1);
    expect((await readVectors(scratch.at('target.npy'))).vectors[0]).toBe(2);
    expect(statSync(scratch.at('link.npy')).ino).toBe(statSync(scratch.at('target.npy')).ino);
  });
});

it('every f16 becomes the f32 of the same value', () => {
  const halves = Uint16Array.from({ length: 0x10000 }, (_, half) => half);
  const floats = halvesToFloats(halves);
  for (const half of halves) {
    const [exponent, fraction] = [(half >> 10) & 31, half & 1023];
    const size =
      exponent === 31 ? (fraction ? Number.NaN : Infinity) : exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24;
    if (!Object.is(floats[half], half >> 15 ? -size : size)) expect.fail(`f16 ${half} became ${floats[half]}, not ${size}`);
  }
});
