/** `isodex/node`: all of `isodex`, with Dawn as the GPU, files, and readers of vector files. */

import { arch, availableParallelism, cpus, platform } from 'node:os';
import type { Engine } from './host/engine.ts';
import { nodeGpu } from './host/gpu/dawn.ts';
import { fileCostCache } from './host/node-cost-cache.ts';
import type { EngineOptions } from './host/open.ts';
import { readCodedConfig } from './index/coded-read.ts';
import { pqStride } from './index/coding/product-quantizer.ts';
import { tunedIn } from './index/factory.ts';
import { BodyReader, fromHeader, type Header } from './index/format.ts';
import { HNSW_PATTERN, hnswConfig } from './index/hnsw-config.ts';
import { DiskOriginals, fileSource } from './index/node-files.ts';
import type { Machine, TunedChoice } from './index/tuned.ts';
import type { VectorIndex } from './index/vector-index.ts';
import { LANES } from './kernels/canonical-distances.ts';
import { FORMS, isSq8, sq8Stride } from './kernels/graph.ts';
import { BYTES } from './kernels/kernel.ts';
import { type CreateOptions, type EngineChoice, type FromTuningOptions, type IndexChoice, Library, type OpenOptions } from './platform.ts';
import type { TuneOptions, TuningResult } from './tune/tuner.ts';
import { badArgument, shown } from './util/errors.ts';
import { roundUp } from './util/math.ts';

export { readLabels, readTruth } from './io/labels.ts';
export { readLines } from './io/lines.ts';
export { type BatchOptions, openVectors, readVectors, type VectorSource } from './io/vector-source.ts';
export { writeLabels, writeTruth, writeVectors } from './io/write.ts';
export * from './names.ts';

function machine(): Machine {
  const processor = cpus()[0]?.model.trim() ?? 'processor unknown';
  return { runtime: `Node ${process.versions.node}`, system: `${processor}, ${platform()} ${arch()}`, cores: availableParallelism() };
}

const library = new Library({ gpu: nodeGpu, costCache: fileCostCache() }, machine);

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

export interface OpenFileOptions extends OpenOptions {
  /** Where the vectors as stored stay: 'memory' (default), or 'disk', where only what an answer needs is read. */
  originals?: 'memory' | 'disk' | undefined;
}

/**
 * Opens an index file, checking every byte against its checksum. Throws 'bad-file' where it cannot be read, is damaged,
 * cut off or of another format.
 */
export async function openIndex(path: string, options: OpenFileOptions = {}): Promise<VectorIndex> {
  const { originals = 'memory' } = options;
  if (originals !== 'memory' && originals !== 'disk') throw badArgument(`originals is ${shown(originals)}; give 'memory' or 'disk'`);
  const source = await fileSource(path);
  if (originals === 'memory') {
    try {
      return await library.read(source, options);
    } finally {
      await source.close();
    }
  }
  return library.read(
    source,
    options,
    (position, count, dim) => new DiskOriginals(source, position, count, dim),
    () => void source.close(),
  );
}

export interface FileInfo {
  readonly description: string;
  readonly dim: number;
  readonly metric: string;
  readonly seed: number;
  /** Rows that a search can return. */
  readonly size: number;
  /** Rows that were removed or replaced, and stay until `compact`. */
  readonly dead: number;
  /** Where the index is a graph. */
  readonly graph?: GraphInfo;
  readonly fileBytes: number;
  /** SHA-256 of the body, checked: the same for the same rows on every machine and engine. */
  readonly sha256: string;
  readonly sections: readonly { readonly name: string; readonly dtype: string; readonly length: number }[];
  /** How the index was chosen, where it was made from a tuning result. */
  readonly tuned?: TunedChoice | undefined;
}

export interface GraphInfo {
  readonly M: number;
  readonly efConstruction: number;
  readonly efSearch: number;
  /** The level where searches begin. */
  readonly entryLevel: number;
  /** What decides on the way: 8-bit codes, or, where those are too coarse for the data, the vectors; or codes of a product quantiser. */
  readonly traversal: 'sq8' | 'f32' | 'pq';
  /** Bytes of a vector in memory, for that. */
  readonly traversalBytes: number;
}

/** What an index file holds, without opening an engine. Reads and checks the whole file. */
export async function readInfo(path: string): Promise<FileInfo> {
  const source = await fileSource(path);
  try {
    const reader = await BodyReader.open(source);
    const { description, dim, metric, seed, state, sections } = reader.header;
    const sha256 = await reader.finish();
    const { count = 0, live = count } = state;
    const graph = graphInfo(reader.header);
    const rows = { size: live, dead: count - live };
    return { description, dim, metric, seed, ...rows, ...graph, fileBytes: source.size, sha256, sections, tuned: tunedIn(reader, path) };
  } finally {
    await source.close();
  }
}

function graphInfo(header: Header): { graph?: GraphInfo } {
  const { description, dim, state } = header;
  const { entryLevel = 0, form = FORMS.sq8L2 } = state;
  if (description === 'Flat') return {};
  if (!HNSW_PATTERN.test(description)) {
    const config = readCodedConfig(header, dim);
    const { structure, codec } = config.description;
    if (structure.kind !== 'HNSW' || codec.kind !== 'PQ') return {};
    const { efConstruction, efSearch } = config;
    const traversalBytes = pqStride({ dim, M: codec.M, nBits: codec.nBits });
    return { graph: { M: structure.M, efConstruction, efSearch, entryLevel, traversal: 'pq', traversalBytes } };
  }
  const stored = { efConstruction: state.efConstruction, efSearch: state.efSearch };
  const { M, efConstruction, efSearch } = fromHeader((name) => hnswConfig(String(name), stored), description);
  const coded = isSq8(form);
  const traversalBytes = coded ? sq8Stride(dim) : BYTES.f32 * roundUp(dim, LANES);
  return { graph: { M, efConstruction, efSearch, entryLevel, traversal: coded ? 'sq8' : 'f32', traversalBytes } };
}
