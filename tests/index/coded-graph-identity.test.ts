/** One graph over codes, one file, one answer: whatever computes. */
import { afterAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/host/engine.ts';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';
import type { Metric, Neighbors, RangeNeighbors } from '../../src/index/vector-index.ts';
import { fromBytes } from '../../src/node.ts';
import { type Kind, makeVectors } from '../contract/data.ts';
import { enginesHere } from '../contract/engines.ts';
import { coded } from './coded-graph-fixture.ts';
import { expectSameBytes, expectSameNeighbors } from './helpers.ts';
import { parseFile } from './hnsw-parse.ts';

interface Case {
  readonly description: string;
  readonly metric: Metric;
  readonly kind: Kind;
  readonly dim: number;
  /** What the graph is built on (kernels/graph.ts). */
  readonly form: number;
}

const cases: readonly Case[] = [
  { description: 'HNSW5,PQ4x4', metric: 'l2', kind: 'normal', dim: 16, form: 0 },
  { description: 'OPQ3,HNSW4,PQ3x4', metric: 'cosine', kind: 'duplicates', dim: 10, form: 0 },
  { description: 'HNSW5,PQ5x4,RFlat', metric: 'ip', kind: 'bytes', dim: 20, form: 1 },
  { description: 'RR,HNSW4,PQ2', metric: 'l2', kind: 'unit', dim: 8, form: 0 },
  { description: 'HNSW5,PQ4x4,RFlat', metric: 'l2', kind: 'clusters', dim: 12, form: 2 },
];

/** Little for a GPU that is none, where each step of a build takes milliseconds. */
const full = { n: 720, efConstruction: 16 };
const little = { n: 270, efConstruction: 6 };
type Scale = typeof full;

const half = (label: number) => label % 2 === 0;
const few = (label: number) => label % 40 === 1;
const searches = [
  { k: 3, efSearch: 8 },
  { k: 1, efSearch: 1 },
  { k: 2, efSearch: 4, filter: half },
  { k: 10, efSearch: 16, filter: few },
  { k: 600, efSearch: 16 },
] as const;

interface Story {
  readonly files: readonly Uint8Array[];
  readonly answers: readonly Neighbors[];
  readonly range: RangeNeighbors;
}

/** Trains, adds, searches, replaces, removes, searches, compacts, adds again. */
async function tell(engine: Engine, { description, metric, kind, dim }: Case, { n, efConstruction }: Scale): Promise<Story> {
  const vectors = makeVectors(kind, n, dim, 1);
  const queries = makeVectors(kind, 9, dim, 2);
  queries.set(vectors.subarray(0, dim));
  using index = coded(description, { dim, metric, efConstruction, seed: 5 }, engine);
  const files: Uint8Array[] = [];
  const answers: Neighbors[] = [];
  const step = async () => {
    files.push(await index.toBytes());
    for (const options of searches) answers.push(await index.search(queries, { ...options, stats: true }));
  };
  await index.train(vectors);
  for (const end of [n - 100, n - 99, n]) await index.add(vectors.subarray(index.size * dim, end * dim));
  await step();
  const range = await index.rangeSearch(queries, answers[0]!.distances[2]!, { efSearch: 4 });
  await index.add(vectors.subarray(0, 30 * dim), { labels: Array.from({ length: 30 }, (_, i) => 7 * i) });
  await index.remove(Array.from({ length: 60 }, (_, i) => 3 * i));
  await step();
  await index.compact();
  await index.add(vectors.subarray(0, 20 * dim));
  await step();
  return { files, answers, range };
}

/** The twins are slow: each story once for all engines. */
const reference = new ReferenceEngine();
const told = new Map<string, Promise<Story>>();
function expected(one: Case, scale: Scale): Promise<Story> {
  const name = `${cases.indexOf(one)} ${scale.n}`;
  if (!told.has(name)) told.set(name, tell(reference, one, scale));
  return told.get(name)!;
}

function expectSameStory(actual: Story, right: Story): void {
  for (const [i, file] of right.files.entries()) expectSameBytes(actual.files[i]!, file, `file ${i}`);
  for (const [i, answer] of right.answers.entries()) {
    expectSameNeighbors(actual.answers[i]!, answer, `answer ${i}`);
    expect(actual.answers[i]!.stats!.hops, `answer ${i}: hops`).toEqual(answer.stats!.hops);
  }
  expectSameNeighbors(actual.range, right.range, 'range');
  expect(actual.range.offsets).toEqual(right.range.offsets);
}

describe('the twins tell', () => {
  it.each(cases)('a story with something in it: $description, $metric, $kind', async (one) => {
    const { files, answers, range } = await expected(one, full);
    expect(parseFile(files[0]!).header.state.form).toBe(one.form);
    const walked = answers.map(({ stats }) => stats!.hops.some((hops) => hops > 0));
    expect(walked.slice(0, searches.length)).toEqual([true, true, true, false, false]);
    expect(range.labels.length).toBeGreaterThan(0);
  });
});

describe('a graph over codes is one', async () => {
  for (const { name, open } of await enginesHere()) {
    if (name === 'reference') continue;
    const scale = name === 'gpu' ? little : full;
    const some = name === 'gpu' ? cases.slice(0, 1) : cases;
    describe(name, () => {
      const engine = open();
      afterAll(async () => (await engine).close());

      for (const one of some) {
        it(`${one.description}, ${one.metric}, ${one.kind}`, async () => {
          expectSameStory(await tell(await engine, one, scale), await expected(one, scale));
        });
      }

      it('read from the file of another engine', async () => {
        const one = cases[0]!;
        const { files, answers } = await expected(one, full);
        using index = await fromBytes(files[0]!, { engine: await engine });
        const queries = makeVectors(one.kind, 9, one.dim, 2);
        queries.set(makeVectors(one.kind, full.n, one.dim, 1).subarray(0, one.dim));
        for (const [i, options] of searches.entries())
          expectSameNeighbors(await index.search(queries, options), answers[i]!, `search ${i}`);
        expectSameBytes(await index.toBytes(), files[0]!);
      });
    });
  }
});
