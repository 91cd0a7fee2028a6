/** What every index offers, and the checks of arguments that all of them share. */
import type { Engine } from '../host/engine.ts';
import { badArgument, shown } from '../util/errors.ts';
import type { TaskOptions } from '../util/tasks.ts';
import type { Timing } from '../util/timings.ts';
import type { LabelFilter } from './filter.ts';
import type { TunedChoice } from './tuned.ts';

/** `l2`: squared Euclidean distance. `ip`: 0 − dot product. `cosine`: 1 − dot product of the normalised vectors. */
export type Metric = 'l2' | 'ip' | 'cosine';

/** What an index is made with and keeps, whatever its kind. */
export interface Settings {
  readonly dim: number;
  readonly metric: Metric;
  readonly seed: number;
}

/** The k nearest of each query, nearest first, ties by label. Missing ones are label −1 at distance +Infinity. */
export interface Neighbors {
  readonly k: number;
  /** [nq, k] */
  readonly labels: Int32Array;
  /** [nq, k], canonical distances; smaller is nearer. */
  readonly distances: Float32Array;
  /** The engine that answered: 'cpu', 'gpu', 'reference'. Never part of the answer's meaning. */
  readonly engine: string;
  /** What the distances are of: the vectors as added, or, where an index keeps only codes, what the codes say. */
  readonly distancesOf: 'vectors' | 'codes';
  /** With `stats: true`, where a graph was walked. */
  readonly stats?: SearchStats;
}

/** What a search of a graph did for each query, [nq]. */
export interface SearchStats {
  /** Nodes whose links were followed: the same on every engine. */
  readonly hops: Uint32Array;
  /** Distances computed to find the candidates. */
  readonly distances: Uint32Array;
}

/** What `train` saw, and what it thinks of it. */
export interface TrainReport {
  /** Rows that were learned from. */
  readonly rows: number;
  /** What may cost recall, each said in a sentence. */
  readonly warnings: readonly string[];
}

/** All rows within a radius of each query: those of query q lie at [offsets[q], offsets[q + 1]), nearest first. */
export interface RangeNeighbors {
  /** [nq + 1] */
  readonly offsets: Uint32Array;
  readonly labels: Int32Array;
  readonly distances: Float32Array;
  readonly engine: string;
  readonly distancesOf: 'vectors' | 'codes';
}

export interface AddOptions extends TaskOptions {
  /** Integers ≥ 0, one a row, each once. Default: the largest ever used + 1 and on. A label in use replaces its row. */
  labels?: ArrayLike<number> | undefined;
  /** Strings stored and returned beside the labels, one a row. */
  keys?: readonly string[] | undefined;
  /** How many rows batches will give in all, where that is known: memory is taken at once then. */
  rows?: number | undefined;
}

/** Rows f32 [n, dim], or batches of such rows that are added as one. */
export type VectorBatches = Float32Array | Iterable<Float32Array> | AsyncIterable<Float32Array>;

export interface SearchOptions extends TaskOptions {
  /** Neighbours for each query, ≥ 1; beyond the index's size results are padded. Default 10. */
  k?: number | undefined;
  /** Only rows whose label passes. */
  filter?: LabelFilter | undefined;
  /** HNSW: width of the beam, ≥ 1; raised to k where it is smaller. Default: the index's. */
  efSearch?: number | undefined;
  /** HNSW: return what the search did, in `stats`. Default false. */
  stats?: boolean | undefined;
  /** IVF: lists to look into, 1 to nlist. Default: the index's. */
  nprobe?: number | undefined;
  /** Codes with vectors beside them: how many times k rows are compared by their vectors, 1 to 1,000. Default: the index's;
   * with LVQ codes and no transform more of them, until the answer is certain: that of all vectors in the lists looked into. */
  refineFactor?: number | undefined;
}

/** What a sample of an index's rows, each asked for without itself, found of its neighbours; ties count as hits. */
export interface LiveRecall {
  readonly recall: number;
  readonly hits: number;
  /** True neighbours of all that was asked for. */
  readonly possible: number;
  /** Rows that were asked for. */
  readonly sample: number;
}

/** What was counted and timed. */
export interface Metered {
  readonly calls: {
    readonly train: number;
    readonly add: number;
    readonly remove: number;
    readonly search: number;
    readonly rangeSearch: number;
  };
  /** Queries that were answered, in all calls of `search`. */
  readonly queries: number;
  /** How many of them by which engine. */
  readonly engines: Readonly<Record<string, number>>;
  /** Milliseconds. */
  readonly times: {
    readonly train: Timing;
    readonly add: Timing;
    /** Searches for one query. */
    readonly single: Timing;
    /** Searches for several, a query's share of each. */
    readonly batched: Timing;
    /** Both together, by queries. */
    readonly query: Timing;
  };
  /** What `measureRecall` found last. */
  readonly recall?: LiveRecall | undefined;
}

/** Something that is no longer as it was measured when the index was chosen. */
export interface Stray {
  readonly what: 'p50' | 'p99' | 'recall' | 'memory' | 'rows';
  readonly promised: number;
  readonly now: number;
  /** Both, in a sentence. */
  readonly text: string;
}

/** An index as it is just now, and what it was asked since it was made or opened. */
export interface IndexStats extends Metered {
  /** Rows that a search can return; and those that were removed or replaced, and stay until `compact`. */
  readonly rows: { readonly live: number; readonly dead: number };
  /** Bytes by part, and their sum. */
  readonly memory: Readonly<Record<string, number>>;
  readonly memoryBytes: number;
  /** How the index was chosen, where it was made from a tuning result. */
  readonly tuned?: TunedChoice | undefined;
  /** What is no longer as it was measured then; of single queries after 200 of them, of recall after `measureRecall`. */
  readonly strays: readonly Stray[];
}

export interface RangeSearchOptions extends TaskOptions {
  filter?: LabelFilter | undefined;
  /** Most results of the whole call; one more is an error. Default: no bound. */
  maxResults?: number | undefined;
  /** HNSW, where the result is approximate: width of the first beam; it doubles while all that it holds lies within the radius. */
  efSearch?: number | undefined;
  /** IVF: lists to look into. Default: the index's. */
  nprobe?: number | undefined;
}

/** A collection of vectors that finds the nearest ones. Writers queue; a search sees the last committed state. */
export interface VectorIndex extends Disposable {
  /** The index description, as factory strings name it: 'Flat'. */
  readonly description: string;
  readonly dim: number;
  readonly metric: Metric;
  readonly seed: number;
  readonly engine: Engine;
  /** Rows that a search can return. */
  readonly size: number;
  readonly isTrained: boolean;
  /** Bytes held, by part. */
  readonly memory: Readonly<Record<string, number>>;
  /** How the index was chosen, where it was made from a tuning result; its file keeps it, in a section that `sha256` does not cover. */
  readonly tuned: TunedChoice | undefined;
  /** Counts, times (percentiles within 1 %), memory, and what strays from what tuning promised. */
  stats(): IndexStats;
  /**
   * Learns from rows f32 [n, dim] what codes and lists need, before any are added; Flat and HNSW need nothing. Throws 'bad-argument'
   * where there are fewer rows than centroids; tells in `warnings` where they are few.
   */
  train(vectors: Float32Array, options?: TaskOptions): Promise<TrainReport>;
  /**
   * Adds rows f32 [n, dim], or batches of rows, which give the same index as one array of them all; all or nothing. Returns their labels.
   * Arrays are read when the call's turn comes, so leave them as they are until it has returned. A label in use gets the new row and
   * key, or none.
   */
  add(vectors: VectorBatches, options?: AddOptions): Promise<Int32Array>;
  /** The k nearest rows of each query f32 [nq, dim]. */
  search(queries: Float32Array, options?: SearchOptions): Promise<Neighbors>;
  /** Every row whose distance to a query f32 [nq, dim] is ≤ radius (squared for l2). */
  rangeSearch(queries: Float32Array, radius: number, options?: RangeSearchOptions): Promise<RangeNeighbors>;
  /**
   * How much the index finds just now: up to `sample` of its rows (default 100), evenly spaced, are searched for, each without itself,
   * and compared with every row. Rows of the index are found more easily than queries from elsewhere, so this is the most to expect.
   * `options` as of `search`, without a filter. Throws 'unsupported' where only codes are kept.
   */
  measureRecall(sample?: number, options?: SearchOptions): Promise<LiveRecall>;
  /** Removes the rows with these labels; labels not in the index are skipped. Returns how many went. */
  remove(labels: ArrayLike<number>): Promise<number>;
  /** Lets go of rows that were removed or replaced: Flat closes the gaps, HNSW builds its graph anew. Labels stay. */
  compact(options?: TaskOptions): Promise<void>;
  /** The row as stored, f32 [dim] (normalised under cosine). Throws 'bad-argument' for a label that is not there. */
  reconstruct(label: number): Promise<Float32Array>;
  /** The key stored with a label, if any. */
  keyOf(label: number): string | undefined;
  /** Does now what the first search would do first: derives codes on the engine. */
  prepare(options?: TaskOptions): Promise<void>;
  /** The index as the bytes of its file. */
  toBytes(options?: TaskOptions): Promise<Uint8Array>;
  /** Node only: streams the file to a temporary one beside it, flushes and renames. */
  save(path: string, options?: TaskOptions): Promise<void>;
  close(): void;
}

/** Squared L2 over 8-bit codes of so many dimensions still fits the scans' 32 bits. */
const MOST_DIM = 4096;
/** Neighbours of one query; far beyond it results would not fit their arrays. */
const MOST_K = 2 ** 24;

export function checkDim(dim: unknown): number {
  if (typeof dim !== 'number' || !Number.isInteger(dim) || dim < 1 || dim > MOST_DIM) {
    throw badArgument(`dim is ${String(dim)}; give an integer from 1 to ${MOST_DIM}`);
  }
  return dim;
}

export function checkMetric(metric: unknown): Metric {
  if (metric !== 'l2' && metric !== 'ip' && metric !== 'cosine') {
    throw badArgument(`metric is ${JSON.stringify(metric)}; give 'l2', 'ip' or 'cosine'`);
  }
  return metric;
}

export function checkSeed(seed: unknown): number {
  if (typeof seed !== 'number' || !Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw badArgument(`seed is ${String(seed)}; give an integer from 0 to 4294967295`);
  }
  return seed;
}

export function checkK(k: unknown): number {
  if (typeof k !== 'number' || !Number.isInteger(k) || k < 1 || k > MOST_K) {
    throw badArgument(`k is ${shown(k)}; give an integer from 1 to ${MOST_K}`);
  }
  return k;
}

/** The number of rows in `vectors`; throws when it is empty or not whole rows. */
export function checkShape(vectors: unknown, dim: number, name: string): number {
  if (!(vectors instanceof Float32Array)) throw badArgument(`${name} must be a Float32Array [n, ${dim}] of rows, one after the other`);
  if (vectors.length === 0) throw badArgument(`${name} is empty; give at least one row of dim ${dim}`);
  if (vectors.length % dim !== 0)
    throw badArgument(`${name} has ${vectors.length} values, which is not a multiple of dim ${dim}; give whole rows`);
  return vectors.length / dim;
}

/** Options as they are, or none. Throws 'bad-argument' for what is no object. */
export function checkOptions<T extends object>(options: T | undefined): T {
  if (options === undefined) return {} as T;
  if (typeof options !== 'object' || options === null) throw badArgument(`options is ${shown(options)}; give an object`);
  return options;
}
