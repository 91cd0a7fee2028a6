/** One trial: an index built on some of the rows, and what searches of it find, read and take. */
import type { Engine } from '../host/engine.ts';
import type { IndexConfig } from '../index/factory.ts';
import type { BuildChoice, Latency, Machine, SearchChoice } from '../index/tuned.ts';
import type { Metric, VectorIndex } from '../index/vector-index.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { between, type Candidate, nlistOf, searchesOf } from './candidates.ts';
import { percentile, recallOf } from './recall.ts';

/** What tuning stands on, so that tests can put something else there. */
export interface Surroundings {
  createIndex(description: string, options: IndexConfig & { readonly engine: Engine }): Promise<VectorIndex>;
  /** The same index on another engine. */
  fromBytes(bytes: Uint8Array, options: { readonly engine: Engine }): Promise<VectorIndex>;
  /** Milliseconds. */
  now(): number;
  readonly machine: Machine;
}

/** Rows, queries, and the distances that the nearest rows have. */
export interface TrialData {
  readonly dim: number;
  readonly metric: Metric;
  readonly seed: number;
  /** f32 [n, dim] */
  readonly rows: Float32Array;
  /** f32 [nq, dim] */
  readonly queries: Float32Array;
  readonly k: number;
  /** f32 [nq, k], canonical. */
  readonly truth: Float32Array;
}

export interface SearchRecord {
  readonly search: SearchChoice;
  readonly recall: number;
  readonly recallInterval: readonly [number, number];
  /** Distances that a query took, on average: what promotion counts with, since it is the same on every machine. */
  readonly distances: number;
  /** Where time was measured. */
  readonly latency?: Latency;
  readonly qps?: Readonly<Record<string, number>>;
}

export interface TrialRecord {
  readonly build: BuildChoice;
  /** Rows that it was built on. */
  readonly rows: number;
  readonly buildSeconds: number;
  readonly memory: Readonly<Record<string, number>>;
  readonly searches: readonly SearchRecord[];
}

export interface TrialTask extends TaskOptions {
  readonly engine: Engine;
  readonly minRecall: number;
  /** Whether searches are timed, and some are tried beyond the first one that finds enough. */
  readonly timed: boolean;
}

/** Searches that are tried beyond the first that finds enough. */
const BEYOND = 2;
/** Steps, each to the middle, between the first way that finds enough and the one before: the ways lie a third apart. */
const CLOSER = 3;
/** Batches whose speed is measured, beside single queries and all of them. */
const BATCHES = [16, 256];
/** Each batch is searched so often, and the fastest tells what can be had; so many rounds of single queries there are. */
const ROUNDS = 3;
/** Single queries of a round, at most; where they take longer than so many milliseconds fewer will do. Before that some warm up. */
const SINGLES = 500;
const SINGLES_MS = 2000;
const LEAST_SINGLES = 100;
const WARM_UP = 20;
const Z95 = 1.96;

export async function runTrial(around: Surroundings, candidate: Candidate, data: TrialData, task: TrialTask): Promise<TrialRecord> {
  const { dim, metric, seed, rows } = data;
  const { build } = candidate;
  using index = await around.createIndex(build.description, { ...build.config, dim, metric, seed, engine: task.engine });
  const started = around.now();
  if (!index.isTrained) await index.train(rows, { signal: task.signal });
  await index.add(rows, { signal: task.signal });
  await index.prepare({ signal: task.signal });
  const buildSeconds = (around.now() - started) / 1000;
  const searches = await searchAll(around, index, candidate, data, task);
  return { build, rows: rows.length / dim, buildSeconds, memory: { ...index.memory }, searches };
}

/** From the cheapest way to the first that finds enough, and some beyond it where they are timed; then closer to it from below. */
async function searchAll(
  around: Surroundings,
  index: VectorIndex,
  candidate: Candidate,
  data: TrialData,
  task: TrialTask,
): Promise<SearchRecord[]> {
  const ways = searchesOf(candidate, data.k);
  const searches: SearchRecord[] = [];
  let enough = 0;
  for (const [i, search] of ways.entries()) {
    task.onProgress?.(i, ways.length);
    const record = await measure(around, index, search, data, task);
    searches.push(record);
    if (record.recall >= task.minRecall && ++enough > (task.timed ? BEYOND : 0)) break;
  }
  for (let step = 0; step < CLOSER; step++) {
    const at = searches.findIndex(({ recall }) => recall >= task.minRecall);
    const search = at > 0 ? between(searches[at - 1]!.search, searches[at]!.search, data.k) : undefined;
    if (!search) break;
    searches.splice(at, 0, await measure(around, index, search, data, task));
  }
  return searches;
}

async function measure(
  around: Surroundings,
  index: VectorIndex,
  search: SearchChoice,
  data: TrialData,
  task: TrialTask,
): Promise<SearchRecord> {
  const { queries, dim, k, truth } = data;
  const options = { ...search, k, signal: task.signal };
  const found = await index.search(queries, { ...options, stats: search.efSearch !== undefined });
  const nq = queries.length / dim;
  const each = Array.from({ length: nq }, (_, q) => {
    const part = { k, labels: found.labels.subarray(q * k, (q + 1) * k), distances: found.distances.subarray(q * k, (q + 1) * k) };
    return recallOf(part, truth.subarray(q * k, (q + 1) * k)).recall;
  });
  const untimed = { search, ...meanWithInterval(each), distances: distancesOf(index, search, found.stats?.distances) };
  if (!task.timed) return untimed;
  const { latency, singles } = await timeSingles(around, index, data, options);
  const qps: Record<string, number> = { 1: singles };
  for (const batch of [...BATCHES.filter((size) => size < nq), nq]) {
    const part = queries.subarray(0, batch * dim);
    let best = Infinity;
    for (let round = 0; round < ROUNDS; round++) {
      const started = around.now();
      await index.search(part, options);
      best = Math.min(best, around.now() - started);
    }
    qps[batch] = (1000 * batch) / best;
  }
  return { ...untimed, latency, qps };
}

/** Rounds of single queries; each percentile is the middle one of theirs, lest a moment in which the machine did something else decides. */
async function timeSingles(
  around: Surroundings,
  index: VectorIndex,
  { queries, dim }: TrialData,
  options: SearchChoice & { readonly k: number },
): Promise<{ latency: Latency; singles: number }> {
  const nq = queries.length / dim;
  const one = (q: number) => index.search(queries.subarray((q % nq) * dim, ((q % nq) + 1) * dim), options);
  for (let q = 0; q < WARM_UP; q++) await one(q);
  const rounds: number[][] = [];
  for (let next = 0; rounds.length < ROUNDS; ) {
    const times: number[] = [];
    const begun = around.now();
    while (times.length < SINGLES && (times.length < LEAST_SINGLES || around.now() - begun < SINGLES_MS)) {
      const started = around.now();
      await one(next++);
      times.push(around.now() - started);
    }
    rounds.push(times);
  }
  const middle = (share: number) =>
    percentile(
      rounds.map((times) => percentile(times, share)),
      0.5,
    );
  const all = rounds.flat();
  const latency = { p50: middle(0.5), p95: middle(0.95), p99: middle(0.99) };
  return { latency, singles: (1000 * all.length) / all.reduce((a, b) => a + b, 0) };
}

/** The mean of recalls of single queries, and 1.96 standard errors to both sides of it. */
export function meanWithInterval(each: readonly number[]): Pick<SearchRecord, 'recall' | 'recallInterval'> {
  const n = each.length;
  const recall = each.reduce((sum, x) => sum + x, 0) / n;
  const variance = n > 1 ? each.reduce((sum, x) => sum + (x - recall) ** 2, 0) / (n - 1) : 0;
  const error = Z95 * Math.sqrt(variance / n);
  const [low, high] = [Math.max(0, recall - error), Math.min(1, recall + error)];
  return { recall: rounded(recall), recallInterval: [rounded(low), rounded(high)] };
}

/** Without the last digits, which say how the sum was rounded. */
function rounded(x: number): number {
  return Math.round(x * 1e12) / 1e12;
}

/** Of graphs what searches tell; of lists the centroids and, taken to be of one length, the rows in those that are probed. */
function distancesOf(index: VectorIndex, { nprobe }: SearchChoice, counted: Uint32Array | undefined): number {
  if (counted) return counted.reduce((sum, x) => sum + x, 0) / counted.length;
  const nlist = nlistOf(index.description);
  return nlist !== undefined && nprobe !== undefined ? nlist + (index.size * nprobe) / nlist : index.size;
}
