import type { Block } from '../host/block.ts';
import type { HostEngine } from '../host/engine.ts';
import { LANES } from '../kernels/canonical-distances.ts';
import { roundUp } from '../util/math.ts';
import { Column } from './column.ts';
import type { WritableOriginals } from './originals.ts';

/** Rows in memory of the host engine, where its kernels read them: f32 [n, width], zeros past dim. */
export class BlockOriginals implements WritableOriginals {
  readonly dim: number;
  /** dim padded to the canonical lanes. */
  readonly width: number;
  private readonly rows: Column<'f32'>;

  constructor(host: HostEngine, dim: number) {
    this.dim = dim;
    this.width = roundUp(dim, LANES);
    this.rows = new Column(host, 'f32', this.width, 'vectors');
  }

  get memoryBytes(): number {
    return this.rows.capacity * this.width * 4;
  }

  get block(): Block<'f32'> {
    return this.rows.block;
  }

  reserve(rows: number): Promise<void> {
    return this.rows.reserve(rows);
  }

  takeOutgrown(): Disposable[] {
    return this.rows.takeOutgrown();
  }

  rowForWriting(row: number): Float32Array {
    return this.rows.view().subarray(row * this.width, row * this.width + this.dim);
  }

  async readRange(begin: number, end: number, out: Float32Array): Promise<void> {
    const all = this.rows.view();
    for (let row = begin; row < end; row++) this.copyRow(all, row, out, (row - begin) * this.dim);
  }

  async readRows(rows: ArrayLike<number>, out: Float32Array, width: number): Promise<void> {
    this.copyRows(rows, out, width);
  }

  copyRows(rows: ArrayLike<number>, out: Float32Array, width: number): void {
    const all = this.rows.view();
    for (let i = 0; i < rows.length; i++) this.copyRow(all, rows[i]!, out, i * width);
  }

  [Symbol.dispose](): void {
    this.rows[Symbol.dispose]();
  }

  private copyRow(all: Float32Array, row: number, out: Float32Array, at: number): void {
    out.set(all.subarray(row * this.width, row * this.width + this.dim), at);
  }
}

/** What is to be disposed of when these originals go. */
export function blocksUnder(originals: WritableOriginals): Disposable[] {
  return originals instanceof BlockOriginals ? [originals] : [];
}
