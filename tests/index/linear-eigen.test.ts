/** Eigenvalues and vectors of symmetric matrices, ordinary and nasty: right to their accuracy, with the same bits everywhere. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Eigen, symmetricEigen } from '../../src/index/linear/eigen.ts';
import { randomUniforms } from '../../src/util/random.ts';
import { Breather } from '../../src/util/tasks.ts';
import { type Random, randomFrom, seed } from '../contract/data.ts';
import { expectSameBits } from '../contract/kernel.ts';
import { gramOf, largest, looseness } from './linear-helpers.ts';

const EPSILON = 2 ** -52;

describe('symmetricEigen', () => {
  /** What every decomposition owes: A v = λ v, orthonormal rows, descending values, signs by the rule. */
  function expectDecomposed(matrix: Float64Array, d: number, { values, vectors }: Eigen): void {
    const norm = largest(values);
    const allowed = 8 * d * EPSILON;
    expect(values.length).toBe(d);
    for (let i = 0; i < d; i++) {
      const v = vectors.subarray(i * d, (i + 1) * d);
      for (let row = 0; row < d; row++) {
        let product = 0;
        for (let j = 0; j < d; j++) product += matrix[row * d + j]! * v[j]!;
        expect(Math.abs(product - values[i]! * v[row]!), `entry ${row} of A v − λ v, value ${i}`).toBeLessThanOrEqual(allowed * norm);
      }
      const strongest = v.findIndex((x) => Math.abs(x) === largest(v));
      expect(v[strongest], `the strongest component of vector ${i}`).toBeGreaterThan(0);
      if (i > 0) expect(values[i]!, `value ${i}`).toBeLessThanOrEqual(values[i - 1]!);
    }
    expect(looseness(vectors, d, d)).toBeLessThanOrEqual(allowed);
  }

  /** [d, d] from what entry (i, j), j ≤ i, is. */
  function symmetric(d: number, entry: (i: number, j: number) => number): Float64Array {
    const out = new Float64Array(d * d);
    for (let i = 0; i < d; i++) for (let j = 0; j <= i; j++) out[i * d + j] = out[j * d + i] = entry(i, j);
    return out;
  }

  const factors = (r: Random, rows: number, d: number) => Float64Array.from({ length: rows * d }, () => r.normal());

  const matrices: Record<string, (r: Random, d: number) => Float64Array> = {
    normal: (r, d) => symmetric(d, () => r.normal()),
    'of small integers': (r, d) => symmetric(d, () => r.int(-2, 2)),
    positive: (r, d) => gramOf(factors(r, d, 2 * d), d, 2 * d),
    'of low rank': (r, d) => gramOf(factors(r, d, 1 + (d >> 2)), d, 1 + (d >> 2)),
    diagonal: (r, d) => symmetric(d, (i, j) => (i === j ? r.int(-3, 3) : 0)),
    tridiagonal: (r, d) => symmetric(d, (i, j) => (i - j < 2 ? r.normal() : 0)),
    'of blocks': (r, d) => symmetric(d, (i, j) => (i % 3 === j % 3 ? r.normal() : 0)),
    constant: (_, d) => symmetric(d, () => 3),
    'of ±1, values repeated': (_, d) => symmetric(d, (i, j) => (i === j ? 1 : (-1) ** (i + j))),
    zero: (_, d) => symmetric(d, () => 0),
    tiny: (r, d) => symmetric(d, () => r.normal() * 1e-290),
    huge: (r, d) => symmetric(d, () => r.normal() * 1e300),
    graded: (r, d) => symmetric(d, (i, j) => r.normal() * 10 ** (-8 * (i + j))),
    'graded upwards': (r, d) => symmetric(d, (i, j) => r.normal() * 10 ** (-8 * (2 * d - i - j))),
    'nearly diagonal': (r, d) => symmetric(d, (i, j) => (i === j ? r.int(1, 3) : r.normal() * 1e-17)),
  };

  it.each(Object.keys(matrices))('decomposes matrices: %s', async (kind) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1e6), fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 13, 32, 33), async (offset, d) => {
        const matrix = matrices[kind]!(randomFrom(offset), d);
        const before = matrix.slice();
        expectDecomposed(matrix, d, await symmetricEigen(matrix, d));
        expectSameBits(matrix, before, 'the matrix');
      }),
      { seed, numRuns: 30 },
    );
  });

  it('finds values that are known', async () => {
    const d = 120;
    const matrix = symmetric(d, (i, j) => (i === j ? 2 : i - j === 1 ? -1 : 0)); // second differences
    const { values, vectors } = await symmetricEigen(matrix, d);
    for (let i = 0; i < d; i++) expect(values[i]).toBeCloseTo(2 + 2 * Math.cos((Math.PI * (i + 1)) / (d + 1)), 13);
    expectDecomposed(matrix, d, { values, vectors });
  });

  it('puts equal values in order and turns signs', async () => {
    const { values, vectors } = await symmetricEigen(
      symmetric(3, (i, j) => (i === j ? [2, 5, 2][i]! : 0)),
      3,
    );
    expect([...values]).toEqual([5, 2, 2]);
    expect([...vectors].map((x) => x + 0)).toEqual([0, 1, 0, 1, 0, 0, 0, 0, 1]);
    expect(await symmetricEigen(Float64Array.of(-3), 1)).toEqual({ values: Float64Array.of(-3), vectors: Float64Array.of(1) });
    // (1, −1) / √2 belongs to −1: components of equal magnitude, the first is positive
    const pair = await symmetricEigen(Float64Array.of(0, 1, 1, 0), 2);
    expect([...pair.values]).toEqual([1, -1].map((x) => expect.closeTo(x, 15)));
    expect(pair.vectors[2]).toBeGreaterThan(0);
  });

  it('reads the lower triangle only, and takes no NaN there', async () => {
    const d = 9;
    const full = matrices.normal!(randomFrom(1), d);
    const half = full.map((x, at) => (at % d > Math.floor(at / d) ? Number.NaN : x));
    expect(await symmetricEigen(half, d)).toEqual(await symmetricEigen(full, d));
    for (const value of [Number.NaN, Infinity]) {
      half[4 * d + 2] = value;
      await expect(symmetricEigen(half, d)).rejects.toThrow(`entry 4, 2 is ${value}`);
    }
  });

  it('gives these bits, wherever it runs', async () => {
    const d = 60;
    const uniform = randomUniforms(7);
    const { values, vectors } = await symmetricEigen(
      symmetric(d, () => uniform() - 0.5),
      d,
    );
    const digest = createHash('sha256').update(new Uint8Array(values.buffer)).update(new Uint8Array(vectors.buffer)).digest('hex');
    expect(digest).toBe('e43101be5aab5d28cf4692a79646e743ac86b7de5e5b21b895e73a397d5eb047');
  });

  it('reports progress, leaves turns to others and can be aborted', async () => {
    const d = 300; // more rotations than are kept
    const matrix = matrices.positive!(randomFrom(2), d);
    const seen: number[] = [];
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const eigen = await symmetricEigen(matrix, d, new Breather(undefined, 1), (done, total) => {
      expect(total).toBe(3 * d);
      seen.push(done);
    });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(3 * d);
    expectDecomposed(matrix, d, eigen);

    for (const when of [0.1, 1.2, 2.1]) {
      const controller = new AbortController();
      const reason = new Error('enough');
      const stop = (done: number) => (done >= when * d ? controller.abort(reason) : undefined);
      await expect(symmetricEigen(matrix, d, new Breather(controller.signal), stop)).rejects.toBe(reason);
    }
  });
});
