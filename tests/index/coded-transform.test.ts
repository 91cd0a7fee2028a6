/** Rotations, projections and OPQ: orthonormal within what 16 bits allow, the best of their kind, and the same everywhere. */
import { afterAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/host/engine.ts';
import { applyTransform, invertTransform, type LinearTransform, transformWidth } from '../../src/index/coding/linear-transform.ts';
import { trainOpq } from '../../src/index/coding/opq.ts';
import { trainPlan } from '../../src/index/coding/training.ts';
import { parseDescription } from '../../src/index/description.ts';
import type { Metric } from '../../src/index/vector-index.ts';
import { type Kind, kinds, makeVectors, randomFrom } from '../contract/data.ts';
import { enginesHere } from '../contract/engines.ts';
import { rowsOf } from '../contract/oracle.ts';
import { engine } from './coded-fixture.ts';
import { lowRank } from './helpers.ts';

/** What a row of a matrix is as long as, in its integers. */
const UNIT = 32_700;

async function planOf(description: string, vectors: Float32Array, dim: number, metric: Metric = 'l2', seed = 1, on: Engine = engine) {
  const settings = { dim, metric, seed };
  return trainPlan(vectors, { engine: on, description: parseDescription(description), settings, maxPointsPerCentroid: 256 });
}

/** The only transform of the description. */
async function transformOf(...args: Parameters<typeof planOf>): Promise<LinearTransform> {
  return (await planOf(...args)).plan.transforms[0]!;
}

/** The largest entry of |R Rᵀ − I|. */
function deviation({ matrix, dimIn, dimOut }: LinearTransform): number {
  const width = transformWidth(dimIn);
  let most = 0;
  for (let a = 0; a < dimOut; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      for (let j = 0; j < width; j++) sum += matrix[a * width + j]! * matrix[b * width + j]!;
      most = Math.max(most, Math.abs(sum / UNIT ** 2 - (a === b ? 1 : 0)));
    }
  }
  return most;
}

/** Entries are off by half a step at most, so rows by √d / 2 steps, and products of two rows by twice that. */
const roundingOf = (dim: number) => Math.sqrt(dim) / UNIT + 2e-5;

const lengthOf = (x: ArrayLike<number>) => Math.sqrt(Array.from(x).reduce((sum, v) => sum + v * v, 0));
const apart = (x: Float32Array, y: Float32Array) => lengthOf(x.map((v, j) => v - y[j]!));

const shapes: readonly [description: string, dim: number, kind: Kind, metric: Metric][] = [
  ['RR,SQ8', 24, 'normal', 'l2'],
  ['RR,SQ8', 1, 'normal', 'ip'],
  ['RR7,SQ8', 19, 'outlier', 'l2'],
  ['PCA24,SQ8', 24, 'normal', 'l2'],
  ['PCA5,SQ8', 13, 'bytes', 'cosine'],
  ['PCA8,SQ8', 33, 'constant', 'l2'],
  ['OPQ4,PQ4x4', 20, 'normal', 'l2'],
  ['OPQ3,PQ3x4', 20, 'bytes', 'ip'],
  ['OPQ8_16,PQ8x4', 21, 'sorted', 'l2'],
  ['OPQ4,PQ4x4', 12, 'constant', 'l2'],
  ['OPQ4,PQ4x4', 12, 'zeros', 'l2'],
  ['OPQ2,SQ8', 8, 'clusters', 'cosine'],
];

describe('a transform', () => {
  it.each(shapes)('has orthonormal rows, as far as 16 bits say: %s of %s dimensions, %s, %s', async (description, dim, kind, metric) => {
    const vectors = makeVectors(kind, 300, dim, 1);
    const transform = await transformOf(description, vectors, dim, metric);
    const { dimIn, dimOut, mean, matrix } = transform;
    expect([dimIn, matrix.length]).toEqual([dim, dimOut * transformWidth(dim)]);
    expect(deviation(transform)).toBeLessThan(roundingOf(dim));
    if (metric !== 'l2') expect(mean.every((x) => x === 0)).toBe(true);
    for (let i = 0; i < dimOut; i++)
      expect(matrix.subarray(i * transformWidth(dim) + dim, (i + 1) * transformWidth(dim)).some(Boolean)).toBe(false);
    const rows = rowsOf(vectors, dim).slice(0, 40);
    const found = rowsOf(await applyTransform(engine, transform, vectors.slice(0, 40 * dim)), dimOut);
    const centred = rows.map((row) => row.map((x, j) => x - mean[j]!));
    for (let i = 0; i < 40; i++) {
      const room = 2 * roundingOf(dim) * (lengthOf(centred[i]!) + lengthOf(centred[39 - i]!)) + 1e-30;
      const [before, after] = [apart(rows[i]!, rows[39 - i]!), apart(found[i]!, found[39 - i]!)];
      expect(after).toBeLessThanOrEqual(before * (1 + 1e-6) + room);
      if (dimOut === dim) expect(after).toBeGreaterThanOrEqual(before * (1 - 1e-6) - room);
      const back = new Float32Array(dim);
      invertTransform(transform, found[i]!, back);
      if (dimOut === dim) expect(apart(back, rows[i]!)).toBeLessThanOrEqual(room + 1e-6 * lengthOf(rows[i]!));
      const [again] = rowsOf(await applyTransform(engine, transform, back), dimOut); // what is left of it is kept
      expect(apart(again!, found[i]!)).toBeLessThanOrEqual(room + 1e-6 * lengthOf(rows[i]!));
    }
  });

  it('of one vector is that of the vector among others', async () => {
    const vectors = lowRank(5000, 20, 3);
    const transform = await transformOf('OPQ4,PQ4x4', vectors, 20);
    const all = await applyTransform(engine, transform, vectors);
    for (const i of [0, 1, 4095, 4096, 4999]) {
      const one = await applyTransform(engine, transform, vectors.subarray(i * 20, (i + 1) * 20));
      expect(one).toEqual(all.slice(i * transform.dimOut, (i + 1) * transform.dimOut));
    }
  });
});

describe('a random rotation', () => {
  it('is drawn by the seed, and by nothing else', async () => {
    const one = await transformOf('RR,SQ8', makeVectors('normal', 50, 10, 1), 10);
    expect(await transformOf('RR,SQ8', makeVectors('bytes', 70, 10, 2), 10)).toEqual(one);
    expect((await transformOf('RR,SQ8', makeVectors('normal', 50, 10, 1), 10, 'l2', 2)).matrix).not.toEqual(one.matrix);
    const largest = one.matrix.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    expect(largest, 'it mixes dimensions').toBeLessThan(0.95 * UNIT);
  });

  it('is one for every seed, in few dimensions too', async () => {
    for (const dim of [1, 2, 3, 4]) {
      for (const seed of [692, ...Array(100).keys()]) {
        const transform = await transformOf('RR,SQ8', makeVectors('normal', 4, dim, 1), dim, 'l2', seed);
        expect(deviation(transform), `${dim} dimensions, seed ${seed}`).toBeLessThan(roundingOf(dim) + 1e-3);
      }
    }
  });
});

/** Variances along the rows of a matrix, and what all of them may sum to at most: Σ of the largest eigenvalues, by Jacobi's rotations. */
function eigenvaluesOf(matrix: number[][]): number[] {
  const a = matrix.map((row) => [...row]);
  for (let sweep = 0; sweep < 60; sweep++) {
    for (let p = 0; p < a.length; p++) {
      for (let q = p + 1; q < a.length; q++) {
        const angle = 0.5 * Math.atan2(2 * a[p]![q]!, a[q]![q]! - a[p]![p]!);
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        for (const row of a) [row[p], row[q]] = [c * row[p]! - s * row[q]!, s * row[p]! + c * row[q]!];
        const [x, y] = [a[p]!, a[q]!];
        for (let j = 0; j < x.length; j++) [x[j], y[j]] = [c * x[j]! - s * y[j]!, s * x[j]! + c * y[j]!];
      }
    }
  }
  return a.map((row, i) => row[i]!).sort((x, y) => y - x);
}

function momentsOf(rows: readonly Float32Array[], centred: boolean): number[][] {
  const dim = rows[0]!.length;
  const mean = Array.from({ length: dim }, (_, j) => (centred ? rows.reduce((sum, row) => sum + row[j]!, 0) / rows.length : 0));
  const entry = (i: number, j: number) => rows.reduce((sum, row) => sum + (row[i]! - mean[i]!) * (row[j]! - mean[j]!), 0) / rows.length;
  return Array.from({ length: dim }, (_, i) => Array.from({ length: dim }, (_, j) => entry(i, j)));
}

describe('PCA', () => {
  it.each([
    ['l2', 4, 14],
    ['l2', 12, 12],
    ['ip', 3, 10],
    ['cosine', 5, 11],
  ] as const)('keeps the most that as many directions can: %s, %s of %s', async (metric, kept, dim) => {
    const random = randomFrom(5);
    const stretched = lowRank(400, dim, 5, dim, 0.1).map(
      (x, i) => x * 0.7 ** (i % dim) + (metric === 'l2' ? 10 : 0.3) * (i % 3) + 0.1 * random(),
    );
    const vectors =
      metric === 'cosine' ? Float32Array.from(rowsOf(stretched, dim).flatMap((row) => [...row.map((x) => x / lengthOf(row))])) : stretched;
    const transform = await transformOf(`PCA${kept},SQ8`, vectors, dim, metric);
    const found = rowsOf(await applyTransform(engine, transform, vectors), kept);
    const moments = momentsOf(found, metric === 'l2');
    const most = eigenvaluesOf(momentsOf(rowsOf(vectors, dim), metric === 'l2'));
    for (const [i, row] of moments.entries()) {
      expect(row[i]! / most[i]!).toBeGreaterThan(1 - 3e-3);
      for (let j = 0; j < i; j++) expect(Math.abs(row[j]!), 'no correlation is left').toBeLessThan(3e-3 * most[0]!);
    }
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
    expect(sum(moments.map((row, i) => row[i]!)) / sum(most.slice(0, kept))).toBeGreaterThan(1 - 1e-3);
  });
});

describe('OPQ', () => {
  const opq = (vectors: Float32Array, dim: number, M: number, dimOut = dim, nBits: 4 | 8 = 4, on: Engine = engine) =>
    trainOpq(on, vectors, { dim, shape: { dim: dimOut, M, nBits }, centred: true, seed: 1, rounds: 11 });

  it.each(kinds)('never loses more from one rotation to the next: %s', async (kind) => {
    const { distortions, transform } = await opq(makeVectors(kind, 400, 18, 3), 18, 3);
    for (const [i, now] of distortions.entries()) if (i > 0) expect(now, `rotation ${i}`).toBeLessThanOrEqual(distortions[i - 1]! * 1.001);
    expect(deviation(transform)).toBeLessThan(roundingOf(18));
  });

  it('loses much less than without a rotation where dimensions are correlated', async () => {
    const vectors = lowRank(2000, 32, 4, 8, 0.02);
    const plain = await opq(vectors, 32, 4);
    const { plan } = await planOf('PQ4x4', vectors, 32);
    if (plan.codec.kind !== 'pq') throw new Error('no quantiser');
    const { quantizer } = plan.codec;
    const values = new Int16Array(32);
    let lost = 0;
    for (const row of rowsOf(vectors, 32)) {
      const best = row.map(() => 0);
      for (let sub = 0; sub < 4; sub++) {
        let least = Infinity;
        for (let c = 0; c < 16; c++) {
          quantizer.decodeValues(Int8Array.from([c | (c << 4), c | (c << 4), 0, 0]), 0, values);
          const part = row.subarray(8 * sub, 8 * sub + 8);
          const says = part.map((_, j) => quantizer.grid.shift[8 * sub + j]! + values[8 * sub + j]! / quantizer.grid.scale);
          if (apart(part, says) < least) [least] = [apart(part, says), best.set(says, 8 * sub)];
        }
      }
      lost += apart(row, best) ** 2 / 2000;
    }
    expect(plain.distortions.at(-1)!).toBeLessThan(0.8 * lost);
    expect(plain.distortions.at(-1)!).toBeLessThan(0.98 * plain.distortions[0]!);
  });

  it('drops the directions that say least', async () => {
    const vectors = lowRank(800, 23, 6, 8, 0.01);
    const { transform } = await opq(vectors, 23, 4, 12);
    expect([transform.dimIn, transform.dimOut]).toEqual([23, 12]);
    const found = await applyTransform(engine, transform, vectors);
    const trace = (rows: readonly Float32Array[]) => momentsOf(rows, true).reduce((sum, row, i) => sum + row[i]!, 0);
    expect(trace(rowsOf(found, 12)) / trace(rowsOf(vectors, 23))).toBeGreaterThan(0.995);
  });
});

describe('on every engine', async () => {
  const vectors = lowRank(300, 20, 7, 6, 0.1);
  const descriptions = ['RR,SQ8', 'PCA6,RR,SQ8', 'OPQ4,PQ4x4', 'OPQ3_15,IVF4,PQ3x4'];
  const right = await Promise.all(descriptions.map((description) => planOf(description, vectors, 20)));
  const applied = await applyTransform(engine, right[2]!.plan.transforms[0]!, vectors);
  for (const { name, open } of await enginesHere()) {
    const opened = open();
    afterAll(async () => (await opened).close());
    it(`plans and what they give are one: ${name}`, async () => {
      for (const [i, description] of descriptions.entries()) {
        if (name === 'gpu' && i < 3) continue;
        expect(await planOf(description, vectors, 20, 'l2', 1, await opened), description).toEqual(right[i]);
      }
      expect(await applyTransform(await opened, right[2]!.plan.transforms[0]!, vectors)).toEqual(applied);
    });
  }
});
