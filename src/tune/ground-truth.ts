/** The truth that recall is measured against: distances of given true neighbours, or found by an exhaustive scan. */
import type { Engine } from '../host/engine.ts';
import { BestList } from '../index/best-list.ts';
import type { VectorIndex } from '../index/vector-index.ts';
import { badArgument, hasCode, IsodexError } from '../util/errors.ts';
import { Breather, type TaskOptions } from '../util/tasks.ts';
import { CanonicalScorer } from './canonical-scorer.ts';

/** Rows × queries of one call of the kernel. */
const PAIRS = 2 ** 18;
const MOST_ROWS = 1024;

/**
 * Canonical distances f32 [nq, k] of the first k true neighbours of each query, by their labels i32 [nq, columns]; label −1
 * is padding and gives +Infinity. Throws 'bad-argument' where the truth has fewer than k columns or names a row that the
 * index does not have.
 */
export async function distancesOfTruth(
  index: VectorIndex,
  queries: Float32Array,
  truth: { readonly labels: Int32Array; readonly k: number },
  k: number,
  engine: Engine,
  { signal, onProgress }: TaskOptions = {},
): Promise<Float32Array> {
  if (truth.k < k) throw badArgument(`the truth has ${truth.k} neighbours of each query, fewer than k = ${k}`);
  const scorer = new CanonicalScorer(engine, index.metric, index.dim, queries);
  const breather = new Breather(signal);
  const out = new Float32Array(scorer.nq * k).fill(Infinity);
  for (let q = 0; q < scorer.nq; q++) {
    const labels = [...truth.labels.subarray(q * truth.k, q * truth.k + k)].filter((label) => label >= 0);
    const rows = await rowsOf(index, labels, scorer.width);
    const distances = await scorer.score(rows, everyPair(q, 1, labels.length));
    out.set(distances, q * k);
    onProgress?.(q + 1, scorer.nq);
    await breather.breathe();
  }
  return out;
}

/**
 * Canonical distances f32 [nq, k] of the k nearest rows of each query, found by comparing every row with every query. It
 * shares nothing with an index's search but the canonical kernel, which runs on the given engine.
 */
export async function exhaustiveTruth(
  index: VectorIndex,
  queries: Float32Array,
  k: number,
  engine: Engine,
  options: TaskOptions = {},
): Promise<Float32Array> {
  return (await exhaustiveNeighbors(index, queries, k, engine, options)).distances;
}

/** The same with the labels i32 [nq, k]; −1 where there are fewer rows. */
export async function exhaustiveNeighbors(
  index: VectorIndex,
  queries: Float32Array,
  k: number,
  engine: Engine,
  { signal, onProgress }: TaskOptions = {},
): Promise<{ k: number; labels: Int32Array; distances: Float32Array }> {
  const labels = await allLabels(index, queries.subarray(0, index.dim), signal);
  const scorer = new CanonicalScorer(engine, index.metric, index.dim, queries);
  const breather = new Breather(signal);
  const lists = Array.from({ length: scorer.nq }, () => new BestList(k));
  const queriesAtOnce = Math.min(scorer.nq, 256);
  const rowsAtOnce = Math.min(MOST_ROWS, Math.max(1, Math.floor(PAIRS / queriesAtOnce)));
  for (let at = 0; at < labels.length; at += rowsAtOnce) {
    const piece = labels.slice(at, at + rowsAtOnce);
    const rows = await rowsOf(index, piece, scorer.width);
    for (let first = 0; first < scorer.nq; first += queriesAtOnce) {
      const count = Math.min(queriesAtOnce, scorer.nq - first);
      const distances = await scorer.score(rows, everyPair(first, count, piece.length));
      for (let p = 0; p < distances.length; p++) lists[first + Math.floor(p / piece.length)]!.push(distances[p]!, piece[p % piece.length]!);
      onProgress?.((at + piece.length) * scorer.nq - (scorer.nq - first - count) * piece.length, labels.length * scorer.nq);
      await breather.breathe();
    }
  }
  const distances = new Float32Array(scorer.nq * k);
  const found = new Int32Array(scorer.nq * k);
  for (const [q, list] of lists.entries()) list.writeTo(found, distances, q * k);
  return { k, labels: found, distances };
}

/** Pairs u32 [queries × rows, 2] of every query from the first on with every row, query by query. */
function everyPair(firstQuery: number, queries: number, rows: number): Uint32Array {
  const pairs = new Uint32Array(2 * queries * rows);
  for (let p = 0; p < queries * rows; p++) {
    pairs[2 * p] = firstQuery + Math.floor(p / rows);
    pairs[2 * p + 1] = p % rows;
  }
  return pairs;
}

/** Every label of an index: a search for all rows names them. */
async function allLabels(index: VectorIndex, query: Float32Array, signal: AbortSignal | undefined): Promise<number[]> {
  if (index.size === 0) return [];
  const { labels } = await index.search(query, { k: index.size, signal });
  const found = [...labels].filter((label) => label >= 0).sort((a, b) => a - b);
  if (found.length === index.size) return found;
  throw new IsodexError('unsupported', `this index names only ${found.length} of its ${index.size} rows; give a truth file instead`);
}

/** Rows as stored, f32 [labels, width], padded with zeros. */
async function rowsOf(index: VectorIndex, labels: readonly number[], width: number): Promise<Float32Array> {
  const rows = new Float32Array(labels.length * width);
  const vectors = await Promise.all(labels.map((label) => index.reconstruct(label).catch((error) => explain(error, label, index))));
  for (const [i, vector] of vectors.entries()) rows.set(vector, i * width);
  return rows;
}

function explain(error: unknown, label: number, index: VectorIndex): never {
  if (!hasCode(error, 'bad-argument')) throw error;
  throw badArgument(
    `the truth names row ${label}, which the index of ${index.size} rows does not have: it belongs to other data, or the index to part of it`,
  );
}
