import { clearBit, hasBit, setBit } from '../util/bits.ts';
import { badArgument } from '../util/errors.ts';
import { readInPieces, type WritableOriginals, writePiece } from './originals.ts';
import { Serials } from './serials.ts';

/** The rows as one committed state: what a search sees. Rows below `count` never change; `live` is this state's own. */
export interface Snapshot {
  readonly originals: WritableOriginals;
  /** Rows ever stored in these originals, live or not. */
  readonly count: number;
  readonly liveCount: number;
  /** Bit per row, whole blocks of 64 rows; zero past count. */
  readonly live: Uint32Array;
  /** [≥ count] */
  readonly labels: Int32Array;
  readonly serials: Serials;
  /** [≥ count], where any row has a key. */
  readonly keys: readonly (string | undefined)[] | undefined;
  /** The next default label: the largest ever used + 1. */
  readonly nextLabel: number;
  readonly nextSerial: number;
}

export function emptySnapshot(originals: WritableOriginals): Snapshot {
  return {
    originals,
    count: 0,
    liveCount: 0,
    live: new Uint32Array(0),
    labels: new Int32Array(0),
    serials: Serials.none,
    keys: undefined,
    nextLabel: 0,
    nextSerial: 0,
  };
}

/** Words of a bitset over `rows` rows, in whole blocks of 64. */
export function maskWords(rows: number): number {
  return Math.ceil(rows / 64) * 2;
}

/** The bitset of `count` rows that are all live. */
export function allLive(count: number): Uint32Array {
  const live = new Uint32Array(maskWords(count));
  for (let row = 0; row < count; row++) setBit(live, row);
  return live;
}

/** The live rows, ascending. */
export function liveRows({ live, count, liveCount }: Snapshot): Uint32Array {
  const rows = new Uint32Array(liveCount);
  let n = 0;
  for (let row = 0; row < count; row++) if (hasBit(live, row)) rows[n++] = row;
  return rows;
}

/** The state after `labels.length` rows were appended behind `count`; rows whose labels come again are dead in it. */
export function appended(before: Snapshot, labels: Int32Array, keys: readonly string[] | undefined, replaced: readonly number[]): Snapshot {
  const n = labels.length;
  const count = before.count + n;
  const live = new Uint32Array(maskWords(count));
  live.set(before.live);
  for (const row of replaced) clearBit(live, row);
  for (let row = before.count; row < count; row++) setBit(live, row);
  let nextLabel = before.nextLabel;
  for (const label of labels) nextLabel = Math.max(nextLabel, label + 1);
  const allLabels = grown(before.labels, before.count, n);
  allLabels.set(labels, before.count);
  return {
    originals: before.originals,
    count,
    liveCount: before.liveCount + n - replaced.length,
    live,
    labels: allLabels,
    serials: before.serials.appended(before.count, before.nextSerial, n),
    keys: appendKeys(before, keys, n),
    nextLabel,
    nextSerial: before.nextSerial + n,
  };
}

/** The state without the given rows. */
export function without(before: Snapshot, rows: readonly number[]): Snapshot {
  const live = before.live.slice();
  for (const row of rows) clearBit(live, row);
  return { ...before, live, liveCount: before.liveCount - rows.length };
}

/** The same live rows in the same order, close together in other originals, which are empty. */
export async function compacted(old: Snapshot, originals: WritableOriginals): Promise<Snapshot> {
  const next = renumbered(old, originals);
  await originals.reserve?.(next.count);
  let written = 0;
  for await (const piece of readInPieces(old.originals, liveRows(old))) written = writePiece(originals, written, next.count, piece);
  return next;
}

/** The same for originals that are there already. */
export function renumbered(old: Snapshot, originals: WritableOriginals): Snapshot {
  const rows = liveRows(old);
  const { length: count } = rows;
  return {
    ...old,
    originals,
    count,
    live: allLive(count),
    labels: Int32Array.from(rows, (row) => old.labels[row]!),
    serials: Serials.of(old.serials.pick(rows)),
    keys: old.keys && Array.from(rows, (row) => old.keys![row]),
  };
}

/** The labels of `n` new rows: the given ones, checked, or the next ones. */
export function newLabels(snapshot: Snapshot, n: number, given: ArrayLike<number> | undefined): Int32Array {
  if (snapshot.nextSerial + n > 2 ** 32) throw badArgument(`the index has taken ${snapshot.nextSerial} rows; ${n} more would pass 2^32`);
  if (given === undefined) {
    if (snapshot.nextLabel + n > 2 ** 31)
      throw badArgument(`default labels would pass 2^31 − 1 (the next one is ${snapshot.nextLabel}); give labels`);
    return Int32Array.from({ length: n }, (_, i) => snapshot.nextLabel + i);
  }
  if (given.length !== n) throw badArgument(`labels has ${given.length} entries for ${n} rows; give one a row`);
  const labels = new Int32Array(n);
  const seen = new Set<number>();
  for (let i = 0; i < n; i++) {
    const label = given[i]!;
    if (!Number.isInteger(label) || label < 0 || label > 0x7fffffff)
      throw badArgument(`labels[${i}] is ${label}; labels are integers from 0 to 2147483647`);
    if (seen.has(label)) throw badArgument(`labels[${i}] is ${label}, which comes twice in this call; give each label once`);
    seen.add(label);
    labels[i] = label;
  }
  return labels;
}

/** Throws unless `keys` are strings, one for each of `n` rows. */
export function checkKeys(keys: readonly string[], n: number): void {
  if (!Array.isArray(keys)) throw badArgument(`keys must be an array of strings, one a row; it is a ${typeof keys}`);
  if (keys.length !== n) throw badArgument(`keys has ${keys.length} entries for ${n} rows; give one a row`);
  const at = keys.findIndex((key) => typeof key !== 'string');
  if (at >= 0) throw badArgument(`keys[${at}] is ${String(keys[at])}, a ${typeof keys[at]}; give strings`);
}

/** Finds rows by label: by bisection while labels ascend with the rows, as default labels do, else through a map. */
export class LabelLookup {
  private map: Map<number, number> | undefined;
  private ascending = true;
  private indexed = 0;

  /** The live row with this label, or −1. */
  rowOf(snapshot: Snapshot, label: number): number {
    this.index(snapshot);
    const row = this.ascending ? bisect(snapshot.labels, snapshot.count, label) : (this.map!.get(label) ?? -1);
    return row >= 0 && row < snapshot.count && hasBit(snapshot.live, row) && snapshot.labels[row] === label ? row : -1;
  }

  /** Takes in rows added since the last call. */
  private index({ labels, count }: Snapshot): void {
    for (; this.indexed < count && this.ascending; this.indexed++) {
      if (this.indexed > 0 && labels[this.indexed]! <= labels[this.indexed - 1]!) this.ascending = false;
      if (!this.ascending) break;
    }
    if (this.ascending) return;
    if (!this.map) {
      this.map = new Map();
      this.indexed = 0;
    }
    for (; this.indexed < count; this.indexed++) this.map.set(labels[this.indexed]!, this.indexed);
  }
}

function bisect(labels: Int32Array, count: number, label: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (labels[middle]! < label) low = middle + 1;
    else high = middle;
  }
  return low < count && labels[low] === label ? low : -1;
}

function grown(array: Int32Array, count: number, more: number): Int32Array {
  if (count + more <= array.length) return array;
  const room = new Int32Array(Math.max(count + more, count + (count >> 3)));
  room.set(array.subarray(0, count));
  return room;
}

function appendKeys(before: Snapshot, keys: readonly string[] | undefined, n: number): (string | undefined)[] | undefined {
  if (!keys && !before.keys) return undefined;
  const all = before.keys ? before.keys.slice(0, before.count) : new Array<undefined>(before.count).fill(undefined);
  return all.concat(keys ?? new Array<undefined>(n).fill(undefined));
}
