/** What indexes over codes say of input that is none, of odd input that is fine, and of the settings of a search. */
import { describe, expect, it } from 'vitest';
import { type IndexConfig, makeIndex } from '../../src/index/factory.ts';
import { type Kind, kinds, makeVectors } from '../contract/data.ts';
import { coded, descriptions, dim, engine, filled, first, many, queries } from './coded-fixture.ts';
import { expectFilterRefused, expectSameBytes, failsWith, noFilters } from './helpers.ts';

const bad = (message: string | RegExp) => failsWith('bad-argument', message);
const make = (description: string, config: Partial<IndexConfig> = {}) => makeIndex(description, { dim, ...config }, engine);

describe('a description', () => {
  it.each([
    ['PQ8', 'PQ8'],
    ['PQ', 'PQ32'],
    ['PQ4x8', 'PQ4'],
    ['PQ4x4fs', 'PQ4x4'],
    ['SQ8', 'SQ8'],
    ['IVF64,Flat', 'IVF64,Flat'],
    ['IVF4,SQ8,Refine(Flat)', 'IVF4,SQ8,RFlat'],
    ['OPQ4_12,PQ4', 'OPQ4_12,PQ4'],
    ['RR8,PCA4,SQ8', 'RR8,PCA4,SQ8'],
    ['RR,Flat', 'RR,Flat'],
  ])('%s is %s', (description, full) => {
    using index = make(description, { dim: 32 });
    expect(index).toMatchObject({ description: full, size: 0, isTrained: false, dim: 32 });
  });

  it('gives and takes numbers', () => {
    using index = make('IVF,PQ', {
      nlist: 8,
      nSubquantizers: 4,
      nBits: 4,
      nprobe: 3,
      refineFactor: 2.5,
      maxPointsPerCentroid: 50,
      refine: 'memory',
    });
    expect(index).toMatchObject({ description: 'IVF8,PQ4x4,RFlat', config: { nprobe: 3, refineFactor: 2.5, maxPointsPerCentroid: 50 } });
    using few = make('IVF8,Flat');
    expect(few).toMatchObject({ config: { nprobe: 8, refineFactor: 2, maxPointsPerCentroid: 256 } });
    using finer = make('PQ4,RFlat', { refineFactor: 1.00049 });
    expect(finer).toMatchObject({ config: { refineFactor: 1 } }); // as its file says
  });

  it.each([
    ['PQ5', 'PQ5 needs a dim that is a multiple of 5, but it is 16; give PQ4 or OPQ5,PQ5'],
    ['IVF8,PQ3x4', /needs a dim that is a multiple of 3, but it is 16; give IVF8,PQ2x4 or OPQ3,IVF8,PQ3x4$/],
    ['PCA10,PQ4', /^PQ4 needs a dim that is a multiple of 4, but it is 10 after PCA10; give PCA10,PQ5 or PCA10,OPQ4,PQ4$/],
    ['PQ32', /^PQ32 needs a dim that is a multiple of 32, but it is 16; give PQ16$/],
    ['OPQ32,PQ32', /OPQ32 needs a dim of 32 at least, but it is 16; give OPQ16/],
    ['PCA17,SQ8', 'PCA17 needs a dim of 17 at least, but it is 16'],
    ['L2norm,PQ4', /this version has no transform L2norm; give metric 'cosine'/],
  ])('%s does not fit: %s', (description, message) => {
    expect(() => make(description)).toThrow(bad(message));
  });

  it.each([
    'PQ4,',
    'PQ4,,RFlat',
    'IVF8',
    'IVF8,PQ4,PQ4',
    'pq8',
    'PQ4x5',
    'PQ04',
    'IVF0,Flat',
    'IVF2000000,Flat',
    'SQ8,IVF8',
    'PQ8,OPQ8',
    'Flat,RFlat',
    'RFlat',
    'PQ8 ',
  ])('%j is not understood, and a caret shows where', (description) => {
    expect(() => make(description)).toThrow(bad(/is not understood at character \d+, .*\n {2}.*\n {2} *\^$/));
  });

  it.each([
    [{ nprobe: 0 }, 'nprobe is 0; give an integer from 1 to 8, the number of lists'],
    [{ nprobe: 9 }, 'nprobe is 9; give an integer from 1 to 8, the number of lists'],
    [{ nprobe: 1.5 }, /^nprobe is 1.5; give an integer from 1 to 8/],
    [{ nprobe: '3' as never }, /^nprobe is 3; give an integer from 1 to 8/],
    [{ refineFactor: 0.5 }, 'refineFactor is 0.5; give a number from 1 to 1000'],
    [{ refineFactor: 1001 }, 'refineFactor is 1001; give a number from 1 to 1000'],
    [{ refineFactor: Number.NaN }, /^refineFactor is NaN/],
    [{ maxPointsPerCentroid: 0 }, 'maxPointsPerCentroid is 0; give an integer ≥ 1'],
    [{ nlist: 9 }, /says nlist 8, but nlist is 9; give one of them/],
    [{ nBits: 5 as never }, /nBits is 5; give 4 or 8/],
    [{ refine: 'perhaps' as never }, /refine is perhaps; give false, 'memory' or 'disk'/],
    [{ dim: 0 }, /^dim is 0/],
    [{ metric: 'hamming' as never }, /^metric is "hamming"/],
    [{ seed: -1 }, /^seed is -1/],
  ])('with config %j is refused', (config, message) => {
    expect(() => make('IVF8,PQ', { nSubquantizers: 4, ...config })).toThrow(bad(message));
  });
});

describe('training', () => {
  it('comes before anything else, and before rows', async () => {
    using index = coded('IVF8,PQ4x4');
    const untrained = (what: string) => bad(`the index IVF8,PQ4x4 is not trained; call train(vectors) before you ${what}`);
    await expect(index.add(queries)).rejects.toEqual(untrained('add to it'));
    await expect(index.search(queries)).rejects.toEqual(untrained('search it'));
    await expect(index.rangeSearch(queries, 1)).rejects.toEqual(untrained('search it'));
    expect(await index.remove([1])).toBe(0);
    await index.compact();
    expect(index.isTrained).toBe(false);
    await index.train(many);
    expect(index.isTrained).toBe(true);
    expect([...(await index.search(queries, { k: 2 })).labels]).toEqual(new Array(12).fill(-1));
    await index.train(first(400)); // again, while nothing is there
    await index.add(queries);
    await expect(index.train(many)).rejects.toEqual(
      bad('the index holds 6 rows, coded as it was trained; train before you add, or make another index'),
    );
    await index.remove([0, 1, 2, 3, 4, 5]);
    await expect(index.train(many)).rejects.toEqual(
      bad('the index holds no rows but keeps the places of 6 that were removed, coded as it was trained; call compact() first'),
    );
    await index.compact();
    await index.train(many);
    await index.add(queries);
    using other = await filled('IVF8,PQ4x4', queries);
    await other.remove([0, 1, 2, 3, 4, 5]);
    await other.add(queries);
    expectSameBytes(await index.toBytes(), await other.toBytes());
  });

  it.each([
    ['PQ4', 255, 'training has 255 vectors, but PQ4 has 256 centroids; give at least 256 vectors'],
    ['PQ4x4', 15, 'training has 15 vectors, but PQ4x4 has 16 centroids; give at least 16 vectors'],
    ['IVF40,Flat', 39, 'training has 39 vectors, but IVF40 has 40 centroids; give at least 40 vectors'],
    ['IVF2048,PQ4', 1200, 'training has 1200 vectors, but IVF2048 has 2048 centroids; give at least 2048 vectors'],
    ['OPQ4,SQ8', 200, 'training has 200 vectors, but OPQ4 has 256 centroids; give at least 256 vectors'],
  ])('of %s by %s vectors is refused', async (description, n, message) => {
    using index = coded(description, { nprobe: undefined });
    await expect(index.train(first(n))).rejects.toEqual(bad(message));
    expect(index.isTrained).toBe(false);
  });

  it.each([
    ['PQ4x4', 623, ['623 training vectors are few for the 16 centroids of PQ4x4; give 624 or more']],
    ['PQ4x4', 624, []],
    ['IVF8,SQ8', 100, ['100 training vectors are few for the 8 centroids of IVF8; give 312 or more']],
    ['IVF16,PQ4x4', 624, []],
    ['PCA4,SQ8', 12, ['12 training vectors are few for the 16 dimensions that PCA4 turns; give 16 or more']],
    ['OPQ4,IVF2,PQ4', 300, ['300 training vectors are few for the 256 centroids of PQ4; give 9984 or more']],
    ['SQ8', 1, []],
    ['RR,SQ8', 2, []],
  ])('of %s by %s vectors warns: %j', async (description, n, warnings) => {
    using index = coded(description, { nprobe: undefined });
    expect(await index.train(first(n))).toEqual({ rows: n, warnings });
    await index.add(first(20));
    expect((await index.search(queries, { k: 3 })).labels.every((label) => label >= 0)).toBe(true);
  });

  it('learns from no more rows than centroids have use for', async () => {
    const vectors = makeVectors('normal', 6000, 4, 1);
    using index = coded('PQ2x4', { dim: 4, maxPointsPerCentroid: 100 });
    expect((await index.train(vectors)).rows).toBe(4096);
  });

  it('takes whole rows of finite numbers', async () => {
    using index = coded('PQ4x4');
    await expect(index.train(many.subarray(0, 33))).rejects.toEqual(
      bad('vectors has 33 values, which is not a multiple of dim 16; give whole rows'),
    );
    await expect(index.train(new Float32Array(0))).rejects.toEqual(bad('vectors is empty; give at least one row of dim 16'));
    await expect(index.train(many.with(37, Number.NaN))).rejects.toEqual(bad('vectors row 2, column 5 is NaN; every value must be finite'));
    await expect(index.train(many.with(0, 1e30))).rejects.toEqual(bad(/^vectors row 0 has squared norm/));
    await expect(index.train([1, 2] as never)).rejects.toEqual(bad(/^vectors must be a Float32Array/));
    using directions = coded('PQ4x4', { metric: 'cosine' });
    await expect(directions.train(many.slice().fill(0, 0, 16))).rejects.toEqual(bad(/^vectors row 0 is zero, which has no direction/));
    await index.train(many);
    await expect(index.add(many.with(37, Number.POSITIVE_INFINITY))).rejects.toEqual(bad(/^vectors row 2, column 5 is Infinity/));
    expect(index.size).toBe(0);
    await index.add(first(3));
    await expect(index.search(queries.subarray(0, 15))).rejects.toEqual(bad(/^queries has 15 values/));
    await expect(index.search(queries.with(0, Number.NaN))).rejects.toEqual(bad(/^queries row 0, column 0 is NaN/));
  });

  it.each(kinds)('goes through with %s vectors, and finds what is there', async (kind: Kind) => {
    const vectors = makeVectors(kind, 300, 12, 3);
    for (const description of [
      'PQ4x4',
      'OPQ3,PQ3x4',
      'IVF4,PQ2x4,RFlat',
      'PCA5,SQ8',
      'IVF4,Flat',
      'RR,IVF8,PQ4',
      'SQ4',
      'LVQ4',
      'IVF4,LVQ8,RFlat',
    ]) {
      using index = coded(description, { dim: 12, nprobe: undefined });
      await index.train(vectors);
      await index.add(vectors);
      const { labels, distances } = await index.search(vectors.subarray(0, 60), {
        k: 300,
        ...(description.startsWith('IVF') ? { refineFactor: 1000 } : {}),
      });
      for (let q = 0; q < 5; q++) expect(new Set(labels.subarray(300 * q, 300 * (q + 1))).size, description).toBe(300);
      expect(
        distances.every((distance) => distance >= 0 && distance < Infinity),
        description,
      ).toBe(true);
      if (/Flat/.test(description))
        expect(
          [...distances].filter((_, i) => i % 300 === 0),
          description,
        ).toEqual([0, 0, 0, 0, 0]);
    }
  });
});

describe('a search', () => {
  it('takes settings in their ranges, and holds nothing of what was refused', async () => {
    using index = await filled('IVF8,PQ4x4,RFlat', first(300));
    const held = engine.usedBytes;
    for (const nprobe of [0, 9, 2.5, Number.NaN, '3', null] as number[]) {
      const refused = bad(`nprobe is ${nprobe}; give an integer from 1 to 8, the number of lists`);
      await expect(index.search(queries, { nprobe })).rejects.toEqual(refused);
      await expect(index.rangeSearch(queries, 1, { nprobe })).rejects.toEqual(refused);
    }
    for (const refineFactor of [0, 0.99, 1000.5, Number.NaN, '3', null] as number[]) {
      await expect(index.search(queries, { refineFactor })).rejects.toEqual(
        bad(`refineFactor is ${refineFactor}; give a number from 1 to 1000`),
      );
    }
    for (const k of [0, -1, 1.5, Number.NaN]) await expect(index.search(queries, { k })).rejects.toEqual(bad(/^k is /));
    await expect(index.rangeSearch(queries, Number.NaN)).rejects.toEqual(bad(/^radius is NaN/));
    await expect(index.rangeSearch(queries, 1, { maxResults: 0 })).rejects.toEqual(bad(/^maxResults is 0/));
    for (const filter of noFilters) await expectFilterRefused(index, queries, filter);
    expect(engine.usedBytes).toBe(held);
  });

  it('probes more lists for more, and refines more rows for more', async () => {
    using index = await filled('IVF8,PQ4x4,RFlat', many, { nprobe: 1, refineFactor: 1 });
    const sumOf = async (options: object) => (await index.search(queries, options)).distances.reduce((a, b) => a + b, 0);
    const all = { refineFactor: 1000 }; // so that what more lists bring is seen
    expect(await sumOf({})).toBe(await sumOf({ nprobe: 1, refineFactor: 1 }));
    expect(await sumOf(all)).toBeLessThan(await sumOf({}));
    expect(await sumOf({ nprobe: 3, ...all })).toBeLessThan(await sumOf(all));
    expect(await sumOf({ nprobe: 8, ...all })).toBeLessThanOrEqual(await sumOf({ nprobe: 3, ...all }));
    expect(await sumOf({ nprobe: 8, ...all })).toBeLessThan(await sumOf({ nprobe: 8 }));
  });

  it.each(descriptions)('of one vector, of one dimension, of one row: %s', async (description) => {
    using index = await filled(description, first(1));
    const { labels } = await index.search(first(1), { k: 2, ...(/IVF/.test(description) ? { nprobe: 8 } : {}) });
    expect([...labels]).toEqual([0, -1]);
    if (/PQ/.test(description)) return;
    using narrow = coded(description, { dim: 1 });
    await narrow.train(many);
    await narrow.add(Float32Array.of(3, 1, 2));
    expect((await narrow.search(Float32Array.of(1.1), { k: 3, ...(/IVF/.test(description) ? { nprobe: 8 } : {}) })).labels[0]).toBe(1);
  });
});
