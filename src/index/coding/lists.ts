/** Inverted lists: the codes of live rows side by side, list after list (CSR). A flat index over codes has one list. */
import { allocAll } from '../../host/alloc-all.ts';
import type { Block } from '../../host/block.ts';
import type { HostEngine } from '../../host/engine.ts';
import { NONE } from '../../kernels/graph.ts';
import { hasBit, setBit } from '../../util/bits.ts';

/** Codes of rows that are to join lists, in the order of the rows. */
export interface CodedRows {
  /** The row of the first. */
  readonly first: number;
  /** u32 [n]: the list of each. */
  readonly lists: Uint32Array;
  /** i8 [n, stride] */
  readonly codes: Int8Array;
  /** i32 [n], where the codec has terms. */
  readonly terms: Int32Array | undefined;
}

/** Where a row's code lies: its list, and its place among all codes. */
export interface Place {
  readonly list: number;
  readonly position: number;
}

/** Lists as they are at one time, on the host engine; never changed. */
export class Lists implements Disposable {
  readonly stride: number;
  /** u32 [nlist + 1]: where each list begins, in positions. */
  readonly offsets: Block<'u32'>;
  /** u32 [positions]: rows, ascending within a list. */
  readonly rows: Block<'u32'>;
  /** i8 [positions, stride] */
  readonly codes: Block<'i8'>;
  /** i32 [positions], or one value where there are no terms. */
  readonly terms: Block<'i32'>;
  readonly withTerms: boolean;
  private readonly host: HostEngine;
  /** u32 [rows]: the position of each, NONE where it is in no list. */
  private positions: Uint32Array | undefined;

  private constructor(host: HostEngine, stride: number, withTerms: boolean, blocks: Pick<Lists, 'offsets' | 'rows' | 'codes' | 'terms'>) {
    this.host = host;
    this.stride = stride;
    this.withTerms = withTerms;
    this.offsets = blocks.offsets;
    this.rows = blocks.rows;
    this.codes = blocks.codes;
    this.terms = blocks.terms;
  }

  /** Lists with those rows of `old` and `added` whose bits are set in `live`; `old` stays as it is. */
  static async merged(
    host: HostEngine,
    { nlist, stride, withTerms }: { nlist: number; stride: number; withTerms: boolean },
    old: Lists | undefined,
    added: readonly CodedRows[],
    live: Uint32Array,
  ): Promise<Lists> {
    const counts = new Uint32Array(nlist);
    old?.visit((list, row) => {
      if (hasBit(live, row)) counts[list]!++;
    });
    for (const { lists, first } of added) {
      lists.forEach((list, i) => {
        if (hasBit(live, first + i)) counts[list]!++;
      });
    }
    const offsets = new Uint32Array(nlist + 1);
    for (let list = 0; list < nlist; list++) offsets[list + 1] = offsets[list]! + counts[list]!;
    const positions = offsets[nlist]!;
    const [offsetBlock, rows, codes, terms] = await allocAll(host, [
      ['u32', nlist + 1, 'lists: offsets'],
      ['u32', Math.max(1, positions), 'lists: rows'],
      ['i8', Math.max(1, positions) * stride, 'lists: codes'],
      ['i32', withTerms ? Math.max(1, positions) : 1, 'lists: terms'],
    ]);
    host.write(offsetBlock, offsets);
    const lists = new Lists(host, stride, withTerms, { offsets: offsetBlock, rows, codes, terms });
    lists.fill(offsets.slice(0, nlist), old, added, live);
    return lists;
  }

  /** One list of the given rows, ascending, whose codes i8 [rows, stride] lie where their numbers say. */
  static async ofRows(host: HostEngine, stride: number, rows: Uint32Array, codes: Block<'i8'>): Promise<Lists> {
    const room = Math.max(1, rows.length);
    const [offsets, rowBlock, gathered, terms] = await allocAll(host, [
      ['u32', 2, 'lists: offsets'],
      ['u32', room, 'lists: rows'],
      ['i8', room * stride, 'lists: codes'],
      ['i32', 1, 'lists: terms'],
    ]);
    host.write(offsets, Uint32Array.of(0, rows.length));
    host.write(rowBlock, rows);
    const [from, to] = [host.view(codes), host.view(gathered)];
    for (let i = 0; i < rows.length; i++) to.set(from.subarray(rows[i]! * stride, (rows[i]! + 1) * stride), i * stride);
    return new Lists(host, stride, false, { offsets, rows: rowBlock, codes: gathered, terms });
  }

  get count(): number {
    return this.host.view(this.offsets).at(-1)!;
  }

  get nlist(): number {
    return this.offsets.length - 1;
  }

  /** Bytes of codes (terms included), and of what else lists need. */
  get memory(): { readonly codes: number; readonly lists: number } {
    return {
      codes: this.codes.length + 4 * (this.withTerms ? this.terms.length : 0),
      lists: 4 * (this.rows.length + this.offsets.length + (this.positions?.length ?? 0)),
    };
  }

  /** Calls `take` for every position, in order. */
  visit(take: (list: number, row: number, position: number) => void): void {
    const offsets = this.host.view(this.offsets);
    const rows = this.host.view(this.rows);
    for (let list = 0; list < this.nlist; list++) {
      for (let position = offsets[list]!; position < offsets[list + 1]!; position++) take(list, rows[position]!, position);
    }
  }

  /** Where a row is: its list and its position; undefined where it is in none. Of several lists, positions by row are kept from then on. */
  find(row: number): Place | undefined {
    const offsets = this.host.view(this.offsets);
    if (this.nlist === 1) return this.placeAt(firstAtLeast(this.host.view(this.rows), 0, offsets[1]!, row), row, 0);
    const position = this.positionsByRow()[row] ?? NONE;
    return this.placeAt(position, row, firstAtLeast(offsets, 0, offsets.length, position + 1) - 1);
  }

  /** The same lists where `rows[i]`, ascending, is row i. */
  async renumbered(rows: Uint32Array): Promise<Lists> {
    const { host, stride, withTerms, nlist } = this;
    const numbers = new Map(Array.from(rows, (row, i) => [row, i]));
    const live = new Uint32Array(Math.ceil(((rows.at(-1) ?? 0) + 1) / 32));
    for (const row of rows) setBit(live, row);
    const same = await Lists.merged(host, { nlist, stride, withTerms }, this, [], live);
    const view = host.view(same.rows);
    for (let i = 0; i < same.count; i++) view[i] = numbers.get(view[i]!)!;
    return same;
  }

  private placeAt(position: number, row: number, list: number): Place | undefined {
    const rows = this.host.view(this.rows);
    return position < this.count && rows[position] === row ? { list, position } : undefined;
  }

  private positionsByRow(): Uint32Array {
    if (this.positions) return this.positions;
    let last = -1;
    this.visit((_list, row) => {
      last = Math.max(last, row);
    });
    const positions = new Uint32Array(last + 1).fill(NONE);
    this.visit((_list, row, position) => {
      positions[row] = position;
    });
    this.positions = positions;
    return positions;
  }

  [Symbol.dispose](): void {
    for (const block of [this.offsets, this.rows, this.codes, this.terms]) block[Symbol.dispose]();
  }

  /** Old rows come before added ones in each list, as their numbers do. `at` is where each list begins. */
  private fill(at: Uint32Array, old: Lists | undefined, added: readonly CodedRows[], live: Uint32Array): void {
    const { host, stride, withTerms } = this;
    const rows = host.view(this.rows);
    const codes = host.view(this.codes);
    const terms = host.view(this.terms);
    const put = (list: number, row: number, from: Int8Array, fromTerms: Int32Array | undefined, i: number) => {
      if (!hasBit(live, row)) return;
      const position = at[list]!++;
      rows[position] = row;
      codes.set(from.subarray(i * stride, (i + 1) * stride), position * stride);
      if (withTerms) terms[position] = fromTerms![i]!;
    };
    if (old) {
      const [oldCodes, oldTerms] = [host.view(old.codes), host.view(old.terms)];
      old.visit((list, row, position) => put(list, row, oldCodes, oldTerms, position));
    }
    for (const piece of added) {
      for (const [i, list] of piece.lists.entries()) put(list, piece.first + i, piece.codes, piece.terms, i);
    }
  }
}

/** The first place in [begin, end) whose value is at least `value`, or `end`; values ascend. */
function firstAtLeast(values: Uint32Array, begin: number, end: number, value: number): number {
  let [low, high] = [begin, end];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
