import { hasBit, setBit } from '../util/bits.ts';
import { badArgument } from '../util/errors.ts';
import type { Snapshot } from './rows.ts';

/**
 * Which labels may be returned: a bitset over labels (bit label mod 32 of word ⌊label / 32⌋; labels past its end are out),
 * or a predicate, asked once for each live label.
 */
export type LabelFilter = Uint32Array | ((label: number) => boolean);

/** Rows of a snapshot that a search may return. */
export interface Admission {
  /** Bit per row. */
  readonly bits: Uint32Array;
  readonly count: number;
}

/** Evaluates the filter over the live rows; without one, all of them. */
export function admit(snapshot: Snapshot, filter: LabelFilter | undefined): Admission {
  if (filter === undefined) return { bits: snapshot.live, count: snapshot.liveCount };
  if (!(filter instanceof Uint32Array) && typeof filter !== 'function') {
    throw badArgument('filter must be a Uint32Array bitset over labels or a function of a label');
  }
  const passes = typeof filter === 'function' ? checked(filter) : (label: number) => ((filter[label >>> 5] ?? 0) >>> (label & 31)) & 1;
  const bits = new Uint32Array(snapshot.live.length);
  let count = 0;
  for (let row = 0; row < snapshot.count; row++) {
    if (!hasBit(snapshot.live, row) || !passes(snapshot.labels[row]!)) continue;
    setBit(bits, row);
    count++;
  }
  return { bits, count };
}

/** A promise is no answer, but it would count as yes. */
function checked(filter: (label: number) => boolean): (label: number) => boolean {
  return (label) => {
    const passes: unknown = filter(label);
    if (typeof passes === 'object' && passes !== null) {
      throw badArgument(`filter returned an object for label ${label}; give a function that returns true or false, not a promise`);
    }
    return Boolean(passes);
  };
}

/** A bitset over labels, as `filter` takes it. Throws 'bad-argument' for what is no label. */
export function labelBitset(labels: ArrayLike<number>): Uint32Array {
  let most = -1;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (!Number.isInteger(label) || label < 0 || label > 0x7fffffff) {
      throw badArgument(`labels[${i}] is ${String(label)}; labels are integers from 0 to 2147483647`);
    }
    most = Math.max(most, label);
  }
  const bits = new Uint32Array((most + 32) >>> 5);
  for (let i = 0; i < labels.length; i++) setBit(bits, labels[i]!);
  return bits;
}
