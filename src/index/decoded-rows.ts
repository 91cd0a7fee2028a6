import type { Block } from '../host/block.ts';
import type { HostEngine } from '../host/engine.ts';
import type { ListCodec } from './coding/list-codec.ts';
import type { Place } from './coding/lists.ts';
import { ComputedOriginals } from './originals.ts';

/** What the codes of rows say, among transformed vectors. */
export class DecodedRows extends ComputedOriginals {
  private readonly host: HostEngine;
  private readonly codec: ListCodec;
  private readonly codes: Block<'i8'>;
  private readonly placeOf: (row: number) => Place;

  /** `dim` is that of transformed vectors; codes i8 [positions, stride]. */
  constructor(host: HostEngine, codec: ListCodec, codes: Block<'i8'>, dim: number, placeOf: (row: number) => Place) {
    super(dim);
    this.host = host;
    this.codec = codec;
    this.codes = codes;
    this.placeOf = placeOf;
  }

  protected computeRow(row: number, out: Float32Array): void {
    const { list, position } = this.placeOf(row);
    this.codec.decode(this.host.view(this.codes), position * this.codec.stride, list, out);
  }
}
