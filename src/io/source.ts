import { badArgument } from '../util/errors.ts';
import { abortable, type BatchOptions, checkCount, defaultRows, rebatch } from './batches.ts';
import type { RowReader } from './row-reader.ts';

/** The vectors in a file, read in pieces of bounded memory, as often as one likes. */
export interface VectorSource {
  readonly path: string;
  readonly format: string;
  /** The type of the numbers in the file; vectors are always given as f32. */
  readonly dtype: string;
  readonly dim: number;
  /** Rows in the file, where the format tells without reading everything. */
  readonly size: number | undefined;
  /**
   * The rows from the first on, in batches `[m, dim]` with m <= rows, each in memory of its own. NaN and infinities are passed on.
   *
   * @throws IsodexError `bad-file` where the file turns out to be damaged, `bad-argument` for bad options or after `close`;
   * the signal's reason when it aborts
   */
  batches(options?: BatchOptions): AsyncIterable<Float32Array>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Rows to ask the file for: batches that are smaller than a good read are cut from one, whole batches each. */
function rowsToRead(rows: number, limit: number, dim: number): number {
  const good = defaultRows(dim);
  return Math.min(limit, rows >= good ? rows : Math.floor(good / rows) * rows);
}

/** A `VectorSource` on what a format offers. */
export class FileSource implements VectorSource {
  readonly path: string;
  readonly format: string;
  readonly dtype: string;
  readonly dim: number;
  readonly size: number | undefined;
  readonly #reader: RowReader;
  #isClosed = false;

  constructor(reader: RowReader) {
    this.path = reader.path;
    this.format = reader.format;
    this.dtype = reader.dtype;
    this.dim = reader.dim;
    this.size = reader.size;
    this.#reader = reader;
  }

  async *batches(options: BatchOptions = {}): AsyncGenerator<Float32Array> {
    const { rows = defaultRows(this.dim), limit = Infinity, signal } = options;
    checkCount('rows', rows, 1);
    checkCount('limit', limit, 0);
    signal?.throwIfAborted();
    this.#checkOpen();
    if (limit === 0) return;
    const pieces = abortable(this.#reader.pieces(rowsToRead(rows, limit, this.dim)), signal);
    for await (const batch of rebatch(pieces, this.dim, rows, limit)) {
      signal?.throwIfAborted();
      this.#checkOpen();
      yield batch;
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#reader.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw badArgument(`${this.path} was closed: open it again with openVectors`);
  }
}
