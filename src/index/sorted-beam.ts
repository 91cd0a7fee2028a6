/**
 * The beam of the specification (kernels/cpu/beam.ts) for a host that feeds many at once: the same entries after the same
 * insertions, in one typed array, found by bisection.
 */
import { beamCapacity } from '../kernels/graph.ts';
import { hasBit } from '../util/bits.ts';

/** In an entry's id: its links were followed. Ids lie below. */
const EXPANDED = 0x80000000 | 0;
const ID = 0x7fffffff;

export class SortedBeam {
  /** Entries in use. */
  length = 0;
  /** i32 [capacity + 1, 2]: key, and id with its mark; ascending by (key, id). One array, so that one copy makes room. */
  private readonly entries: Int32Array;
  private readonly ef: number;
  private readonly capacity: number;
  private readonly admitted: Uint32Array | undefined;
  private returnable = 0;
  /** All entries before it are expanded. */
  private cursor = 0;

  constructor(ef: number, admitted?: Uint32Array) {
    this.ef = ef;
    this.admitted = admitted;
    this.capacity = beamCapacity(ef, admitted !== undefined);
    this.entries = new Int32Array(2 * (this.capacity + 1));
  }

  keyAt(i: number): number {
    return this.entries[2 * i]!;
  }

  idAt(i: number): number {
    return this.entries[2 * i + 1]! & ID;
  }

  mayReturn(id: number): boolean {
    return this.admitted === undefined || hasBit(this.admitted, id);
  }

  /** Takes a node in where it belongs; one that is there already is left alone. */
  insert(key: number, id: number): void {
    const full = this.returnable === this.ef || this.length === this.capacity;
    if (full && !this.isBefore(key, id, this.length - 1)) return;
    const at = this.placeFor(key, id);
    if (at > 0 && this.idAt(at - 1) === id) return;
    const { entries } = this;
    entries.copyWithin(2 * at + 2, 2 * at, 2 * this.length);
    entries[2 * at] = key;
    entries[2 * at + 1] = id;
    this.length++;
    if (this.mayReturn(id)) this.returnable++;
    if (at < this.cursor) this.cursor = at;
    this.trim();
  }

  /** Marks and returns the nearest node whose links were not followed yet; −1 when there is none. */
  expandNearest(): number {
    const { entries, length } = this;
    let at = this.cursor;
    while (at < length && entries[2 * at + 1]! < 0) at++;
    this.cursor = at;
    if (at >= length) return -1;
    const id = entries[2 * at + 1]!;
    entries[2 * at + 1] = id | EXPANDED;
    return id;
  }

  /** Whether (key, id) comes before entry i. */
  private isBefore(key: number, id: number, i: number): boolean {
    const other = this.entries[2 * i]!;
    return key < other || (key === other && id < this.idAt(i));
  }

  /** How many entries (key, id) does not come before. */
  private placeFor(key: number, id: number): number {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.isBefore(key, id, middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private trim(): void {
    if (this.length > this.capacity) this.drop();
    while (this.returnable > this.ef) this.drop();
    if (this.returnable === this.ef) while (!this.mayReturn(this.idAt(this.length - 1))) this.drop();
  }

  private drop(): void {
    this.length--;
    if (this.mayReturn(this.idAt(this.length))) this.returnable--;
  }
}
