/** Insertion numbers of rows, ascending. While they are consecutive, as they are until rows are left out, they take no memory. */
export class Serials {
  static readonly none = new Serials(0, undefined);

  private readonly first: number;
  /** [≥ rows], where they are not consecutive. */
  private readonly values: Uint32Array | undefined;

  private constructor(first: number, values: Uint32Array | undefined) {
    this.first = first;
    this.values = values;
  }

  static of(values: Uint32Array): Serials {
    const first = values[0] ?? 0;
    return new Serials(first, values.every((serial, row) => serial === first + row) ? undefined : values);
  }

  /** The serial of a row. */
  at(row: number): number {
    return this.values ? this.values[row]! : this.first + row;
  }

  /** Those of the given rows. */
  pick(rows: Uint32Array): Uint32Array {
    return Uint32Array.from(rows, (row) => this.at(row));
  }

  /** These, of `count` rows, and `n` more from `next` on. */
  appended(count: number, next: number, n: number): Serials {
    if (count === 0) return new Serials(next, undefined);
    if (!this.values && this.first + count === next) return this;
    const room = this.withRoom(count, n);
    for (let i = 0; i < n; i++) room[count + i] = next + i;
    return new Serials(this.first, room);
  }

  get byteLength(): number {
    return this.values?.byteLength ?? 0;
  }

  /** The values of `count` rows in an array that has room for `more`: the same one, where it has, since rows before never change. */
  private withRoom(count: number, more: number): Uint32Array {
    if (this.values && this.values.length >= count + more) return this.values;
    const room = new Uint32Array(Math.max(count + more, count + (count >> 3)));
    for (let row = 0; row < count; row++) room[row] = this.at(row);
    return room;
  }
}
