/** SQ4: four bits a value. Brute force over what the codes say is the judge of searches, the step of each dimension that of codes. */
import { describe, expect, it } from 'vitest';
import { fitRanges, levelOf, TOP_LEVEL } from '../../src/index/coding/scalar-ranges.ts';
import { makeVectors } from '../contract/data.ts';
import { decoded, expectNearestCodes, expectRefused, nastyData, newIndex, oneStory, pictures, recallOf } from './codec-story.ts';
import { engine } from './coded-fixture.ts';
import { labelled, lowRank, metrics, nearest } from './helpers.ts';
import { bytesOf, parseFile } from './hnsw-parse.ts';

oneStory(['SQ4', 'IVF6,SQ4', 'RR,SQ4,RFlat'], 13);
nastyData('SQ4', 11);
nastyData('IVF4,SQ4', 5);

describe('ranges', () => {
  it('fit levels that are there to the bit', () => {
    const levels = Float32Array.from({ length: 400 }, (_, i) => -3 + 0.25 * ((i * 7) % 16));
    const { low, step } = fitRanges(levels, 1);
    expect([low[0], step[0]]).toEqual([-3, 0.25]);
  });

  it('lose less than from end to end, where values far out are few', () => {
    const normal = makeVectors('normal', 4000, 1, 1);
    const { low, step } = fitRanges(normal, 1);
    let lost = 0;
    for (const x of normal) lost += (x - low[0]! - levelOf(x, low[0]!, step[0]!) * step[0]!) ** 2;
    expect(lost / normal.length).toBeLessThan(0.0125); // 0.01154 is the least for a normal distribution; end to end loses 0.018
    expect(lost / normal.length).toBeGreaterThan(0.0095);
  });

  it('of values that are all alike say them to the bit', () => {
    const { low, step } = fitRanges(new Float32Array(50).fill(0.37), 1);
    expect([low[0], step[0]]).toEqual([Math.fround(0.37), 0]);
  });
});

describe('codes', () => {
  const dim = 20;
  it.each(['SQ4', 'IVF5,SQ4'])('lose half a step at most of values within the range: %s', async (description) => {
    const vectors = makeVectors('normal', 500, dim, 4);
    using index = newIndex(description, dim, 'l2');
    await index.train(vectors);
    await index.add(vectors);
    const { sections } = parseFile(await index.toBytes());
    const [low, step] = ['codeLow', 'codeStep'].map((name) => new Float32Array(sections[name]!.slice().buffer));
    const said = await decoded(index);
    let within = 0;
    for (let i = 0; i < vectors.length; i++) {
      const j = i % dim;
      const lost = Math.abs(vectors[i]! - said[i]!);
      // Of rows in lists the range is that of what is left of them: what lies beyond its ends is judged by these alone.
      if (lost <= step![j]! / 2 + 1e-6) within++;
      else if (description === 'SQ4') expect(vectors[i]! < low![j]! || vectors[i]! > low![j]! + TOP_LEVEL * step![j]!).toBe(true);
    }
    expect(within / vectors.length).toBeGreaterThan(0.97);
  });

  it.each(metrics.flatMap((metric) => ['SQ4', 'IVF5,SQ4'].map((description) => [description, metric] as const)))(
    'are searched as brute force over what they say: %s, %s',
    async (description, metric) => {
      const vectors = lowRank(700, dim, 1, 6, 0.1);
      using index = newIndex(description, dim, metric);
      await index.train(vectors);
      await index.add(vectors);
      await expectNearestCodes(index, lowRank(12, dim, 2, 6, 0.1), 10);
    },
  );
});

describe('recall at 10', () => {
  it('of pictures is above what FAISS’s SQ4 finds, and of codes in lists no less', async () => {
    const [vectors, asked] = [await pictures('train', 2000), await pictures('t10k', 40)];
    const truth = nearest('l2', labelled(vectors, 784), asked, 784, 10);
    for (const [description, least] of [
      ['SQ4', 0.955],
      ['IVF8,SQ4', 0.955],
      ['SQ4,RFlat', 1],
    ] as const) {
      using index = newIndex(description, 784, 'l2');
      await index.train(vectors);
      await index.add(vectors);
      const found = await index.search(asked, { k: 10, nprobe: description.startsWith('IVF') ? 8 : undefined });
      expect(recallOf(found, truth), description).toBeGreaterThanOrEqual(least);
    }
  });
});

it('files that lie are bad-file', async () => {
  const vectors = makeVectors('normal', 60, 9, 1);
  using index = newIndex('SQ4', 9, 'l2');
  await index.train(vectors);
  await index.add(vectors);
  const used = engine.usedBytes;
  const floats = (name: string, value: number) => (file: ReturnType<typeof parseFile>) => {
    file.sections[name] = bytesOf(new Float32Array(file.sections[name]!.length / 4).fill(value));
  };
  await expectRefused(await index.toBytes(), {
    'a low of NaN': floats('codeLow', Number.NaN),
    'a low beyond all vectors': floats('codeLow', 1e30),
    'a step below 0': floats('codeStep', -1e-3),
    'a step of Infinity': floats('codeStep', Number.POSITIVE_INFINITY),
    'a step beyond all vectors': floats('codeStep', 5e18),
    'a step too few': (file) => void (file.sections.codeStep = file.sections.codeStep!.slice(4)),
    'codes of another stride': (file) => void (file.sections.codes = file.sections.codes!.slice(16)),
    'another codec': (file) => void (file.header.description = 'SQ8'),
  });
  expect(engine.usedBytes).toBe(used);
});
