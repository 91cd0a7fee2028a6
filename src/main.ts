/** `isodex`: the public names for every platform. */
import type { Engine } from './host/engine.ts';
import type { EngineOptions } from './host/open.ts';
import type { Machine } from './index/tuned.ts';
import type { VectorIndex } from './index/vector-index.ts';
import { type CreateOptions, type EngineChoice, type FromTuningOptions, type IndexChoice, Library, type OpenOptions } from './platform.ts';
import type { TuneOptions, TuningResult } from './tune/tuner.ts';

export * from './names.ts';

function machine(): Machine {
  const { userAgent = 'unknown', hardwareConcurrency = 1 } = globalThis.navigator ?? {};
  return { runtime: userAgent, system: 'not told', cores: hardwareConcurrency };
}

/** WebGPU as the page, worker or runtime offers it. */
const library = new Library({ gpu: async () => globalThis.navigator?.gpu }, machine);

/**
 * Opens an engine: 'auto' (default) takes GPU or CPU for each call, whichever is cheaper here; 'gpu', 'cpu' and 'reference'
 * insist. Throws 'bad-argument' for an unknown kind or thread count, 'unsupported' where 'gpu' finds no adapter.
 */
export function openEngine(options?: EngineOptions): Promise<Engine> {
  return library.openEngine(options);
}

/**
 * Makes an empty index. 'Flat' is exact search; 'HNSW32' is a graph, approximate and faster by far. Throws 'bad-argument' for a
 * description, dim, metric, seed or setting that is none.
 *
 * ```ts
 * using index = await createIndex('Flat', { dim: 384, metric: 'cosine' });
 * await index.add(vectors);                                  // f32 [n, 384], row after row
 * const { labels, distances } = await index.search(queries, { k: 10 });  // [nq, 10]
 * ```
 */
export function createIndex(description: IndexChoice, options: CreateOptions): Promise<VectorIndex> {
  return library.createIndex(description, options);
}

/**
 * Finds an index that meets a wish (recall, latency, memory, time to build) on vectors f32 [n, dim]: builds candidates on growing
 * parts of them, measures recall against exact search and times of single queries and batches. `best` goes into `createIndex`; where
 * nothing meets the wish it is undefined, and `nearest` is what comes nearest. Takes up to `budget` seconds (default 900).
 * Throws 'bad-argument' for vectors, queries or settings that are none.
 */
export function tune(vectors: Float32Array, options: TuneOptions & EngineChoice): Promise<TuningResult> {
  return library.tune(vectors, options);
}

/**
 * Makes an empty index of the best point of a tuning result, with its dim and metric. The index keeps what was promised (`tuned`,
 * also in its file), and `stats().strays` tells what it no longer keeps. Throws 'bad-argument' where the result has no best point, or was
 * measured on vectors of another dim or metric.
 */
export function fromTuningResult(result: TuningResult, options?: FromTuningOptions): Promise<VectorIndex> {
  return library.fromTuningResult(result, options);
}

/** Opens an index from the bytes of its file. Throws 'bad-file' for anything else, damage included. */
export function fromBytes(bytes: Uint8Array, options?: OpenOptions): Promise<VectorIndex> {
  return library.fromBytes(bytes, options);
}
