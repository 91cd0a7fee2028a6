import type { Block } from '../host/block.ts';
import type { HostEngine } from '../host/engine.ts';
import type { ListCodec } from './coding/list-codec.ts';
import type { Place } from './coding/lists.ts';
import { ComputedOriginals } from './originals.ts';

/** What the codes of rows say, among transformed vectors. */
export class DecodedRows extends ComputedOriginals {
  /** Set where the codec has a faster way. */
  readonly fillRows?: (rows: ArrayLike<number>, block: Block<'f32'>, width: number) => Promise<void>;
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
    if (codec.decodeRows) this.fillRows = (rows, block, width) => codec.decodeRows!(codes, this.placesOf(rows), block, width);
  }

  protected computeRow(row: number, out: Float32Array): void {
    const { list, position } = this.placeOf(row);
    this.codec.decode(this.host.view(this.codes), position * this.codec.stride, list, out);
  }

  private placesOf(rows: ArrayLike<number>): Uint32Array {
    const places = new Uint32Array(2 * rows.length);
    for (let i = 0; i < rows.length; i++) {
      const { position, list } = this.placeOf(rows[i]!);
      places[2 * i] = position;
      places[2 * i + 1] = list;
    }
    return places;
  }
}
