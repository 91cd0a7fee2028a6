/** k-means on integers: against a plain one, the same everywhere, and never worse from one step to the next. */
import { afterAll, describe, expect, it } from 'vitest';
import { LoadedCodebook } from '../../src/index/coding/codebook.ts';
import { bitsFor, integerGrid, packValues, type Split, splitOf, toGrid } from '../../src/index/coding/integer-grid.ts';
import { type Clustering, kmeans } from '../../src/index/coding/kmeans.ts';
import { type Kind, kinds, makeVectors, randomFrom } from '../contract/data.ts';
import { enginesHere } from '../contract/engines.ts';
import { engine } from './coded-fixture.ts';

interface Sample {
  readonly split: Split;
  readonly packed: Uint32Array;
  /** values[sub][row]: a subvector on the grid, padded as centroids are. */
  readonly values: number[][][];
}

function sampleOf(vectors: Float32Array, dim: number, M: number, bits = bitsFor(dim / M), m = M): Sample {
  const split = splitOf(dim, M, m);
  const grid = toGrid(vectors, integerGrid(vectors, dim, bits, true));
  const n = vectors.length / dim;
  const subvector = (row: number, sub: number) => {
    const at = row * dim + sub * split.dsub;
    const padding = new Array<number>(2 * split.pairs - split.dsub).fill(0);
    return sub < M ? [...grid.subarray(at, at + split.dsub), ...padding] : new Array<number>(2 * split.pairs).fill(0);
  };
  const values = Array.from({ length: m }, (_, sub) => Array.from({ length: n }, (_, row) => subvector(row, sub)));
  return { split, packed: packValues(grid, dim, split), values };
}

const apart = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, j) => sum + (x - b[j]!) ** 2, 0);

function nearestOf(row: readonly number[], centroids: readonly number[][]): number {
  let best = 0;
  for (const [c, centroid] of centroids.entries()) if (apart(row, centroid) < apart(row, centroids[best]!)) best = c;
  return best;
}

/** One subquantiser's k-means by the book; empty clusters get, one by one, the row worst served in the cluster that loses most. */
function plainKmeans(rows: readonly number[][], from: readonly number[][], iterations: number) {
  let centroids = from.map((centroid) => [...centroid]);
  const distortions: number[] = [];
  for (let step = 0; step < iterations; step++) {
    const assigned = rows.map((row) => nearestOf(row, centroids));
    const served = rows.map((row, i) => apart(row, centroids[assigned[i]!]!));
    distortions.push(served.reduce((a, b) => a + b, 0));
    const members = centroids.map((_, c) => [...rows.keys()].filter((i) => assigned[i] === c));
    centroids = centroids.map((old, c) => {
      const inside = members[c]!;
      return old.map((x, j) => (inside.length ? Math.floor(inside.reduce((sum, i) => sum + rows[i]![j]!, 0) / inside.length + 0.5) : x));
    });
    for (const c of [...members.keys()].filter((c) => members[c]!.length === 0)) {
      const losses = members.map((inside) => inside.reduce((sum, i) => sum + served[i]!, 0));
      const worst = losses.indexOf(Math.max(...losses));
      if (losses[worst] === 0) break;
      const farthest = members[worst]!.reduce((a, b) => (served[b]! > served[a]! ? b : a));
      centroids[c] = [...rows[farthest]!];
      for (const i of members[worst]!) served[i] = Math.min(served[i]!, apart(rows[i]!, rows[farthest]!));
    }
  }
  return { centroids, distortions };
}

const at = (centroids: Int16Array, { pairs }: Split, ksub: number, sub: number) =>
  Array.from({ length: ksub }, (_, c) => [...centroids.subarray((sub * ksub + c) * 2 * pairs, (sub * ksub + c + 1) * 2 * pairs)]);

const cluster = ({ packed, split }: Sample, ksub: number, iterations = 12, on = engine) =>
  kmeans(on, packed, { split, ksub, iterations, seed: 3 });

function expectFalling({ distortions }: Clustering): void {
  for (const [i, now] of distortions.entries()) if (i > 0) expect(now, `step ${i}`).toBeLessThanOrEqual(distortions[i - 1]!);
}

const cases: readonly [what: string, sample: Sample, ksub: number][] = [
  ['plain data', sampleOf(makeVectors('normal', 400, 12, 1), 12, 3), 16],
  ['an odd split with padding', sampleOf(makeVectors('unit', 300, 9, 2), 9, 3, undefined, 4), 16],
  ['two far clusters', sampleOf(makeVectors('clusters', 300, 8, 3), 8, 2), 16],
  ['hardly any bits', sampleOf(makeVectors('normal', 500, 6, 4), 6, 2, 2), 64],
  ['copies of seven rows', sampleOf(makeVectors('duplicates', 300, 8, 5), 8, 2), 32],
  ['mostly zeros', sampleOf(makeVectors('zeros', 300, 8, 6), 8, 4), 64],
  ['an outlier', sampleOf(makeVectors('outlier', 300, 8, 7), 8, 2), 16],
];

describe('k-means', () => {
  it.each(cases)('is that of the book: %s', async (_, sample, ksub) => {
    const { split, values, packed } = sample;
    const found = await cluster(sample, ksub);
    expectFalling(found);
    const from = new Int16Array(split.m * ksub * 2 * split.pairs);
    const random = randomFrom(9);
    for (const [sub, rows] of values.entries()) {
      for (let c = 0; c < ksub; c++) from.set(rows[random.int(0, rows.length - 1)]!, (sub * ksub + c) * 2 * split.pairs);
    }
    const given = await kmeans(engine, packed, { split, ksub, iterations: 12, seed: 3, from });
    expectFalling(given);
    let total = new Array<number>(12).fill(0);
    for (const [sub, rows] of values.entries()) {
      const plain = plainKmeans(rows, at(from, split, ksub, sub), 12);
      expect(at(given.centroids, split, ksub, sub), `subvector ${sub}`).toEqual(plain.centroids);
      total = total.map((sum, step) => sum + plain.distortions[step]!);
    }
    expect(given.distortions).toEqual(total.slice(0, given.distortions.length));
  });

  it.each(kinds)('never gets worse, and leaves no cluster empty that a row could have: %s', async (kind: Kind) => {
    const sample = sampleOf(makeVectors(kind, 350, 12, 11), 12, 3);
    const ksub = 64;
    const found = await cluster(sample, ksub, 30);
    expectFalling(found);
    for (const [sub, rows] of sample.values.entries()) {
      const centroids = at(found.centroids, sample.split, ksub, sub);
      const distinct = new Set(rows.map(String)).size;
      const used = new Set(rows.map((row) => nearestOf(row, centroids))).size;
      if (distinct <= ksub / 2) expect(used, `${distinct} distinct subvectors`).toBe(distinct);
      else expect(used, `of ${distinct} distinct subvectors`).toBeGreaterThanOrEqual(Math.min(distinct, ksub) * 0.9);
    }
  });

  it('gives every row a centroid of its own where there are enough', async () => {
    for (const n of [1, 2, 15, 16, 17]) {
      const sample = sampleOf(makeVectors('normal', n, 8, 21), 8, 2);
      const { distortions } = await cluster(sample, 16);
      if (n <= 16) expect(distortions.at(-1), `${n} rows`).toBe(0);
      else expect(distortions.at(-1)).toBeGreaterThan(0);
    }
  });

  it('finds the clusters that there are, wherever it begins', async () => {
    const random = randomFrom(31);
    const centres = Array.from({ length: 16 }, (_, i) => [i % 4, Math.floor(i / 4)].map((x) => x * 100));
    const rows = Float32Array.from({ length: 2 * 800 }, (_, i) => centres[(i >> 1) % 16]![i & 1]! + random.normal());
    const { packed, split, values } = sampleOf(rows, 2, 1);
    const from = new Int16Array(16 * 2); // all in one place, so that fifteen are empty
    const found = await kmeans(engine, packed, { split, ksub: 16, iterations: 12, seed: 1, from });
    expectFalling(found);
    const assigned = values[0]!.map((row) => nearestOf(row, at(found.centroids, split, 16, 0)));
    for (let i = 16; i < 800; i++) expect(assigned[i]).toBe(assigned[i % 16]);
    expect(new Set(assigned).size).toBe(16);
  });

  it('puts rows into as many blocks as they need', async () => {
    const sample = sampleOf(makeVectors('normal', 400, 12, 1), 12, 3);
    const right = await cluster(sample, 16);
    for (const maxBlockBytes of [24, 1000, 4800]) {
      const lengths: number[] = [];
      const short = new Proxy(engine, {
        get(target, name) {
          if (name === 'maxBlockBytes') return maxBlockBytes;
          if (name === 'alloc') {
            return (dtype: 'u32', length: number, label: string) => {
              if (label === 'k-means: rows') lengths.push(4 * length);
              return target.alloc(dtype, length, label);
            };
          }
          const value = Reflect.get(target, name, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      expect(await cluster(sample, 16, 12, short)).toEqual(right);
      expect(Math.max(...lengths)).toBeLessThanOrEqual(maxBlockBytes);
      expect(lengths.reduce((a, b) => a + b)).toBe(400 * 24);
    }
  });

  it('tells how far it is, and stops where it is told to', async () => {
    const { packed, split } = sampleOf(makeVectors('normal', 400, 12, 1), 12, 3);
    const done: number[] = [];
    const task = { split, ksub: 16, iterations: 9, seed: 1, onProgress: (step: number) => done.push(step) };
    await kmeans(engine, packed, task);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    const reason = new Error('enough');
    const controller = new AbortController();
    const used = engine.usedBytes;
    const aborting = { ...task, signal: controller.signal, onProgress: () => controller.abort(reason) };
    await expect(kmeans(engine, packed, aborting)).rejects.toBe(reason);
    expect(engine.usedBytes).toBe(used);
  });
});

describe('the nearest centroid', () => {
  it.each([2, 5, 8, 24, 96])('of values at the ends of the grid is exact: %s dimensions', async (dsub) => {
    const bits = bitsFor(dsub);
    const most = 2 ** bits - 1;
    const random = randomFrom(dsub);
    const draw = () => Array.from({ length: dsub }, () => (random() < 0.6 ? (random() < 0.5 ? most : -most) : random.int(-most, most)));
    const [rows, wanted] = [Array.from({ length: 60 }, draw), Array.from({ length: 24 }, draw)];
    wanted.push(
      wanted[3]!,
      rows[0]!.map((x) => -x),
    );
    const split = splitOf(dsub, 1);
    const pad = (row: readonly number[]) => [...row, ...new Array<number>(2 * split.pairs - dsub).fill(0)];
    const centroids = Int16Array.from(wanted.flatMap(pad));
    using book = await LoadedCodebook.open(engine, { split, ksub: wanted.length, weight: 2, centroids });
    const found = await book.nearest(packValues(Int16Array.from(rows.flat()), dsub, split));
    const big = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, j) => sum + BigInt(x - b[j]!) ** 2n, 0n);
    const right = rows.map((row) => wanted.reduce((best, c, i) => (big(row, c) < big(row, wanted[best]!) ? i : best), 0));
    expect([...found]).toEqual(right);
  });
});

describe('on every engine', async () => {
  const right = await Promise.all(cases.map(([, sample, ksub]) => cluster(sample, ksub)));
  for (const { name, open } of await enginesHere()) {
    const opened = open();
    afterAll(async () => (await opened).close());
    it(`k-means is one: ${name}`, async () => {
      for (const [i, [what, sample, ksub]] of cases.entries()) {
        if (name === 'gpu' && i > 3) continue;
        expect(await cluster(sample, ksub, 12, (await opened) as typeof engine), what).toEqual(right[i]);
      }
    });
  }
});
