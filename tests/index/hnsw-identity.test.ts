/** One graph, one file, one answer: whatever computes, and however queries are batched. */
import { afterAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/host/engine.ts';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';
import type { HnswIndex } from '../../src/index/hnsw.ts';
import type { Metric, Neighbors, RangeNeighbors } from '../../src/index/vector-index.ts';
import { fromBytes } from '../../src/node.ts';
import { type Kind, makeVectors } from '../contract/data.ts';
import { enginesHere } from '../contract/engines.ts';
import { expectSameBytes, expectSameNeighbors } from './helpers.ts';
import { hnsw } from './hnsw-fixture.ts';
import { parseFile } from './hnsw-parse.ts';

/** How much there is: little for a GPU that is none, where each step of a walk takes milliseconds. */
interface Scale {
  readonly n: number;
  readonly nq: number;
  readonly efConstruction: number;
}
const full: Scale = { n: 800, nq: 24, efConstruction: 16 };
const little: Scale = { n: 210, nq: 6, efConstruction: 6 };

interface Case {
  readonly description: string;
  readonly metric: Metric;
  readonly kind: Kind;
  readonly dim: number;
  /** How the graph is scored (kernels/graph.ts). */
  readonly form: number;
}

const cases: readonly Case[] = [
  { description: 'HNSW6', metric: 'l2', kind: 'normal', dim: 24, form: 0 },
  { description: 'HNSW4', metric: 'ip', kind: 'bytes', dim: 40, form: 1 },
  { description: 'HNSW5', metric: 'cosine', kind: 'duplicates', dim: 9, form: 0 },
  { description: 'HNSW6', metric: 'l2', kind: 'clusters', dim: 17, form: 2 },
  { description: 'HNSW6', metric: 'ip', kind: 'outlier', dim: 5, form: 3 },
  { description: 'HNSW6,SQ8', metric: 'l2', kind: 'unit', dim: 33, form: 0 },
  { description: 'HNSW3,SQ8', metric: 'ip', kind: 'sorted', dim: 3, form: 1 },
];

/** Some rows come twice or more, and some queries are rows. */
function dataOf({ kind, dim }: Case, { n, nq }: Scale) {
  const vectors = makeVectors(kind, n, dim, 1);
  const queries = makeVectors(kind, nq, dim, 2);
  for (let i = 0; i < 60; i++) vectors.copyWithin((n - 61 - i) * dim, (i % 20) * dim, ((i % 20) + 1) * dim);
  for (let q = 0; q < nq; q += 3) queries.set(vectors.subarray(q * dim, (q + 1) * dim), q * dim);
  return { vectors, queries };
}

const half = (label: number) => label % 2 === 0;
const third = (label: number) => label % 3 === 0;
const seventh = (label: number) => label % 7 === 2;
const removed = new Set(Array.from({ length: 150 }, (_, i) => 5 * i + 1));
const few = (label: number) => label % 60 === 1;

/** Of 800 rows the first six walk; the others look at every row that passes. */
const searches = [
  { k: 10, efSearch: 16 },
  { k: 1, efSearch: 1 },
  { k: 12, efSearch: 5 }, // raised to k
  { k: 10, efSearch: 60 },
  { k: 10, efSearch: 12, filter: half },
  { k: 2, efSearch: 2, filter: seventh },
  { k: 30, efSearch: 64, filter: third },
  { k: 10, efSearch: 16, filter: few },
  { k: 1200, efSearch: 16 },
] as const;
type Asked = (typeof searches)[number];

/** Whether a search walks: the documented rule, a² > 8 · ef · n. */
function walks(options: Asked, labels: readonly number[], count: number): boolean {
  const admissible = 'filter' in options ? labels.filter(options.filter).length : labels.length;
  return admissible ** 2 > 8 * Math.max(options.efSearch, Math.min(options.k, admissible)) * count;
}

interface Story {
  /** The file after each step. */
  readonly files: readonly Uint8Array[];
  /** After the rows came, and after some went again. */
  readonly answers: readonly (readonly Neighbors[])[];
  readonly range: RangeNeighbors;
}

async function answersOf(index: HnswIndex, queries: Float32Array): Promise<Neighbors[]> {
  const answers = [];
  for (const options of searches) answers.push(await index.search(queries, { ...options, stats: true }));
  return answers;
}

/** Adds, searches, replaces, removes, searches, compacts. */
async function tell(engine: Engine, one: Case, scale: Scale): Promise<Story> {
  const { description, metric, dim } = one;
  const { n, efConstruction } = scale;
  const { vectors, queries } = dataOf(one, scale);
  using index = hnsw({ dim, metric, efConstruction, seed: 5 }, description, engine);
  const files: Uint8Array[] = [];
  const answers: Neighbors[][] = [];
  for (const end of [n - 200, n - 199, n]) await index.add(vectors.subarray(index.size * dim, end * dim));
  files.push(await index.toBytes());
  answers.push(await answersOf(index, queries));
  const range = await index.rangeSearch(queries, answers[0]![0]!.distances[19]!, { efSearch: 8 });
  await index.add(vectors.subarray(0, 50 * dim), { labels: Array.from({ length: 50 }, (_, i) => 13 * i) });
  await index.remove([...removed]);
  files.push(await index.toBytes());
  answers.push(await answersOf(index, queries));
  await index.compact();
  files.push(await index.toBytes());
  return { files, answers, range };
}

/** The twins are slow: each story once for all engines. */
const reference = new ReferenceEngine();
const told = new Map<Scale, Map<Case, Promise<Story>>>([full, little].map((scale) => [scale, new Map()]));
const expected = (one: Case, scale: Scale) =>
  told.get(scale)!.get(one) ??
  told
    .get(scale)!
    .set(one, tell(reference, one, scale))
    .get(one)!;

const nameOf = ({ description, metric, kind }: Case) => `${description}, ${metric}, ${kind}`;

function expectSameStory(actual: Story, right: Story): void {
  for (const [i, file] of right.files.entries()) expectSameBytes(actual.files[i]!, file, `file ${i}`);
  for (const [i, answers] of right.answers.entries()) {
    for (const [j, answer] of answers.entries()) {
      expectSameNeighbors(actual.answers[i]![j]!, answer, `answer ${i}, search ${j}`);
      expect(actual.answers[i]![j]!.stats!.hops, `answer ${i}, search ${j}: hops`).toEqual(answer.stats!.hops);
    }
  }
  expectSameNeighbors(actual.range, right.range, 'range');
  expect(actual.range.offsets).toEqual(right.range.offsets);
}

/** Filters kept, in the order of (distance, label), and walked for where that is due. */
function expectSensible({ labels, distances, stats, k }: Neighbors, options: Asked, walked: boolean): void {
  expect(stats!.hops.every((hops) => (walked ? hops > 0 : hops === 0))).toBe(true);
  const passes = 'filter' in options ? options.filter : () => true;
  for (const [i, label] of labels.entries()) {
    expect(label < 0 ? distances[i] === Number.POSITIVE_INFINITY : passes(label)).toBe(true);
    if (i % k === 0 || label < 0) continue;
    const [near, far] = [distances[i - 1]!, distances[i]!];
    expect(near < far || (near === far && labels[i - 1]! < label), `result ${i}`).toBe(true);
  }
}

describe('the twins tell', () => {
  it.each(cases)('a story with something in it: $description, $metric, $kind', async (one) => {
    const { files, answers, range } = await expected(one, full);
    expect(parseFile(files[0]!).header.state.form).toBe(one.form);
    expect(new Set(files.map((file) => Buffer.from(file).toString('base64'))).size).toBe(3);
    const all = Array.from({ length: full.n }, (_, label) => label);
    const left = all.filter((label) => !removed.has(label));
    for (const [j, options] of searches.entries()) {
      const walked = walks(options, all, full.n);
      expect(walked, `search ${j}`).toBe(j < 6);
      expectSensible(answers[0]![j]!, options, walked);
      expectSensible(answers[1]![j]!, options, walks(options, left, full.n + 50));
      expect(answers[1]![j]!.labels.some((label) => removed.has(label))).toBe(false);
    }
    expect(range.labels.length).toBeGreaterThan(0);
  });
});

/** The answers to queries [from, to) alone. */
function part({ labels, distances, k }: Neighbors, from: number, to: number) {
  return { labels: labels.slice(from * k, to * k), distances: distances.slice(from * k, to * k) };
}

describe('HNSW is one', async () => {
  for (const { name, open } of await enginesHere()) {
    if (name === 'reference') continue;
    const scale = name === 'gpu' ? little : full;
    const some = name === 'gpu' ? [0, 1, 3, 5].map((i) => cases[i]!) : cases;
    describe(name, () => {
      const engine = open();
      afterAll(async () => (await engine).close());

      for (const one of some)
        it(nameOf(one), async () => expectSameStory(await tell(await engine, one, scale), await expected(one, scale)));

      it('read from the file of another engine, in any batches', async () => {
        const one = cases[0]!;
        const { queries } = dataOf(one, full);
        const { files, answers } = await expected(one, full);
        using index = await fromBytes(files[0]!, { engine: await engine });
        const ask = async (j: number, at: number, batch: number) => {
          const found = await index.search(queries.subarray(at * one.dim, (at + batch) * one.dim), searches[j]);
          expectSameNeighbors(found, part(answers[0]![j]!, at, at + batch), `search ${j}, batch of ${batch} at ${at}`);
        };
        for (const j of searches.keys()) await ask(j, 3, 13);
        for (const batch of [1, 7, full.nq]) for (let at = 0; at < full.nq; at += batch) await ask(0, at, batch);
        expectSameBytes(await index.toBytes(), files[0]!);
      });

      it('with more queries than are walked for at a time', async () => {
        const one = cases[0]!;
        const { queries } = dataOf(one, full);
        const { files, answers } = await expected(one, full);
        using index = await fromBytes(files[0]!, { engine: await engine });
        const many = new Float32Array(300 * one.dim);
        for (let q = 0; q < 300; q++) many.set(queries.subarray((q % full.nq) * one.dim, ((q % full.nq) + 1) * one.dim), q * one.dim);
        const found = await index.search(many, searches[4]);
        for (let q = 0; q < 300; q++) {
          const at = q % full.nq;
          expectSameNeighbors(part(found, q, q + 1), part(answers[0]![4]!, at, at + 1), `query ${q}`);
        }
      });
    });
  }
});
