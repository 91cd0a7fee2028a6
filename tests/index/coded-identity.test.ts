/** One index, one file, one answer: whatever computes, however rows came and queries are batched. */
import { afterAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/host/engine.ts';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';
import type { CodedIndex } from '../../src/index/coded.ts';
import type { Metric, Neighbors, RangeNeighbors, SearchOptions } from '../../src/index/vector-index.ts';
import { fromBytes, labelBitset } from '../../src/node.ts';
import { type Kind, makeVectors } from '../contract/data.ts';
import { enginesHere } from '../contract/engines.ts';
import { coded } from './coded-fixture.ts';
import { expectSameBytes, expectSameNeighbors } from './helpers.ts';

interface Case {
  readonly description: string;
  readonly metric: Metric;
  readonly kind: Kind;
  readonly dim: number;
}

const cases: readonly Case[] = [
  { description: 'PQ8', metric: 'l2', kind: 'normal', dim: 24 },
  { description: 'PQ8x4', metric: 'ip', kind: 'bytes', dim: 16 },
  { description: 'OPQ8,PQ8x4', metric: 'l2', kind: 'outlier', dim: 18 },
  { description: 'IVF8,Flat', metric: 'l2', kind: 'duplicates', dim: 9 },
  { description: 'IVF8,PQ8x4', metric: 'cosine', kind: 'normal', dim: 16 },
  { description: 'IVF8,PQ4x4', metric: 'ip', kind: 'normal', dim: 12 },
  { description: 'IVF6,PQ4', metric: 'l2', kind: 'duplicates', dim: 8 },
  { description: 'PCA8,SQ8', metric: 'cosine', kind: 'bytes', dim: 20 },
  { description: 'RR,PQ4x4', metric: 'ip', kind: 'sorted', dim: 12 },
  { description: 'OPQ3,IVF5,PQ3x4,RFlat', metric: 'l2', kind: 'bytes', dim: 13 },
  { description: 'PQ4x4,RFlat', metric: 'cosine', kind: 'unit', dim: 8 },
  { description: 'IVF8,SQ8,RFlat', metric: 'ip', kind: 'clusters', dim: 5 },
  { description: 'SQ4', metric: 'ip', kind: 'normal', dim: 19 },
  { description: 'IVF6,LVQ8', metric: 'l2', kind: 'outlier', dim: 12 },
  { description: 'LVQ4', metric: 'cosine', kind: 'duplicates', dim: 24 },
  { description: 'IVF8,LVQ4,RFlat', metric: 'ip', kind: 'bytes', dim: 16 },
];
/** What a GPU that is none has time for, up to the first page: coded-device.test.ts has more for it. */
const little = new Set([4]);

const N = 300;
const NQ = 6;
const removed = Array.from({ length: 50 }, (_, i) => 5 * i + 1);
const few = labelBitset([3, 77, 200, 201, 299]);

/** Some rows come twice or more, and some queries are rows. */
function dataOf({ kind, dim }: Case) {
  const vectors = makeVectors(kind, N, dim, 1);
  const queries = makeVectors(kind, NQ, dim, 2);
  for (let i = 0; i < 40; i++) vectors.copyWithin((N - 41 - i) * dim, (i % 20) * dim, ((i % 20) + 1) * dim);
  for (let q = 0; q < NQ; q += 3) queries.set(vectors.subarray(q * dim, (q + 1) * dim), q * dim);
  return { vectors, queries };
}

const searches: readonly (SearchOptions & { k: number })[] = [
  { k: 10 },
  { k: 1, refineFactor: 1 },
  { k: 5, filter: (label) => label % 2 === 0 },
  { k: 12, filter: few, refineFactor: 1000 },
  { k: 600 },
];

/** The file and the answers at one time. */
interface Page {
  readonly file: Uint8Array;
  readonly answers: readonly Neighbors[];
  readonly ranges: readonly RangeNeighbors[];
}

const withLists = (description: string, options: SearchOptions) => (description.includes('IVF') ? { ...options, nprobe: 5 } : options);

async function pageOf(index: CodedIndex, queries: Float32Array): Promise<Page> {
  const answers: Neighbors[] = [];
  for (const options of searches) answers.push(await index.search(queries, options));
  answers.push(await index.search(queries, withLists(index.description, { k: 7 })));
  const ranges: RangeNeighbors[] = [];
  ranges.push(await index.rangeSearch(queries.subarray(0, 2 * index.dim), answers[0]!.distances[9]!));
  return { file: await index.toBytes(), answers, ranges };
}

/** Trains, adds, replaces, removes and compacts; `brief` ends with the rows that came. */
async function tell(engine: Engine, one: Case, brief = false): Promise<Page[]> {
  const { description, metric, dim } = one;
  const { vectors, queries } = dataOf(one);
  using index = coded(description, { dim, metric, seed: 5 }, engine);
  await index.train(vectors);
  for (const end of [200, 201, N]) await index.add(vectors.subarray(index.size * dim, end * dim));
  const pages = [await pageOf(index, queries)];
  if (brief) return pages;
  await index.add(vectors.subarray(0, 30 * dim), { labels: Array.from({ length: 30 }, (_, i) => (13 * i) % N) });
  await index.remove(removed);
  pages.push(await pageOf(index, queries));
  await index.compact();
  pages.push(await pageOf(index, queries));
  return pages;
}

/** The twins are slow: each story once for all engines. */
const reference = new ReferenceEngine();
const told = new Map<Case, Promise<Page[]>>();
function expected(one: Case): Promise<Page[]> {
  let story = told.get(one);
  if (!story) told.set(one, (story = tell(reference, one)));
  return story;
}

function expectSamePage(actual: Page, right: Page, what: string): void {
  expectSameBytes(actual.file, right.file, `${what}: file`);
  for (const [i, answer] of right.answers.entries()) expectSameNeighbors(actual.answers[i]!, answer, `${what}: search ${i}`);
  for (const [i, range] of right.ranges.entries()) {
    expectSameNeighbors(actual.ranges[i]!, range, `${what}: range ${i}`);
    expect(actual.ranges[i]!.offsets).toEqual(range.offsets);
  }
}

const nameOf = ({ description, metric, kind }: Case) => `${description}, ${metric}, ${kind}`;

/** Each once, in the order of (distance, label), and what may be returned. */
function expectSensible({ labels, distances, k }: Neighbors, passes: (label: number) => boolean): void {
  for (const [i, label] of labels.entries()) {
    expect(label < 0 ? distances[i] === Number.POSITIVE_INFINITY : passes(label), `label ${label}`).toBe(true);
    if (i % k === 0 || label < 0) continue;
    const [near, far] = [distances[i - 1]!, distances[i]!];
    expect(near < far || (near === far && labels[i - 1]! < label), `result ${i}`).toBe(true);
  }
}

describe('the twins tell', () => {
  it.each(cases)('a story with something in it: $description, $metric, $kind', async (one) => {
    const pages = await expected(one);
    const isGone = new Set(removed);
    for (const [i, { answers, ranges }] of pages.entries()) {
      const isThere = (label: number) => label < N && (i === 0 || !isGone.has(label));
      const filters = [undefined, undefined, (label: number) => label % 2 === 0, (label: number) => [3, 77, 200, 201, 299].includes(label)];
      for (const [j, answer] of answers.entries()) expectSensible(answer, (label) => isThere(label) && (filters[j]?.(label) ?? true));
      expect(ranges[0]!.labels.length).toBeGreaterThan(0);
      expect(ranges[0]!.labels.every(isThere)).toBe(true);
    }
    expectSamePage(
      { ...pages[2]!, file: pages[1]!.file },
      { ...pages[2]!, file: pages[2]!.file },
      'what is gone does not show in the file',
    );
    for (const [j, answer] of pages[1]!.answers.entries()) expectSameNeighbors(pages[2]!.answers[j]!, answer, `compacted, search ${j}`);
    expect(Buffer.compare(pages[0]!.file, pages[1]!.file)).not.toBe(0);
  });
});

/** The answers to queries [from, to) alone. */
function part({ labels, distances, k }: Neighbors, from: number, to: number) {
  return { labels: labels.slice(from * k, to * k), distances: distances.slice(from * k, to * k) };
}

/** Asks single queries, and batches of so many that begin with the fourth, over and over. */
async function expectInBatches(engine: Engine, one: Case, batches: readonly number[]): Promise<void> {
  const { queries } = dataOf(one);
  const [page] = await expected(one);
  using index = await fromBytes(page!.file, { engine });
  const ask = async (at: number, batch: number) => {
    const asked = Float32Array.from({ length: batch * one.dim }, (_, i) => queries[(at * one.dim + i) % queries.length]!);
    const found = await index.search(asked, searches[2]);
    expect(found.engine).toBe(engine.kind);
    for (let q = 0; q < batch; q++) {
      const own = (at + q) % NQ;
      expectSameNeighbors(part(found, q, q + 1), part(page!.answers[2]!, own, own + 1), `query ${q} of ${batch} from ${at} on`);
    }
  };
  for (const at of [0, 1, 5]) await ask(at, 1);
  for (const batch of batches) await ask(3, batch);
  expectSameBytes(await index.toBytes(), page!.file);
}

describe('an index over codes is one', async () => {
  for (const { name, open } of await enginesHere()) {
    if (name === 'reference') continue;
    describe(name, () => {
      const engine = open();
      afterAll(async () => (await engine).close());

      for (const [i, one] of cases.entries()) {
        if (name === 'gpu' && !little.has(i)) continue;
        it(nameOf(one), async () => {
          const right = await expected(one);
          const pages = await tell(await engine, one, name === 'gpu');
          for (const [j, page] of pages.entries()) expectSamePage(page, right[j]!, `page ${j}`);
        });
      }

      it('read from the file of another engine, in any batches', async () => {
        const some = name === 'gpu' ? [cases[4]!] : [cases[4]!, cases[9]!];
        const repeats = name === 'gpu' ? 2 : 120;
        for (const one of some) await expectInBatches(await engine, one, [4, repeats * NQ]);
      });
    });
  }
});

describe('any split of rows into adds gives the same bytes', () => {
  it.each(cases)('$description, $metric, $kind', async (one) => {
    const { description, metric, dim } = one;
    const { vectors } = dataOf(one);
    const files: Uint8Array[] = [];
    for (const ends of [[N], [1, 2, 3, 64, 65, 200, N], [N - 1, N]]) {
      using index = coded(description, { dim, metric });
      await index.train(vectors);
      for (const end of ends) await index.add(vectors.subarray(index.size * dim, end * dim));
      files.push(await index.toBytes());
    }
    using batched = coded(description, { dim, metric });
    await batched.train(vectors);
    await batched.add([vectors.subarray(0, 100 * dim), vectors.subarray(100 * dim, 101 * dim), vectors.subarray(101 * dim)]);
    files.push(await batched.toBytes());
    for (const [i, file] of files.entries()) expectSameBytes(file, files[0]!, `split ${i}`);
  });
});
