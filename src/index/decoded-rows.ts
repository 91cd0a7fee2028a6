import type { Block } from '../host/block.ts';
import type { HostEngine } from '../host/engine.ts';
import type { ListCodec } from './coding/list-codec.ts';
import type { Place } from './coding/lists.ts';
import type { Originals } from './originals.ts';

/** What the codes of rows say, among transformed vectors. */
export class DecodedRows implements Originals {
  readonly dim: number;
  readonly memoryBytes = 0;
  private readonly host: HostEngine;
  private readonly codec: ListCodec;
  private readonly codes: Block<'i8'>;
  private readonly placeOf: (row: number) => Place;

  /** `dim` is that of transformed vectors; codes i8 [positions, stride]. */
  constructor(host: HostEngine, codec: ListCodec, codes: Block<'i8'>, dim: number, placeOf: (row: number) => Place) {
    this.host = host;
    this.codec = codec;
    this.codes = codes;
    this.dim = dim;
    this.placeOf = placeOf;
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
    const codes = this.host.view(this.codes);
    for (let i = 0; i < rows.length; i++) {
      const { list, position } = this.placeOf(rows[i]!);
      this.codec.decode(codes, position * this.codec.stride, list, out.subarray(i * width, i * width + this.dim));
    }
  }
}
