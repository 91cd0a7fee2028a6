/** LVQ: local scales on principal axes. Brute force over what the codes say judges searches; rows judge what they are said to have lost. */
import { describe, expect, it } from 'vitest';
import { linearTransform } from '../../src/index/coding/linear-transform.ts';
import { LvqCodes, type LvqPlan, lvqBits, lvqStride, MOST_BITS } from '../../src/index/coding/lvq-codes.ts';
import { fitLvq } from '../../src/index/coding/lvq-training.ts';
import { kinds, makeVectors, randomFrom } from '../contract/data.ts';
import { decoded, expectRefused, nastyData, newIndex, oneStory, pictures, recallOf } from './codec-story.ts';
import { engine } from './coded-fixture.ts';
import { labelled, lowRank, metrics, nearest } from './helpers.ts';
import { bytesOf, parseFile } from './hnsw-parse.ts';

oneStory(['LVQ4', 'IVF6,LVQ8', 'PCA30,LVQ4,RFlat'], 40);
nastyData('LVQ4', 11);
nastyData('IVF4,LVQ8', 35);

/** A plan for rows f32 [n, dim] as they are. */
function planFor(rows: Float32Array, dim: number, bits: 4 | 8): Promise<LvqPlan> {
  const axes = Float32Array.from({ length: dim * dim }, (_, i) => (i % (dim + 1) === 0 ? 1 : 0));
  return fitLvq(engine, rows, linearTransform(axes, dim, new Float32Array(dim)), bits);
}

describe('plans', () => {
  it.each([1, 31, 32, 33, 64, 100, 384, 784])(
    'of %i values have all their bits, within 4 or 8 for each value where there are many',
    async (dim) => {
      for (const bits of [4, 8] as const) {
        const { bits: given } = await planFor(makeVectors('normal', 40, dim, 1), dim, bits);
        expect(given.reduce((a, b) => a + b, 0)).toBe(lvqBits(dim, bits));
        if (dim % 32 === 0 && dim >= 128) expect(lvqStride(dim, lvqBits(dim, bits))).toBeLessThanOrEqual((dim * bits) / 8 + 3);
      }
    },
  );

  it('give more bits where values vary more', async () => {
    const rows = makeVectors('normal', 200, 96, 1).map((x, i) => x * [9, 1, 0.1][Math.floor((i % 96) / 32)]!);
    const { bits } = await planFor(rows, 96, 4);
    expect([...bits].sort((a, b) => b - a)).toEqual([...bits]);
    expect(bits[0]! - bits[2]!).toBeGreaterThanOrEqual(5);
  });

  it('give what is left to any block where nothing varies', async () => {
    const { bits, longest } = await planFor(new Float32Array(64 * 5).fill(3), 64, 8);
    expect(Math.max(...bits)).toBeLessThanOrEqual(MOST_BITS);
    expect(longest).toBe(0);
  });
});

describe('codes', () => {
  it.each(kinds)('of %s rows say what lies within what they lost, to the last bit', async (kind) => {
    const dim = 70;
    const rows = makeVectors(kind, 120, dim, 2);
    const codes = new LvqCodes(await planFor(rows.subarray(0, 60 * dim), dim, 4));
    const out = new Int8Array(codes.stride);
    const [row, said, read] = [0, 1, 2].map(() => new Float64Array(codes.width)) as [Float64Array, Float64Array, Float64Array];
    for (let i = 0; i < 120; i++) {
      for (let j = 0; j < dim; j++) row[j] = rows[i * dim + j]! - codes.plan.offset[j]!;
      out.fill(0);
      const lost = codes.write(row, out, 0, said);
      codes.read(out, 0, read);
      expect(read).toEqual(said);
      let squares = 0;
      for (let j = 0; j < dim; j++) squares += (row[j]! - said[j]!) ** 2;
      expect(lost).toBeCloseTo(squares, 12);
      expect(lost).toBeLessThanOrEqual(row.reduce((sum, x) => sum + x * x, 0)); // zeros lose no more
    }
  });

  it('lose of normal rows what so many bits must, and no more', async () => {
    const dim = 128;
    const rows = makeVectors('normal', 600, dim, 3);
    for (const [bits, most] of [
      [4, 0.0185],
      [8, 0.00017],
    ] as const) {
      const codes = new LvqCodes(await planFor(rows, dim, bits));
      const [row, said] = [new Float64Array(codes.width), new Float64Array(codes.width)];
      let [lost, all] = [0, 0];
      for (let i = 0; i < 200; i++) {
        for (let j = 0; j < dim; j++) row[j] = rows[i * dim + j]! - codes.plan.offset[j]!;
        lost += codes.write(row, new Int8Array(codes.stride), 0, said);
        all += row.reduce((sum, x) => sum + x * x, 0);
      }
      expect(lost / all).toBeLessThan(most);
    }
  });

  it('of rows far longer than those learned from stay within the longest', async () => {
    const dim = 64;
    const rows = makeVectors('normal', 100, dim, 4);
    const codes = new LvqCodes(await planFor(rows, dim, 4));
    const said = new Float64Array(codes.width);
    for (const far of [3, 1e3, 1e15]) {
      codes.write(
        Float64Array.from(rows.subarray(0, dim), (x) => far * x),
        new Int8Array(codes.stride),
        0,
        said,
      );
      expect(Math.sqrt(said.reduce((sum, x) => sum + x * x, 0))).toBeLessThanOrEqual(codes.plan.longest);
    }
  });
});

describe('what rows lost', () => {
  /** Vectors, and others that fit them badly, among them some much longer. */
  const dim = 48;
  const vectors = lowRank(400, dim, 1, 12, 0.2);
  const random = randomFrom(9);
  const odd = lowRank(100, dim, 5, 12, 0.2).map((x, i) => x * (i % 7 === 0 ? 5 : 1) + random.normal());

  it.each(['LVQ4', 'LVQ8', 'IVF6,LVQ4'])('bounds the distance between a row and what its code says: %s', async (description) => {
    using index = newIndex(description, dim, 'l2');
    await index.train(vectors);
    await index.add(vectors);
    await index.add(odd);
    const { sections } = parseFile(await index.toBytes());
    const bytes = sections.codes!;
    const stride = bytes.length / 500;
    const said = await decoded(index);
    let tight = 0;
    for (let row = 0; row < 500; row++) {
      let squares = 0;
      const from = row < 400 ? vectors.subarray(row * dim) : odd.subarray((row - 400) * dim);
      for (let j = 0; j < dim; j++) squares += (from[j]! - said[row * dim + j]!) ** 2;
      const bound = new DataView(bytes.buffer).getFloat32((row + 1) * stride - 4, true);
      // What is said went back through the rotation, which is off by as much again as the bound allows it.
      const norm = Math.hypot(...from.subarray(0, dim));
      expect(Math.sqrt(squares)).toBeLessThanOrEqual(bound + norm * 2e-3);
      if (Math.sqrt(squares) > 0.8 * bound - norm * 2e-3) tight++;
    }
    expect(tight).toBe(500);
  });
});

describe('searches', () => {
  it.each(metrics.flatMap((metric) => ['LVQ4', 'IVF5,LVQ4'].map((description) => [description, metric] as const)))(
    'find the nearest codes: %s, %s',
    async (description, metric) => {
      const dim = 36;
      const vectors = lowRank(700, dim, 1, 9, 0.1);
      const queries = lowRank(12, dim, 2, 9, 0.1);
      using index = newIndex(description, dim, metric);
      await index.train(vectors);
      await index.add(vectors);
      const nprobe = description === 'LVQ4' ? undefined : 5;
      const found = await index.search(queries, { k: 10, nprobe });
      const all = await index.search(queries, { k: 700, nprobe });
      for (let q = 0; q < 12; q++) {
        expect([...found.distances.subarray(q * 10, q * 10 + 10)]).toEqual([...all.distances.subarray(q * 700, q * 700 + 10)]);
      }
    },
  );

  it('of pictures find more than product quantisers of as many bytes', async () => {
    const [vectors, asked] = [await pictures('train', 2000), await pictures('t10k', 40)];
    const truth = nearest('l2', labelled(vectors, 784), asked, 784, 10);
    const recalls: Record<string, number> = {};
    for (const description of ['LVQ4', 'LVQ8', 'IVF4,LVQ4', 'PQ196']) {
      using index = newIndex(description, 784, 'l2');
      await index.train(vectors);
      await index.add(vectors);
      recalls[description] = recallOf(await index.search(asked, { k: 10, nprobe: description.startsWith('IVF') ? 4 : undefined }), truth);
    }
    expect(recalls.LVQ4).toBeGreaterThanOrEqual(0.97);
    expect(recalls['IVF4,LVQ4']).toBeGreaterThanOrEqual(0.97);
    expect(recalls.LVQ8).toBeGreaterThanOrEqual(0.99);
    expect(recalls.LVQ4).toBeGreaterThan(recalls.PQ196!);
  });
});

it('files that lie are bad-file', async () => {
  const vectors = makeVectors('normal', 60, 40, 1);
  using index = newIndex('LVQ4', 40, 'l2');
  await index.train(vectors);
  await index.add(vectors);
  const used = engine.usedBytes;
  type File = ReturnType<typeof parseFile>;
  const floats = (name: string, value: number) => (file: File) => {
    file.sections[name] = bytesOf(new Float32Array(file.sections[name]!.length / 4).fill(value));
  };
  const bits =
    (...values: number[]) =>
    (file: File) =>
      void (file.sections.codeBits = bytesOf(Uint32Array.from(values)));
  await expectRefused(await index.toBytes(), {
    'an offset of NaN': floats('codeOffset', Number.NaN),
    'an offset beyond all vectors': floats('codeOffset', 1e30),
    'a step below 0': floats('codeStep', -1e-3),
    'a step beyond all vectors': floats('codeStep', 5e18),
    'a length below 0': floats('codeLengths', -1),
    'a length of Infinity': floats('codeLengths', Number.POSITIVE_INFINITY),
    'a bit too many': bits(4, 3),
    'bits of three blocks': bits(3, 2, 1),
    'bits beyond what a block has': bits(0, 0xffffffff),
    'a matrix of long rows': (file) => void file.sections.codeMatrix!.fill(0x7f),
    'a mean of NaN': floats('codeMean', Number.NaN),
    'codes of another stride': (file) => void (file.sections.codes = file.sections.codes!.slice(4)),
    'another codec': (file) => void (file.header.description = 'LVQ8'),
  });
  expect(engine.usedBytes).toBe(used);
});
