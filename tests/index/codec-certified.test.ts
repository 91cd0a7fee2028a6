/** Certified searches of LVQ codes with vectors beside them: bounds are attacked, and answers are those of brute force. */
import { describe, expect, it } from 'vitest';
import type { CodedIndex } from '../../src/index/coded.ts';
import { applyTransform, LENGTH, linearTransform, transformWidth } from '../../src/index/coding/linear-transform.ts';
import { LvqListCodec } from '../../src/index/coding/lvq-list-codec.ts';
import { fitLvq, principalAxes } from '../../src/index/coding/lvq-training.ts';
import { distortion, MOST_DISTORTION, turningError } from '../../src/index/coding/turning-error.ts';
import { ScoreBounds } from '../../src/index/score-bounds.ts';
import type { Metric } from '../../src/index/vector-index.ts';
import { blockDot, QUERY_BLOCK } from '../../src/kernels/cpu/block-dot.ts';
import { kinds, makeVectors, randomFrom } from '../contract/data.ts';
import { canonicalDistance, normalised, rowsOf } from '../contract/oracle.ts';
import { attack, attacks } from './adversary.ts';
import { newIndex, pictures } from './codec-story.ts';
import { engine } from './coded-fixture.ts';
import { expectSameNeighbors, labelled, lowRank, metrics, nearest } from './helpers.ts';

const joined = (rows: readonly Float32Array[], dim: number) => {
  const all = new Float32Array(rows.length * dim);
  for (const [i, row] of rows.entries()) all.set(row, i * dim);
  return all;
};

const length = (x: ArrayLike<number>) => Math.sqrt(Array.from(x).reduce((sum, v) => sum + v * v, 0));

/** Bounds of all pairs, and how much of them their distances use up: 1 for one that touches its bound. */
async function expectWithinBounds(
  metric: Metric,
  training: Float32Array,
  rows: Float32Array[],
  queries: Float32Array[],
  bits: 4 | 8,
  lists = 1,
) {
  const dim = rows[0]!.length;
  const rotation = await principalAxes(engine, training, dim, metric === 'l2', {});
  const turnedTraining = await applyTransform(engine, rotation, training);
  const random = randomFrom(77);
  const centroids = lists === 1 ? undefined : Float32Array.from({ length: lists * dim }, (_, i) => turnedTraining[i]! * random());
  const plan = await fitLvq(engine, turnedTraining, rotation, bits);
  expect(plan.distortion).toBeLessThan(MOST_DISTORTION);
  using codec = new LvqListCodec(engine, plan, metric, centroids);
  const turned = await applyTransform(engine, rotation, joined(rows, dim));
  const listOf = Uint32Array.from(rows, (_, i) => i % lists);
  const { codes, terms } = await codec.encode(turned, listOf);
  const asked = await applyTransform(engine, rotation, joined(queries, dim));
  const probes = { lists: Uint32Array.from({ length: queries.length * lists }, (_, i) => i % lists), nprobe: lists };
  using coded = await codec.queries(asked, probes);
  const bounds = new ScoreBounds(metric, codec);
  let used = 0;
  for (const [q, query] of queries.entries()) {
    const bytes = plan.bits.length * QUERY_BLOCK;
    const block = engine.view(coded.queries).slice(q * bytes, (q + 1) * bytes);
    const lengths = { query: length(query) * (1 + 1e-9), turned: length(asked.subarray(q * dim, (q + 1) * dim)) * (1 + 1e-9) };
    for (const [i, row] of rows.entries()) {
      const term = terms ? terms[i]! >> engine.view(coded.shifts)[q]! : 0;
      const key = engine.view(coded.probeTerms)[q * lists + listOf[i]!]! + term - blockDot(block, codes, i, codec.stride);
      expect(Math.abs(key)).toBeLessThan(2 ** 31); // nothing wraps
      const { least, most } = bounds.of(coded.scores![q]!, key, codec.errorAt(codes, i * codec.stride), lengths);
      const distance = canonicalDistance(metric, query, row);
      if (!(least <= distance && distance <= most)) expect.fail(`query ${q}, row ${i}: ${distance} is not within ${least} and ${most}`);
      if (most > least) used = Math.max(used, Math.abs(2 * distance - least - most) / (most - least));
    }
  }
  return used;
}

const usable = (metric: Metric, rows: Float32Array[]) =>
  metric === 'cosine' ? rows.filter((row) => row.some((x) => x * x > 0)).map((row) => normalised(row)) : rows;

describe('bounds', () => {
  it.each(metrics.flatMap((metric) => attacks.map((kind) => [kind, metric] as const)))('hold against %s, %s', async (kind, metric) => {
    const dim = 37;
    for (const seed of [1, 2, 3]) {
      const { query, rows } = attack(kind, metric, 40, dim, randomFrom(100 * seed));
      const tamed = usable(metric, rows);
      const queries = usable(metric, [query, rows[0]!]);
      if (tamed.length === 0 || queries.length === 0) continue;
      await expectWithinBounds(metric, joined(tamed, dim), tamed, queries, seed === 1 ? 8 : 4, seed === 3 ? 3 : 1);
    }
  });

  it.each(metrics.flatMap((metric) => kinds.map((kind) => [kind, metric] as const)))(
    'hold of %s data learned from others, %s',
    async (kind, metric) => {
      const dim = 40;
      const rows = usable(metric, rowsOf(makeVectors(kind, 80, dim, 1), dim));
      const training = usable(metric, rowsOf(makeVectors('normal', 200, dim, 2), dim));
      await expectWithinBounds(metric, joined(training, dim), rows, rows.slice(0, 6), 4);
    },
  );

  it.each(metrics.slice(0, 2))('hold of queries so far away that turning them is what is off: %s', async (metric) => {
    const dim = 60;
    const rows = rowsOf(makeVectors('normal', 60, dim, 1), dim);
    const far = rowsOf(makeVectors('normal', 20, dim, 5), dim).map((query) => query.map((x) => 1e6 * x));
    await expectWithinBounds(metric, joined(rows, dim), rows, far, 8);
  });

  it('are none too wide: distances come near them', async () => {
    const dim = 64;
    const training = lowRank(500, dim, 1, 10, 0.05);
    const rows = rowsOf(lowRank(300, dim, 2, 10, 0.05), dim);
    // A query on the line through a row and what its code says of it is as far off as can be.
    const rotation = await principalAxes(engine, training, dim, true, {});
    const plan = await fitLvq(engine, await applyTransform(engine, rotation, training), rotation, 4);
    using codec = new LvqListCodec(engine, plan, 'l2', undefined);
    const turned = await applyTransform(engine, rotation, joined(rows, dim));
    const { codes } = await codec.encode(turned, new Uint32Array(rows.length));
    const worst = rows.slice(0, 20).map((row, i) => {
      const said = new Float32Array(dim);
      codec.decode(codes, i * codec.stride, 0, said);
      const away = said.map((x, j) => turned[i * dim + j]! - x);
      return row.map((x, j) => {
        let sum = 0;
        for (let a = 0; a < dim; a++) sum += (rotation.matrix[a * transformWidth(dim) + j]! / LENGTH) * away[a]!;
        return x + 40 * sum;
      });
    });
    expect(await expectWithinBounds('l2', training, rows.slice(0, 20), worst, 4)).toBeGreaterThan(0.9);
  });
});

describe('turning', () => {
  it.each([1, 5, 33, 200])('is off by no more than is said, %i dimensions', async (dim) => {
    const rows = makeVectors('normal', 50, dim, 3).map((x, i) => x * 10 ** ((i % 9) - 4));
    const rotation = await principalAxes(engine, rows, dim, true, {});
    const turned = await applyTransform(engine, rotation, rows);
    const width = transformWidth(dim);
    for (let i = 0; i < 50; i++) {
      let squares = 0;
      for (let a = 0; a < dim; a++) {
        let sum = 0;
        for (let j = 0; j < dim; j++) sum += (rotation.matrix[a * width + j]! / LENGTH) * (rows[i * dim + j]! - rotation.mean[j]!);
        squares += (sum - turned[i * dim + a]!) ** 2;
      }
      expect(Math.sqrt(squares)).toBeLessThanOrEqual(turningError(rotation, length(turned.subarray(i * dim, (i + 1) * dim))));
    }
  });

  it('distorts by the largest eigenvalue of R Rᵀ − I at least, and not much more', async () => {
    const dim = 60;
    const rows = Float64Array.from({ length: dim * dim }, (_, i) => (i % (dim + 1) === 0 ? 1 : 0));
    rows[3 * dim + 4] = 0.02; // two rows that are not orthogonal: eigenvalues of about ± 0.02
    const said = await distortion(engine, linearTransform(rows, dim, new Float32Array(dim)));
    expect(said).toBeGreaterThan(0.0199);
    expect(said).toBeLessThan(0.0202 * 2 ** 0.25);
  });
});

describe('answers are those of brute force', () => {
  const filled = async (description: string, dim: number, metric: Metric, vectors: Float32Array): Promise<CodedIndex> => {
    const index = newIndex(description, dim, metric);
    await index.train(vectors.subarray(0, 300 * dim));
    await index.add(vectors);
    return index;
  };

  it.each(
    metrics.flatMap((metric) => ['LVQ4,RFlat', 'LVQ8,RFlat', 'IVF6,LVQ4,RFlat'].map((description) => [description, metric] as const)),
  )('%s, %s', async (description, metric) => {
    for (const kind of ['normal', 'bytes', 'mixed', 'duplicates', 'clusters', 'outlier'] as const) {
      const dim = 24;
      const vectors = makeVectors(kind, 500, dim, 11);
      const queries = makeVectors(kind, 8, dim, 12);
      using index = await filled(description, dim, metric, vectors);
      const nprobe = description.startsWith('IVF') ? 6 : undefined;
      for (const k of [1, 10, 100]) {
        const found = await index.search(queries, { k, nprobe });
        expectSameNeighbors(found, nearest(metric, labelled(vectors, dim), queries, dim, k), `${kind}, ${k}`);
      }
    }
  });

  it('also of some of the rows, and after rows went', async () => {
    const dim = 30;
    const vectors = lowRank(600, dim, 1, 8, 0.3);
    const queries = lowRank(10, dim, 2, 8, 0.3);
    using index = await filled('IVF5,LVQ4,RFlat', dim, 'l2', vectors);
    await index.remove(Array.from({ length: 150 }, (_, i) => 4 * i));
    const some = (label: number) => label % 3 === 1;
    const rows = labelled(vectors, dim).filter(({ label }) => label % 4 !== 0);
    expectSameNeighbors(await index.search(queries, { k: 10, nprobe: 5 }), nearest('l2', rows, queries, dim, 10), 'all');
    const found = await index.search(queries, { k: 10, nprobe: 5, filter: some });
    expectSameNeighbors(
      found,
      nearest(
        'l2',
        rows.filter(({ label }) => some(label)),
        queries,
        dim,
        10,
      ),
      'some',
    );
  });

  it('of pictures, too, where codes alone, or a refineFactor, miss some', async () => {
    const [vectors, asked] = [await pictures('train', 1500), await pictures('t10k', 25)];
    using index = await filled('LVQ4,RFlat', 784, 'l2', vectors);
    const truth = nearest('l2', labelled(vectors, 784), asked, 784, 10);
    expectSameNeighbors(await index.search(asked, { k: 10 }), truth, 'certified');
    const hurried = await index.search(asked, { k: 10, refineFactor: 1 });
    expect([...hurried.labels]).not.toEqual([...truth.labels]);
    expect(index.config.description.codec).toEqual({ kind: 'LVQ', bits: 4 });
  });
});
