/** `isodex/node`: all of `isodex`, with Dawn as the GPU, files, and readers of vector files. */

import type { Engine } from './host/engine.ts';
import { nodeGpu } from './host/gpu/dawn.ts';
import { fileCostCache } from './host/node-cost-cache.ts';
import type { EngineOptions } from './host/open.ts';
import { BodyReader } from './index/format.ts';
import { DiskOriginals, fileSource } from './index/node-files.ts';
import type { VectorIndex } from './index/vector-index.ts';
import { type CreateOptions, Library, type OpenOptions } from './platform.ts';

export { readLabels } from './io/labels.ts';
export { readLines } from './io/lines.ts';
export { type BatchOptions, openVectors, readVectors, type VectorSource } from './io/vector-source.ts';
export { writeLabels, writeVectors } from './io/write.ts';
export * from './names.ts';

const library = new Library({ gpu: nodeGpu, costCache: fileCostCache() });

/**
 * Opens an engine: 'auto' (default) takes GPU or CPU for each call, whichever is cheaper here; 'gpu', 'cpu' and 'reference'
 * insist. Throws 'bad-argument' for an unknown kind or thread count, 'unsupported' where 'gpu' finds no adapter.
 */
export function openEngine(options?: EngineOptions): Promise<Engine> {
  return library.openEngine(options);
}

/**
 * Makes an empty index. 'Flat' is exact search. Throws 'bad-argument' for a description, dim, metric or seed that is none.
 *
 * ```ts
 * using index = await createIndex('Flat', { dim: 384, metric: 'cosine' });
 * await index.add(vectors);                                  // f32 [n, 384], row after row
 * const { labels, distances } = await index.search(queries, { k: 10 });  // [nq, 10]
 * ```
 */
export function createIndex(description: string, options: CreateOptions): Promise<VectorIndex> {
  return library.createIndex(description, options);
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
  const source = await fileSource(path);
  if (options.originals !== 'disk') {
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
  readonly size: number;
  readonly fileBytes: number;
  /** SHA-256 of the body, checked: the same for the same rows on every machine and engine. */
  readonly sha256: string;
  readonly sections: readonly { readonly name: string; readonly dtype: string; readonly length: number }[];
}

/** What an index file holds, without opening an engine. Reads and checks the whole file. */
export async function readInfo(path: string): Promise<FileInfo> {
  const source = await fileSource(path);
  try {
    const reader = await BodyReader.open(source);
    const { description, dim, metric, seed, state, sections } = reader.header;
    const sha256 = await reader.finish();
    return { description, dim, metric, seed, size: state.count ?? 0, fileBytes: source.size, sha256, sections };
  } finally {
    await source.close();
  }
}
