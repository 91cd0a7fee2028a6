/** Polar factors and covariances, which rotations are trained with: right to its accuracy, and the same bits on every engine. */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import type { HostEngine } from '../../src/host/engine.ts';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';
import { meanAndCovariance } from '../../src/index/linear/covariance.ts';
import { symmetricEigen } from '../../src/index/linear/eigen.ts';
import { orthogonalFactor } from '../../src/index/linear/polar.ts';
import { kinds, makeVectors, randomFrom, seed } from '../contract/data.ts';
import { expectSameBits } from '../contract/kernel.ts';
import { hooked, oneThread } from './helpers.ts';
import { gramOf, largest, looseness } from './linear-helpers.ts';

const reference = new ReferenceEngine();
const threads = [1, 2, 5];
const cpus = Promise.all(threads.map((count) => CpuEngine.open({ threads: count })));
afterAll(async () => {
  for (const engine of await cpus) engine.close();
});

describe('orthogonalFactor', () => {
  /** (A Aᵀ)^−½ A in f64 and the sum of the singular values of A, for conditions up to 1e6 or so. */
  async function factorByEigen(a: Float32Array, p: number, d: number) {
    const { values, vectors } = await symmetricEigen(gramOf(a, p, d), p);
    const root = new Float64Array(p * p);
    for (let e = 0; e < p; e++) {
      const weight = 1 / Math.sqrt(values[e]!);
      for (let i = 0; i < p; i++) for (let j = 0; j < p; j++) root[i * p + j]! += weight * vectors[e * p + i]! * vectors[e * p + j]!;
    }
    const factor = new Float64Array(p * d);
    for (let i = 0; i < p; i++) {
      for (let x = 0; x < p; x++) for (let j = 0; j < d; j++) factor[i * d + j]! += root[i * p + x]! * a[x * d + j]!;
    }
    const sum = values.reduce((total, value) => total + Math.sqrt(value), 0);
    return { factor, sum, condition: Math.sqrt(values[0]! / values[p - 1]!) };
  }

  const agreement = (r: Float32Array, a: Float32Array) => r.reduce((sum, value, at) => sum + value * a[at]!, 0);

  it('is the nearest matrix with orthonormal rows', async () => {
    const [engine] = await cpus;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(1e6),
        fc.constantFrom(1, 2, 3, 4, 5, 8, 17, 30),
        fc.constantFrom(0, 1, 2, 9, 40),
        fc.constantFrom(0, 1, 2, 4),
        fc.constantFrom(1e-30, 1, 1e30),
        async (offset, p, more, digits, size) => {
          const d = p + more;
          const random = randomFrom(offset);
          const rows = Float64Array.from({ length: p }, (_, i) => size * 10 ** ((-digits * i) / Math.max(1, p - 1)));
          const a = Float32Array.from({ length: p * d }, (_, at) => random.normal() * rows[Math.floor(at / d)]!);
          const r = await orthogonalFactor(engine!, a, { p, d });
          expect(looseness(r, p, d)).toBeLessThan(1.1e-5);
          const { factor, sum, condition } = await factorByEigen(
            a.map((x) => x / size),
            p,
            d,
          );
          expect(
            agreement(
              r,
              a.map((x) => x / size),
            ) / sum,
          ).toBeGreaterThan(1 - 1e-5);
          for (const [at, value] of factor.entries()) {
            expect(Math.abs(value - r[at]!), `entry ${at}, condition ${condition}`).toBeLessThan(1e-5 + 4e-6 * condition);
          }
        },
      ),
      { seed, numRuns: 150 },
    );
  });

  it.each([
    [1, 1],
    [5, 7],
    [31, 32],
    [130, 150],
  ])('has the same bits on every engine, %i × %i', async (p, d) => {
    const a = makeVectors('normal', p, d, p);
    const expected = await orthogonalFactor(reference, a, { p, d });
    for (const engine of await cpus) expectSameBits(await orthogonalFactor(engine, a, { p, d }), expected, engine.info.description);
  });

  it('leaves rotations as they are', async () => {
    const [engine] = await cpus;
    const { vectors } = await symmetricEigen(gramOf(makeVectors('normal', 40, 50, 3), 40, 50), 40);
    const a = Float32Array.from(vectors).subarray(0, 30 * 40);
    const r = await orthogonalFactor(engine!, a, { p: 30, d: 40 });
    for (const [at, value] of r.entries()) expect(Math.abs(value - a[at]!)).toBeLessThan(2e-6);
  });

  it('converges far beyond what it promises', async () => {
    const [engine] = await cpus;
    const d = 12;
    const hilbert = Float32Array.from({ length: d * d }, (_, at) => 1 / (1 + Math.floor(at / d) + (at % d)));
    expect(looseness(await orthogonalFactor(engine!, hilbert, { p: d, d }), d, d)).toBeLessThan(1.1e-5);
    for (let offset = 0; offset < 20; offset++) {
      const a = makeVectors('mixed', 24, 24, offset);
      if (offset % 2) a.copyWithin(24, 0, 24); // two rows alike
      expect(looseness(await orthogonalFactor(engine!, a, { p: 24, d: 24 }), 24, 24)).toBeLessThan(1.1e-5);
    }
  });

  it('says where there is no answer, and gives memory back', async () => {
    const engine = await oneThread();
    const before = engine.usedBytes;
    const fails = (a: Float32Array, message: string) => expect(orthogonalFactor(engine, a, { p: 2, d: 3 })).rejects.toThrow(message);
    await fails(new Float32Array(6), 'all entries are 0');
    await fails(Float32Array.of(1, 2, Number.NaN, 1, 0, 0), 'an entry is NaN');
    await fails(Float32Array.of(1, 2, 3, 1, Infinity, 0), 'an entry is Infinity');
    await fails(Float32Array.of(1, 2, 3, 0, 0, 0), 'from orthonormal after 66 steps');
    const controller = new AbortController();
    const reason = new Error('enough');
    const task = { p: 40, d: 40, signal: controller.signal, onProgress: () => controller.abort(reason) };
    await expect(orthogonalFactor(engine, makeVectors('normal', 40, 40), task)).rejects.toBe(reason);
    expect(engine.usedBytes).toBe(before);
    engine.close();
  });

  it('reports progress', async () => {
    const seen: number[] = [];
    await orthogonalFactor(reference, makeVectors('normal', 8, 9), { p: 8, d: 9, onProgress: (done, total) => seen.push(done / total) });
    expect(seen).toEqual(Array.from({ length: 11 }, (_, i) => (i + 1) / 11));
  });
});

describe('meanAndCovariance', () => {
  function naive(rows: Float32Array, d: number) {
    const n = rows.length / d;
    const mean = Float64Array.from({ length: d }, (_, j) => rows.reduce((sum, x, at) => (at % d === j ? sum + x : sum), 0) / n);
    const turned = Float64Array.from({ length: d * n }, (_, at) => rows[(at % n) * d + Math.floor(at / n)]! - mean[Math.floor(at / n)]!);
    return { mean, covariance: gramOf(turned, d, n).map((x) => x / n) };
  }

  async function expectMoments(engine: HostEngine, rows: Float32Array, d: number): Promise<void> {
    const actual = await meanAndCovariance(engine, rows, d);
    const expected = naive(rows, d);
    const size = largest(rows);
    for (let i = 0; i < d; i++) {
      expect(Math.abs(actual.mean[i]! - expected.mean[i]!), `mean ${i}`).toBeLessThanOrEqual(1e-12 * size);
      for (let j = 0; j < d; j++) {
        const [value, right] = [actual.covariance[i * d + j]!, expected.covariance[i * d + j]!];
        const scale = Math.sqrt(expected.covariance[i * d + i]! * expected.covariance[j * d + j]!);
        // deviations far below the largest one drown in f32's smallest numbers; those of constant values are f64's rounding
        expect(Math.abs(value - right), `covariance ${i}, ${j}`).toBeLessThanOrEqual(2e-6 * scale + 2 ** -60 * size * size);
        expect(value, 'symmetric').toBe(actual.covariance[j * d + i]!);
      }
    }
  }

  it('agrees with plain sums', async () => {
    const [engine] = await cpus;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(1e6),
        fc.constantFrom(1, 2, 3, 5, 17, 70),
        fc.constantFrom(1, 2, 5, 16, 17, 35),
        fc.constantFrom(...kinds),
        (offset, n, d, kind) => expectMoments(engine!, makeVectors(kind, n, d, offset), d),
      ),
      { seed, numRuns: 150 },
    );
  });

  it('over blocks of rows and strips of dimensions', async () => {
    const [engine] = await cpus;
    for (const [n, d] of [
      [511, 9],
      [512, 9],
      [1301, 37],
      [600, 150],
    ]) {
      await expectMoments(engine!, makeVectors('clusters', n!, d!, 5), d!);
    }
  });

  it('takes the largest and the smallest vectors that an index takes', async () => {
    const [engine] = await cpus;
    for (const size of [2 ** 59, 2 ** -130])
      await expectMoments(
        engine!,
        makeVectors('normal', 600, 5).map((x) => x * size),
        5,
      );
  });

  it('has the same bits on every engine', async () => {
    for (const [n, d] of [
      [1, 3],
      [70, 21],
      [1100, 150],
    ]) {
      const rows = makeVectors('mixed', n!, d!, 4);
      const expected = await meanAndCovariance(reference, rows, d!);
      for (const engine of await cpus) {
        const actual = await meanAndCovariance(engine, rows, d!);
        expectSameBits(actual.mean, expected.mean, 'mean');
        expectSameBits(actual.covariance, expected.covariance, `covariance, ${engine.info.description}`);
      }
    }
  });

  it('reports progress, can be aborted, and gives memory back', async () => {
    const engine = await oneThread();
    const before = engine.usedBytes;
    const rows = makeVectors('normal', 1100, 8);
    const seen: [number, number][] = [];
    await meanAndCovariance(engine, rows, 8, { onProgress: (done, total) => seen.push([done, total]) });
    expect(seen).toEqual([512, 1024, 1100].map((done) => [done, 1100]));
    const controller = new AbortController();
    const reason = new Error('enough');
    const aborting = hooked(engine, { run: () => controller.abort(reason) });
    await expect(meanAndCovariance(aborting, rows, 8, { signal: controller.signal })).rejects.toBe(reason);
    expect(engine.usedBytes).toBe(before);
    engine.close();
  });
});
