/**
 * Product quantisation (Jégou, Douze, Schmid, TPAMI 2011): a vector is cut into M subvectors, each replaced by the number of the
 * nearest of 2^nBits centroids. Training, codes and lookup tables are integers throughout.
 */
import { allocAll } from '../../host/alloc-all.ts';
import type { Block } from '../../host/block.ts';
import type { Engine } from '../../host/engine.ts';
import { Recording } from '../../host/recording.ts';
import { FORMS, type Form } from '../../kernels/graph.ts';
import { pqDecode } from '../../kernels/pq-decode.ts';
import { pqTables } from '../../kernels/pq-tables.ts';
import { roundUp } from '../../util/math.ts';
import type { TaskOptions } from '../../util/tasks.ts';
import { type Codebook, LoadedCodebook } from './codebook.ts';
import { type IntegerGrid, packValues, type Split, splitOf } from './integer-grid.ts';

export interface PqShape {
  readonly dim: number;
  readonly M: number;
  readonly nBits: 4 | 8;
}

/** How a vector of a shape is split, padded with zero subvectors to whole words of codes. */
export function pqSplit({ dim, M, nBits }: PqShape): Split {
  return splitOf(dim, M, roundUp(M, nBits === 8 ? 4 : 8));
}

/** Bytes of a code, in whole words. */
export function pqStride({ M, nBits }: PqShape): number {
  return nBits === 8 ? roundUp(M, 4) : roundUp(M, 8) / 2;
}

/** A trained product quantiser, as the index file keeps it. */
export class ProductQuantizer {
  readonly shape: PqShape;
  readonly grid: IntegerGrid;
  readonly book: Codebook;

  constructor(shape: PqShape, grid: IntegerGrid, book: Codebook) {
    this.shape = shape;
    this.grid = grid;
    this.book = book;
  }

  get stride(): number {
    return pqStride(this.shape);
  }

  get form(): Form {
    return this.shape.nBits === 8 ? FORMS.pq8 : FORMS.pq4;
  }

  /** The same centroids, for tables of inner products. */
  byProduct(): ProductQuantizer {
    return new ProductQuantizer(this.shape, this.grid, { ...this.book, weight: 1 });
  }

  /** Codes i8 [n, stride] of the centroids' numbers u32 [n, m]. */
  pack(nearest: Uint32Array): Int8Array {
    if (this.shape.nBits === 8) return Int8Array.from(nearest, (c) => (c << 24) >> 24);
    const codes = new Int8Array(nearest.length / 2);
    for (let i = 0; i < codes.length; i++) codes[i] = nearest[2 * i]! | (nearest[2 * i + 1]! << 4);
    return codes;
  }

  /** The number of subvector `sub`'s centroid in the code that begins at byte `at`. */
  codeAt(codes: Int8Array, at: number, sub: number): number {
    if (this.shape.nBits === 8) return codes[at + sub]! & 255;
    return ((codes[at + (sub >> 1)]! & 255) >> (4 * (sub & 1))) & 15;
  }

  /** The grid values that a code stands for, to i16 [dim]. */
  decodeValues(codes: Int8Array, at: number, out: Int16Array): void {
    const { ksub, centroids, split } = this.book;
    const width = 2 * split.pairs;
    for (let sub = 0; sub < split.M; sub++) {
      const from = (sub * ksub + this.codeAt(codes, at, sub)) * width;
      out.set(centroids.subarray(from, from + split.dsub), sub * split.dsub);
    }
  }
}

/** A quantiser on an engine: what encodes rows and makes tables. */
export class LoadedQuantizer implements Disposable {
  readonly quantizer: ProductQuantizer;
  private readonly book: LoadedCodebook;

  private constructor(quantizer: ProductQuantizer, book: LoadedCodebook) {
    this.quantizer = quantizer;
    this.book = book;
  }

  static async open(engine: Engine, quantizer: ProductQuantizer): Promise<LoadedQuantizer> {
    return new LoadedQuantizer(quantizer, await LoadedCodebook.open(engine, quantizer.book));
  }

  /** Codes i8 [n, stride] of grid values i16 [n, dim]. */
  async encode(values: Int16Array, options: TaskOptions = {}): Promise<Int8Array> {
    const { quantizer } = this;
    return quantizer.pack(await this.book.nearest(packValues(values, quantizer.shape.dim, quantizer.book.split), options));
  }

  /** Lookup tables of queries, grid values i16 [n, dim]: bytes i8 [n, queryStride] and the shift u32 [n] of each, on the engine. */
  async tables(values: Int16Array, leastShift: number): Promise<{ tables: Block<'u32'>; shifts: Block<'u32'> } & Disposable> {
    const { engine, book, centroids, terms } = this.book;
    const { m, pairs } = book.split;
    const { dim } = this.quantizer.shape;
    const nq = values.length / dim;
    using queries = await engine.alloc('u32', nq * m * pairs, 'queries');
    engine.write(queries, packValues(values, dim, book.split));
    const [tables, shifts] = await allocAll(engine, [
      ['u32', (nq * m * book.ksub) / 2, 'lookup tables'],
      ['u32', nq, 'shifts of tables'],
    ]);
    const dispose = () => {
      tables[Symbol.dispose]();
      shifts[Symbol.dispose]();
    };
    try {
      const params = { nq, m, pairs, ksub: book.ksub, weight: book.weight, leastShift };
      await engine.run(new Recording().dispatch(pqTables, { queries, centroids, terms, tables, shifts }, params));
      return { tables, shifts, [Symbol.dispose]: dispose };
    } catch (error) {
      dispose();
      throw error;
    }
  }

  /**
   * What codes i8 [positions, stride] say, to rows f32 [n, width]; `places` u32 [n, 2] are positions and lists, `lists` i16
   * [nlist, width] what is added to their values.
   */
  async decode(codes: Block<'i8'>, places: Uint32Array, lists: Block<'u32'> | undefined, rows: Block<'f32'>, width: number): Promise<void> {
    const { quantizer, book } = this;
    const { grid, stride } = quantizer;
    const { M, dsub } = quantizer.book.split;
    const host = book.engine.host;
    const [placed, shift, scale] = await allocAll(host, [
      ['u32', places.length, 'decoding: places'],
      ['f32', width, 'decoding: shift'],
      ['f32', 1, 'decoding: scale'],
    ]);
    try {
      host.write(placed, places);
      host.view(shift).fill(0);
      host.view(shift).set(grid.shift);
      host.view(scale)[0] = grid.scale;
      const blocks = { codes, places: placed, centroids: book.centroids, lists: lists ?? placed, shift, scale, rows };
      const params = { n: places.length / 2, stride, M, dsub, ksub: quantizer.book.ksub, width, withLists: lists ? 1 : 0 };
      await host.run(new Recording().dispatch(pqDecode, blocks, params));
    } finally {
      for (const block of [placed, shift, scale]) block[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    this.book[Symbol.dispose]();
  }
}
