/** `isodex/node`: all of `isodex`, with Dawn as the GPU, files, and readers of vector files. */

import { nodeGpu } from './host/gpu/dawn.ts';
import { fileCostCache } from './host/node-cost-cache.ts';
import { BodyReader } from './index/format.ts';
import { DiskOriginals, fileSource } from './index/node-files.ts';
import type { VectorIndex } from './index/vector-index.ts';
import { functionsFor, type OpenOptions } from './platform.ts';

export { readLabels } from './io/labels.ts';
export { readLines } from './io/lines.ts';
export { type BatchOptions, openVectors, readVectors, type VectorSource } from './io/vector-source.ts';
export { writeLabels, writeVectors } from './io/write.ts';
export * from './names.ts';

const { openEngine, createIndex, fromBytes, read } = functionsFor({ gpu: nodeGpu, costCache: fileCostCache() });

export { createIndex, fromBytes, openEngine };

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
      return await read(source, options);
    } finally {
      await source.close();
    }
  }
  return read(
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
