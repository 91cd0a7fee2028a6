/** `isodex`: the public names for every platform. */
import type { Engine } from './host/engine.ts';
import type { EngineOptions } from './host/open.ts';
import type { VectorIndex } from './index/vector-index.ts';
import { type CreateOptions, Library, type OpenOptions } from './platform.ts';

export * from './names.ts';

/** WebGPU as the page, worker or runtime offers it. */
const library = new Library({ gpu: async () => globalThis.navigator?.gpu });

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
export function createIndex(description: string, options: CreateOptions): Promise<VectorIndex> {
  return library.createIndex(description, options);
}

/** Opens an index from the bytes of its file. Throws 'bad-file' for anything else, damage included. */
export function fromBytes(bytes: Uint8Array, options?: OpenOptions): Promise<VectorIndex> {
  return library.fromBytes(bytes, options);
}
