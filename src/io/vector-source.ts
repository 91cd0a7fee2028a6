import { IsodexError } from '../util/errors.ts';
import { checkSignature, formatOf } from './formats.ts';
import { choosePart, splitPart } from './path-part.ts';
import { FileSource, type VectorSource } from './source.ts';

export type { BatchOptions } from './batches.ts';
export type { VectorSource } from './source.ts';

/**
 * Opens a file of vectors; the name says the format, and the content must agree. `file#part` chooses a dataset (HDF5, by default
 * `train` or the only one), a field (JSON Lines, by default `vector`, else `embedding`) or a column (Parquet, by default the first of
 * lists); so does `field`. A one-dimensional npy array or HDF5 dataset is one vector.
 *
 * @throws IsodexError `bad-argument` for a name of no known format, `bad-file` when the file is missing, damaged or of another format
 */
export async function openVectors(path: string, options: { field?: string | undefined } = {}): Promise<VectorSource> {
  const split = splitPart(path);
  const format = formatOf(split.path, 'openVectors');
  const part = choosePart(split, options.field, format);
  await checkSignature(split.path, format);
  return new FileSource(await format.openVectors(split.path, part));
}

/** A whole array at once, with an error that says what did not fit. */
function allocate(path: string, n: number, dim: number): Float32Array {
  try {
    return new Float32Array(n * dim);
  } catch (cause) {
    const message = `${path} has ${n} vectors of dimension ${dim}, which is ${n * dim * 4} bytes and does not fit into memory: set a limit, or read it in batches`;
    throw new IsodexError('out-of-memory', message, { cause });
  }
}

/** All batches after one another, where the file does not tell how many rows there are. */
async function gather(source: VectorSource, options: ReadOptions): Promise<Float32Array> {
  const batches: Float32Array[] = [];
  let length = 0;
  for await (const batch of source.batches(options)) {
    batches.push(batch);
    length += batch.length;
  }
  const vectors = allocate(source.path, length / source.dim, source.dim);
  let at = 0;
  for (const batch of batches) {
    vectors.set(batch, at);
    at += batch.length;
  }
  return vectors;
}

async function fill(source: VectorSource, size: number, options: ReadOptions): Promise<Float32Array> {
  const vectors = allocate(source.path, Math.min(size, options.limit ?? size), source.dim);
  let at = 0;
  for await (const batch of source.batches(options)) {
    vectors.set(batch, at);
    at += batch.length;
  }
  return vectors;
}

interface ReadOptions {
  /** Read at most this many rows, from the first on. */
  limit?: number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * The vectors of a file `[n, dim]`, all of them or the first `limit`; for names and formats see `openVectors`.
 *
 * @throws IsodexError as `openVectors` and `VectorSource.batches`, and `out-of-memory`; the signal's reason when it aborts
 */
export async function readVectors(path: string, options: ReadOptions = {}): Promise<{ vectors: Float32Array; n: number; dim: number }> {
  options.signal?.throwIfAborted();
  const source = await openVectors(path);
  try {
    const { dim, size } = source;
    const vectors = size === undefined ? await gather(source, options) : await fill(source, size, options);
    return { vectors, n: vectors.length / dim, dim };
  } finally {
    await source.close();
  }
}
