/** What the tests of codecs of lists share: a life of an index, real pictures, brute force over what codes say. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/host/engine.ts';
import { bytesSource } from '../../src/index/byte-source.ts';
import type { CodedIndex } from '../../src/index/coded.ts';
import { makeIndex, readIndex } from '../../src/index/factory.ts';
import type { Metric, Neighbors } from '../../src/index/vector-index.ts';
import { kinds, makeVectors } from '../contract/data.ts';
import { enginesHere } from '../contract/engines.ts';
import { normalised, ranked, rowsOf } from '../contract/oracle.ts';
import { coded, engine } from './coded-fixture.ts';
import { expectSameBytes, expectSameNeighbors, metrics } from './helpers.ts';
import { type IndexFile, parseFile, writeFile } from './hnsw-parse.ts';

/** The first `n` pictures of a file of the sample, f32 [n, 784]. */
export async function pictures(name: 'train' | 't10k', n: number): Promise<Float32Array> {
  const file = gunzipSync(await readFile(join(import.meta.dirname, '../fixtures/fashion-mnist', `${name}-images-idx3-ubyte.gz`)));
  return Float32Array.from(file.subarray(16, 16 + n * 784));
}

interface Story {
  readonly files: readonly Uint8Array[];
  readonly answers: readonly Neighbors[];
}

/** Trains, adds, searches, removes, searches, compacts, adds again. */
async function tell(on: Engine, description: string, metric: Metric, dim: number): Promise<Story> {
  const vectors = makeVectors('normal', 300, dim, 1);
  const queries = makeVectors('normal', 7, dim, 2);
  queries.set(vectors.subarray(0, dim));
  using index = coded(description, { dim, metric, nprobe: /IVF/.test(description) ? 3 : undefined }, on);
  const files: Uint8Array[] = [];
  const answers: Neighbors[] = [];
  const step = async () => {
    files.push(await index.toBytes());
    for (const search of [{ k: 1 }, { k: 10 }, { k: 5, filter: (label: number) => label % 3 === 0 }]) {
      answers.push(await index.search(queries, search));
    }
  };
  await index.train(vectors);
  await index.add(vectors.subarray(0, 200 * dim));
  await step();
  await index.remove(Array.from({ length: 40 }, (_, i) => 5 * i));
  await step();
  await index.compact();
  await index.add(vectors.subarray(200 * dim));
  await step();
  return { files, answers };
}

/** Bytes and answers are the same whatever computes. */
export function oneStory(descriptions: readonly string[], dim: number): void {
  describe('on every engine', async () => {
    const stories = new Map<string, Promise<Story>>();
    const cases = descriptions.flatMap((description) => metrics.map((metric) => [description, metric] as const));
    for (const { name, open } of await enginesHere()) {
      const on = open();
      afterAll(async () => (await on).close());
      it.each(cases)(`${name}: %s, %s`, async (description, metric) => {
        const key = `${description} ${metric}`;
        const story = tell(await on, description, metric, dim);
        if (!stories.has(key)) stories.set(key, story);
        const [mine, first] = [await story, await stories.get(key)!];
        for (const [i, file] of mine.files.entries()) expectSameBytes(file, first.files[i]!, `file ${i}`);
        for (const [i, answer] of mine.answers.entries()) expectSameNeighbors(answer, first.answers[i]!, `answer ${i}`);
      });
    }
  });
}

/** What the codes of an index say: f32 [n, dim]. */
export async function decoded(index: CodedIndex): Promise<Float32Array> {
  const out = new Float32Array(index.size * index.dim);
  for (let label = 0; label < index.size; label++) out.set(await index.reconstruct(label), label * index.dim);
  return out;
}

/** Searches of all lists without vectors find what brute force finds over what the codes say, where no transform stands before them. */
export async function expectNearestCodes(index: CodedIndex, queries: Float32Array, k: number): Promise<void> {
  const rows = rowsOf(await decoded(index), index.dim).map((vector, label) => ({ label, vector }));
  const { structure } = index.config.description;
  const { distances } = await index.search(queries, { k, nprobe: structure.kind === 'IVF' ? structure.nlist : undefined });
  for (const [q, query] of rowsOf(queries, index.dim).entries()) {
    const isCosine = index.metric === 'cosine';
    const best = ranked(isCosine ? 'ip' : index.metric, rows, isCosine ? normalised(query) : query).slice(0, k);
    const expected = best.map(({ distance }) => Math.fround(isCosine ? 1 + distance : distance));
    expect([...distances.subarray(q * k, (q + 1) * k)], `query ${q}`).toEqual(expected);
  }
}

/** Any data that may be given: searches end well, files come back, and rows that differ find themselves. */
export function nastyData(description: string, dim: number): void {
  it.each(kinds.flatMap((kind) => metrics.map((metric) => [kind, metric] as const)))('takes %s data, %s', async (kind, metric) => {
    const usable = metric === 'cosine' ? (row: Float32Array) => row.some((x) => x !== 0) : () => true;
    const vectors = Float32Array.from(
      rowsOf(makeVectors(kind, 150, dim, 3), dim)
        .filter(usable)
        .flatMap((row) => [...row]),
    );
    using index = coded(description, { dim, metric });
    await index.train(vectors);
    await index.add(vectors);
    const found = await index.search(vectors.subarray(0, 20 * dim), { k: 5 });
    expect(found.distances.every(Number.isFinite)).toBe(true);
    expect(found.labels.every((label) => label >= 0)).toBe(true);
    const bytes = await index.toBytes();
    using again = await readIndex(bytesSource(bytes), engine);
    expectSameBytes(await again.toBytes(), bytes);
    expectSameNeighbors(await again.search(vectors.subarray(0, 20 * dim), { k: 5 }), found);
  });
}

/** Changes to a file under a right checksum, each of which must be found out. */
export async function expectRefused(bytes: Uint8Array, changes: Record<string, (file: IndexFile) => void>): Promise<void> {
  for (const [what, change] of Object.entries(changes)) {
    const file = parseFile(bytes);
    change(file);
    await expect(readIndex(bytesSource(writeFile(file)), engine), what).rejects.toMatchObject({ code: 'bad-file' });
  }
}

export function newIndex(description: string, dim: number, metric: Metric): CodedIndex {
  return makeIndex(description, { dim, metric }, engine) as CodedIndex;
}

/** The share of the true neighbours that are found. */
export function recallOf(found: Pick<Neighbors, 'labels' | 'k'>, truth: Pick<Neighbors, 'labels'>): number {
  let hits = 0;
  for (let at = 0; at < found.labels.length; at += found.k) {
    const right = new Set(truth.labels.subarray(at, at + found.k));
    for (const label of found.labels.subarray(at, at + found.k)) if (right.has(label)) hits++;
  }
  return hits / found.labels.length;
}
