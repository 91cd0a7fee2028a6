/** SQfp16: 16-bit floats. All 65,536 of them, and what lies between, judge the rounding; brute force judges searches. */
import { describe, expect, it } from 'vitest';
import { F16ListCodec, f16Scale, floatToHalf } from '../../src/index/coding/f16-list-codec.ts';
import { halvesToFloats } from '../../src/io/half.ts';
import { halfToFloat } from '../../src/kernels/cpu/half-distance.ts';
import { makeVectors, randomFrom } from '../contract/data.ts';
import { expectNearestCodes, expectRefused, nastyData, newIndex, oneStory, pictures, recallOf } from './codec-story.ts';
import { engine } from './coded-fixture.ts';
import { labelled, lowRank, metrics, nearest } from './helpers.ts';
import { bytesOf, type parseFile } from './hnsw-parse.ts';

oneStory(['SQfp16', 'IVF6,SQfp16', 'RR,SQfp16,RFlat'], 13);
nastyData('SQfp16', 11);

/** All finite ones, in ascending order without their sign. */
const halves = Uint16Array.from({ length: 0x7c00 }, (_, i) => i);
const values = halvesToFloats(halves);

describe('16-bit floats', () => {
  it('come back as they were, all of them', () => {
    for (const half of halves) {
      expect(halfToFloat(half)).toBe(values[half]);
      expect(floatToHalf(values[half]!)).toBe(half);
      if (half > 0) expect(floatToHalf(-values[half]!)).toBe(half | 0x8000);
    }
  });

  it('are the nearest, ties to even', () => {
    for (let half = 0; half < 0x7bff; half++) {
      const middle = (values[half]! + values[half + 1]!) / 2;
      const even = half % 2 === 0 ? half : half + 1;
      expect(floatToHalf(middle)).toBe(even);
      expect(floatToHalf(middle * (1 + 2 ** -22))).toBe(half + 1);
      expect(floatToHalf(middle * (1 - 2 ** -22))).toBe(half);
    }
  });

  it('stop at the largest', () => {
    for (const x of [65_504, 65_519, 65_521, 1e10, 3e38, Number.POSITIVE_INFINITY]) {
      expect(floatToHalf(x)).toBe(0x7bff);
      expect(floatToHalf(-x)).toBe(0xfbff);
    }
    for (const x of [0, 1e-45, 2 ** -26, 2 ** -25]) expect(floatToHalf(x)).toBe(0);
  });
});

describe('scales', () => {
  it.each([1e-20, 1e-3, 0.37, 1, 255, 16_384, 16_385, 1e15])('are powers of two that bring %f into range', (x) => {
    const scale = f16Scale(Float32Array.of(0, -x));
    expect(Number.isInteger(Math.log2(scale))).toBe(true);
    expect(x * scale).toBeLessThanOrEqual(16_384 * (1 + 1e-7));
    expect(x * scale).toBeGreaterThan(8191);
  });

  it('are 1 of zeros', () => expect(f16Scale(new Float32Array(5))).toBe(1));
});

it('rows lose a 2048th of each value at most, and pictures nothing', async () => {
  const codec = new F16ListCodec(engine, 50, f16Scale(makeVectors('normal', 20, 50, 1)), 'l2');
  const rows = makeVectors('normal', 20, 50, 1);
  const { codes } = await codec.encode(rows, new Uint32Array(20));
  const said = new Float32Array(50);
  for (let i = 0; i < 20; i++) {
    codec.decode(codes, i * codec.stride, 0, said);
    for (let j = 0; j < 50; j++) {
      const x = rows[i * 50 + j]!;
      expect(Math.abs(said[j]! - x)).toBeLessThanOrEqual(Math.max(Math.abs(x) * 2 ** -11, 2 ** -38));
    }
  }
});

it.each(metrics.flatMap((metric) => ['SQfp16', 'IVF5,SQfp16'].map((description) => [description, metric] as const)))(
  'searches find what brute force finds over what codes say: %s, %s',
  async (description, metric) => {
    const dim = 20;
    const vectors = lowRank(700, dim, 1, 6, 0.1);
    using index = newIndex(description, dim, metric);
    await index.train(vectors);
    await index.add(vectors);
    await expectNearestCodes(index, lowRank(12, dim, 2, 6, 0.1), 10);
  },
);

it('queries and rows far beyond what was learned are answered', async () => {
  const dim = 6;
  const random = randomFrom(3);
  const vectors = Float32Array.from({ length: 100 * dim }, () => random.normal() * 1e-12);
  for (const metric of metrics) {
    using index = newIndex('SQfp16', dim, metric);
    await index.train(vectors);
    await index.add(vectors);
    await index.add(Float32Array.from({ length: 2 * dim }, () => 1e17));
    const found = await index.search(
      Float32Array.from({ length: dim }, () => 1e17),
      { k: 5 },
    );
    expect(found.distances.every(Number.isFinite)).toBe(true);
    expect(found.labels.every((label) => label >= 0)).toBe(true);
  }
});

it('recall at 10 of pictures is 1, for nothing is lost', async () => {
  const [vectors, asked] = [await pictures('train', 500), await pictures('t10k', 20)];
  using index = newIndex('SQfp16', 784, 'l2');
  await index.train(vectors);
  await index.add(vectors);
  expect(recallOf(await index.search(asked, { k: 10 }), nearest('l2', labelled(vectors, 784), asked, 784, 10))).toBe(1);
});

it('files that lie are bad-file', async () => {
  const vectors = makeVectors('normal', 60, 9, 1);
  using index = newIndex('SQfp16', 9, 'l2');
  await index.train(vectors);
  await index.add(vectors);
  type File = ReturnType<typeof parseFile>;
  const scale =
    (...values: number[]) =>
    (file: File) =>
      void (file.sections.codeScale = bytesOf(Float32Array.from(values)));
  await expectRefused(await index.toBytes(), {
    'a scale of 0': scale(0),
    'a scale below 0': scale(-1),
    'a scale that is no power of two': scale(3),
    'a scale of NaN': scale(Number.NaN),
    'a scale too small': scale(2 ** -110),
    'a scale too large': scale(2 ** 110),
    'two scales': scale(1, 1),
    'codes of another stride': (file) => void (file.sections.codes = file.sections.codes!.slice(32)),
  });
});
