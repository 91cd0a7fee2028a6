import { MemoryOriginals, type WritableOriginals } from './originals.ts';

/** Writes what a row's codes say to f32 [dim]. */
export type DecodeRow = (row: number, out: Float32Array) => void;

/** Codes in place of vectors: a row is what its codes say. Rows that are being added are kept as they are until they are coded. */
export class CodeOriginals implements WritableOriginals {
  readonly dim: number;
  private decode: DecodeRow | undefined;
  /** Rows below are coded. */
  private count = 0;
  private staged: MemoryOriginals;

  constructor(dim: number) {
    this.dim = dim;
    this.staged = new MemoryOriginals(dim);
  }

  get memoryBytes(): number {
    return this.staged.memoryBytes;
  }

  /** From here on rows below `count` are read from their codes, and what was kept for them goes. */
  settle(decode: DecodeRow, count: number): void {
    this.decode = decode;
    this.count = count;
    this.staged = new MemoryOriginals(this.dim);
  }

  rowForWriting(row: number, rowsToCome: number): Float32Array {
    return this.staged.rowForWriting(row - this.count, rowsToCome);
  }

  async readRange(begin: number, end: number, out: Float32Array): Promise<void> {
    this.copyRows(
      Array.from({ length: end - begin }, (_, i) => begin + i),
      out,
      this.dim,
    );
  }

  async readRows(rows: ArrayLike<number>, out: Float32Array, width: number): Promise<void> {
    this.copyRows(rows, out, width);
  }

  copyRows(rows: ArrayLike<number>, out: Float32Array, width: number): void {
    for (let i = 0; i < rows.length; i++) this.copyRow(rows[i]!, out.subarray(i * width, i * width + this.dim));
  }

  private copyRow(row: number, out: Float32Array): void {
    if (row >= this.count) out.set(this.staged.row(row - this.count));
    else this.decode!(row, out);
  }
}
