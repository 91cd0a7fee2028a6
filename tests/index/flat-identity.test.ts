/** One answer and one file: whatever computes, however queries are batched and rows were added. */
import { afterAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/host/engine.ts';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';
import { makeIndex } from '../../src/index/factory.ts';
import { FlatCodes } from '../../src/index/flat-codes.ts';
import type { Metric, Neighbors, VectorIndex } from '../../src/index/vector-index.ts';
import { sq8Filter } from '../../src/kernels/sq8-filter.ts';
import { makeVectors } from '../contract/data.ts';
import { enginesHere } from '../contract/engines.ts';
import {
  expectExact,
  expectSameBytes,
  expectSameNeighbors,
  hooked,
  labelled,
  lowRank,
  metrics,
  nearest,
  oneThread,
  snapshotOf,
} from './helpers.ts';

const n = 5000;
const nq = 1000;
const k = 10;

interface Data {
  readonly name: string;
  readonly dim: number;
  readonly vectors: Float32Array;
  readonly queries: Float32Array;
  readonly projects: boolean;
}

/** Some rows come twice or more, and some queries are rows. */
function withTies(vectors: Float32Array, queries: Float32Array, dim: number): void {
  for (let i = 0; i < 200; i++) vectors.copyWithin((4000 + i) * dim, (i % 50) * dim, ((i % 50) + 1) * dim);
  for (let i = 0; i < 50; i++) queries.set(vectors.subarray(i * dim, (i + 1) * dim), 3 * i * dim);
}

function dataOf(name: string, dim: number, projects: boolean, make: (n: number, offset: number) => Float32Array): Data {
  const [vectors, queries] = [make(n, 1), make(nq, 2)];
  withTies(vectors, queries, dim);
  return { name, dim, vectors, queries, projects };
}

const datasets = [
  dataOf('whole rows, dim 24', 24, false, (rows, offset) => makeVectors('normal', rows, 24, offset)),
  dataOf('a projection, dim 112', 112, true, (rows, offset) => lowRank(rows, 112, offset)),
];

/** Searches the first queries in batches, and puts the answers together. */
async function inBatches(index: VectorIndex, { queries, dim }: Data, batch: number, count: number) {
  const labels = new Int32Array(count * k);
  const distances = new Float32Array(count * k);
  for (let at = 0; at < count; at += batch) {
    const found = await index.search(queries.subarray(at * dim, Math.min(count, at + batch) * dim), { k });
    labels.set(found.labels, at * k);
    distances.set(found.distances, at * k);
  }
  return { labels, distances };
}

const head = ({ labels, distances }: Pick<Neighbors, 'labels' | 'distances'>, queries: number) => ({
  labels: labels.subarray(0, queries * k),
  distances: distances.subarray(0, queries * k),
});

async function filled(engine: Engine, metric: Metric, { dim, vectors }: Pick<Data, 'dim' | 'vectors'>): Promise<VectorIndex> {
  const index = makeIndex('Flat', { dim, metric }, engine);
  await index.add(vectors);
  return index;
}

/** The answers that all others are compared with: one thread, one batch, one add. Checked against brute force at its head. */
const known = new Map<string, Promise<{ labels: Int32Array; distances: Float32Array; bytes: Uint8Array }>>();
function expected(metric: Metric, data: Data) {
  const key = `${metric}, ${data.name}`;
  if (!known.has(key)) known.set(key, answer(metric, data));
  return known.get(key)!;
}

async function answer(metric: Metric, data: Data) {
  using engine = await oneThread();
  using index = await filled(engine, metric, data);
  const found = await index.search(data.queries, { k });
  const checked = 12;
  const oracle = nearest(metric, labelled(data.vectors, data.dim), data.queries.subarray(0, checked * data.dim), data.dim, k);
  expectSameNeighbors(head(found, checked), oracle, 'brute force');
  return { ...found, bytes: await index.toBytes() };
}

/** Splits of the rows into calls of add: where each call ends. */
const splits: Record<string, number[]> = {
  'seven uneven calls': [1, 64, 65, 1500, 1501, 4097, n],
  'one by one, then the rest': [...Array.from({ length: 100 }, (_, i) => i + 1), n],
};

/** One query against the rows that have come so far. */
async function exactSoFar(index: VectorIndex, { vectors, queries, dim }: Data): Promise<void> {
  const rows = labelled(vectors.subarray(0, index.size * dim), dim);
  await expectExact(index, rows, queries.subarray(0, dim), k, `after ${index.size} rows`);
}

describe('the data', () => {
  it.each(datasets)('$name', async ({ dim, vectors, projects }) => {
    for (const metric of metrics) {
      const codes = await FlatCodes.plan(new ReferenceEngine(), snapshotOf(vectors, dim), metric, 1, Math.ceil(dim / 16) * 16);
      expect(codes.plan.projection !== undefined, metric).toBe(projects);
    }
  });
});

describe('identity', async () => {
  for (const { name, open } of await enginesHere()) {
    describe(name, () => {
      const engine = open();
      afterAll(async () => (await engine).close());
      /** The twins and software drivers are slow: they get fewer queries. */
      const upTo = async (fast: number, slow: number) => (name === 'reference' || (await engine).info.adapter?.software ? slow : fast);

      for (const metric of metrics) {
        for (const data of datasets) {
          it(`${metric}, ${data.name}: batches of 1, 7 and all`, async () => {
            const right = await expected(metric, data);
            using index = await filled(await engine, metric, data);
            const [all, few] = [await upTo(nq, 12), await upTo(70, 8)];
            expectSameNeighbors(await inBatches(index, data, all, all), head(right, all), 'one batch');
            expectSameNeighbors(await inBatches(index, data, 7, few), head(right, few), 'batches of 7');
            expectSameNeighbors(await inBatches(index, data, 1, 2), head(right, 2), 'batches of 1');
            expectSameBytes(await index.toBytes(), right.bytes, 'the file');
          });
        }
      }

      it.each(Object.entries(splits))('rows added in %s, with searches in between', async (_, ends) => {
        for (const [metric, data] of [
          ['l2', datasets[1]!],
          ['ip', datasets[0]!],
        ] as const) {
          const right = await expected(metric, data);
          const { dim, vectors } = data;
          using index = makeIndex('Flat', { dim, metric }, await engine);
          for (const end of ends) {
            await index.add(vectors.subarray(index.size * dim, end * dim));
            // codes are made, extended and, beyond half as many rows again, planned anew
            if (end >= 1024 || end % 33 === 0) await exactSoFar(index, data);
          }
          const count = await upTo(200, 8);
          expectSameNeighbors(await inBatches(index, data, count, count), head(right, count), 'at the end');
          expectSameBytes(await index.toBytes(), right.bytes, 'the file');
        }
      });

      it('rows that trickle in behind the codes', async () => {
        const { dim, vectors } = datasets[1]!;
        using index = makeIndex('Flat', { dim, metric: 'cosine' }, await engine);
        for (const end of [3000, 3001, 3002, 3063, 3064, 3065, 3130, 4300]) {
          await index.add(vectors.subarray(index.size * dim, end * dim));
          await exactSoFar(index, datasets[1]!);
        }
      });

      it('k around what is selected on the device, near the size, and beyond it', async () => {
        const { dim, vectors, queries } = datasets[0]!;
        const some = queries.subarray(0, 2 * dim);
        const rows = labelled(vectors, dim);
        using index = await filled(await engine, 'l2', datasets[0]!);
        const all = nearest('l2', rows, some, dim, n + 3);
        for (const wanted of [1, 165, 166, 171, 600, 625, 4990, n, n + 3]) {
          const right = {
            labels: Int32Array.from([0, 1].flatMap((q) => [...all.labels.subarray(q * (n + 3), q * (n + 3) + wanted)])),
            distances: Float32Array.from([0, 1].flatMap((q) => [...all.distances.subarray(q * (n + 3), q * (n + 3) + wanted)])),
          };
          expectSameNeighbors(await index.search(some, { k: wanted }), right, `k ${wanted}`);
        }
        const padded = await index.search(some, { k: n + 3 });
        expect([...padded.labels.subarray(n, n + 3)]).toEqual([-1, -1, -1]);
        expect([...padded.distances.subarray(n, n + 3)]).toEqual(new Array(3).fill(Number.POSITIVE_INFINITY));
      });

      it('large k with a projection', async () => {
        const { dim, vectors, queries } = datasets[1]!;
        using index = await filled(await engine, 'ip', datasets[1]!);
        await expectExact(index, labelled(vectors, dim), queries.subarray(0, 2 * dim), 400);
      });

      it('all distances equal: lists overflow, and the smallest labels win', async () => {
        const rows = 10_000; // some pass takes more than 4,096 of them a query
        const dim = 4;
        for (const metric of metrics) {
          using index = await filled(await engine, metric, { dim, vectors: new Float32Array(rows * dim).fill(0.37) });
          const queries = Float32Array.of(0.37, 0.37, 0.37, 0.37, 1, 2, -3, 1, -5, -5, -5, -5);
          const found = await index.search(queries, { k });
          for (let q = 0; q < 3; q++) {
            expect([...found.labels.subarray(q * k, (q + 1) * k)], metric).toEqual(Array.from({ length: k }, (_, i) => i));
          }
          const everything = await index.rangeSearch(queries.subarray(0, dim), Number.POSITIVE_INFINITY);
          expect(everything.labels.length).toBe(rows);
          expect(everything.labels.every((label, i) => label === i)).toBe(true);
        }
      });

      it('few distinct distances', async () => {
        const dim = 16;
        const vectors = makeVectors('bytes', 3000, dim, 5).map((x) => (x > 230 ? 1 : 0));
        using index = await filled(await engine, 'l2', { dim, vectors });
        await expectExact(index, labelled(vectors, dim), vectors.subarray(0, 5 * dim), 40);
      });
    });
  }

  it('an overflowing list is scanned again in halves', async () => {
    using cpu = await oneThread();
    let filters = 0;
    const engine = hooked(cpu, {
      run: ({ dispatches }) => void (filters += dispatches.filter(({ kernel }) => kernel === sq8Filter).length),
    });
    const dim = 4;
    using index = await filled(engine, 'l2', { dim, vectors: new Float32Array(10_000 * dim).fill(0.37) });
    await index.search(new Float32Array(300 * dim), { k: 3 }); // more queries than a slice holds
    expect(filters).toBeGreaterThan(2 * 3); // two slices of three passes, and halves
  });
});
