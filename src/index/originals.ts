import type { Block } from '../host/block.ts';

/** Where the vectors as stored live: in memory, or in the index file (node-disk.ts). Rows are appended, never changed. */
export interface Originals {
  readonly dim: number;
  /** Bytes of memory held. */
  readonly memoryBytes: number;
  /** Copies rows [begin, end) to `out`, row after row. */
  readRange(begin: number, end: number, out: Float32Array): Promise<void>;
  /** Copies the given rows, in ascending order, to out[i · width …]; what lies past dim in each is left alone. */
  readRows(rows: ArrayLike<number>, out: Float32Array, width: number): Promise<void>;
  /** The same at once, where rows are in memory: into memory that may move when anything waits. */
  copyRows?(rows: ArrayLike<number>, out: Float32Array, width: number): void;
  /** The same by the host itself, which fills what lies past dim with zeros. */
  fillRows?(rows: ArrayLike<number>, block: Block<'f32'>, width: number): Promise<void>;
}

/** Originals that take more rows behind those they have. */
export interface WritableOriginals extends Originals {
  /** Makes room for `rows` rows in all, where that takes waiting; to be called before `rowForWriting`. */
  reserve?(rows: number): Promise<void>;
  /** Room for row `row`, a view f32 [dim] to fill at once; `rowsToCome` rows, this one included, will follow. */
  rowForWriting(row: number, rowsToCome: number): Float32Array;
}

/** Gives the vectors of a file that is being opened another place than memory, from where they start in it. */
export type OriginalsAt = (position: number, count: number, dim: number) => WritableOriginals;

/** Rows that are read at a time where all of them are wanted. */
const ROWS_PER_PIECE = 1024;

/** The given rows, in ascending order, as f32 [n, dim] for some at a time. */
export async function* readInPieces(originals: Originals, rows: Uint32Array): AsyncGenerator<Float32Array> {
  for (let at = 0; at < rows.length; at += ROWS_PER_PIECE) {
    const piece = rows.subarray(at, at + ROWS_PER_PIECE);
    const out = new Float32Array(piece.length * originals.dim);
    await originals.readRows(piece, out, originals.dim);
    yield out;
  }
}

/** Writes f32 [n, dim] to the rows from `row` on, of `count` there will be; returns the row behind them. */
export function writePiece(originals: WritableOriginals, row: number, count: number, piece: Float32Array): number {
  const { dim } = originals;
  for (let at = 0; at < piece.length; at += dim, row++) originals.rowForWriting(row, count - row).set(piece.subarray(at, at + dim));
  return row;
}

/** Rows that are computed from something else whenever they are asked for. */
export abstract class ComputedOriginals implements Originals {
  readonly dim: number;
  readonly memoryBytes = 0;

  constructor(dim: number) {
    this.dim = dim;
  }

  /** Computes a row, f32 [dim]. */
  protected abstract computeRow(row: number, out: Float32Array): void;

  async readRange(begin: number, end: number, out: Float32Array): Promise<void> {
    for (let row = begin, at = 0; row < end; row++, at += this.dim) this.computeRow(row, out.subarray(at, at + this.dim));
  }

  async readRows(rows: ArrayLike<number>, out: Float32Array, width: number): Promise<void> {
    this.copyRows(rows, out, width);
  }

  copyRows(rows: ArrayLike<number>, out: Float32Array, width: number): void {
    for (let i = 0; i < rows.length; i++) this.computeRow(rows[i]!, out.subarray(i * width, i * width + this.dim));
  }
}

/** Chunks stay below this many floats. */
const CHUNK_FLOATS = 2 ** 24;

/** Rows in memory, in chunks of whole rows. */
export class MemoryOriginals implements WritableOriginals {
  readonly dim: number;
  private readonly chunkRows: number;
  private readonly chunks: Float32Array[] = [];

  constructor(dim: number) {
    this.dim = dim;
    this.chunkRows = Math.max(1, Math.floor(CHUNK_FLOATS / dim));
  }

  get memoryBytes(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  }

  rowForWriting(row: number, rowsToCome: number): Float32Array {
    const at = Math.floor(row / this.chunkRows);
    const inChunk = row % this.chunkRows;
    const chunk = this.chunks[at];
    if (!chunk || chunk.length < (inChunk + 1) * this.dim) this.growChunk(at, inChunk, rowsToCome);
    return this.chunks[at]!.subarray(inChunk * this.dim, (inChunk + 1) * this.dim);
  }

  /** A view of a row, f32 [dim]. */
  row(row: number): Float32Array {
    const inChunk = row % this.chunkRows;
    return this.chunks[Math.floor(row / this.chunkRows)]!.subarray(inChunk * this.dim, (inChunk + 1) * this.dim);
  }

  async readRange(begin: number, end: number, out: Float32Array): Promise<void> {
    for (let row = begin; row < end; ) {
      const inChunk = row % this.chunkRows;
      const rows = Math.min(end - row, this.chunkRows - inChunk);
      const chunk = this.chunks[Math.floor(row / this.chunkRows)]!;
      out.set(chunk.subarray(inChunk * this.dim, (inChunk + rows) * this.dim), (row - begin) * this.dim);
      row += rows;
    }
  }

  async readRows(rows: ArrayLike<number>, out: Float32Array, width: number): Promise<void> {
    this.copyRows(rows, out, width);
  }

  copyRows(rows: ArrayLike<number>, out: Float32Array, width: number): void {
    for (let i = 0; i < rows.length; i++) out.set(this.row(rows[i]!), i * width);
  }

  /** Grows to what is known to come, or by an eighth when rows trickle in, and no further than a chunk goes. */
  private growChunk(at: number, inChunk: number, rowsToCome: number): void {
    const old = this.chunks[at];
    const rows = Math.min(this.chunkRows, Math.max(inChunk + rowsToCome, inChunk + (inChunk >> 3) + 1));
    const chunk = new Float32Array(rows * this.dim);
    if (old) chunk.set(old);
    this.chunks[at] = chunk;
  }
}
