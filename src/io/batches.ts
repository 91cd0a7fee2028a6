import { badArgument } from '../util/errors.ts';

/** How to read a source; see `VectorSource.batches`. */
export interface BatchOptions {
  /** Rows per batch; the last batch may be smaller. By default as many as make 4 MiB, at most 65536. */
  rows?: number | undefined;
  /** Stop after this many rows. */
  limit?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** @throws IsodexError `bad-argument` unless `value` is undefined or an integer of at least `least` */
export function checkCount(name: string, value: number | undefined, least: number): void {
  if (value === undefined || value === Infinity || (Number.isInteger(value) && value >= least)) return;
  throw badArgument(`${name} is ${value}: give an integer of at least ${least}, or leave it out`);
}

/** Rows that make 4 MiB of f32. */
export function defaultRows(dim: number): number {
  return Math.min(65536, Math.max(1, Math.floor((1 << 20) / dim)));
}

/** `promise`, unless the signal aborts first: then a rejection with the signal's reason, at once. */
async function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** The same items, rejecting with the signal's reason as soon as it aborts, even while an item is being read. */
export async function* abortable<T>(items: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  if (!signal) return yield* items;
  signal.throwIfAborted();
  const iterator = items[Symbol.asyncIterator]();
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await orAbort(iterator.next(), signal);
      if (done) return;
      yield value;
    }
  } finally {
    const ended = iterator.return?.()?.catch(() => undefined);
    // After an abort the read that is under way may take long: let it end by itself.
    if (!signal.aborted) await ended;
  }
}

/** Puts pieces after one another; one piece stays as it is. */
function join(pieces: readonly Float32Array[]): Float32Array {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/**
 * Cuts pieces of whole rows `[any, dim]` into batches `[rows, dim]` (the last may be smaller), `limit` rows in all.
 * Each batch is in memory of its own.
 */
export async function* rebatch(
  pieces: AsyncIterable<Float32Array>,
  dim: number,
  rows: number,
  limit: number,
): AsyncGenerator<Float32Array> {
  let left = limit;
  let held: Float32Array[] = [];
  let missing = Math.min(rows, left);
  if (left === 0) return;
  for await (const piece of pieces) {
    for (let at = 0, end = piece.length / dim; at < end && left > 0; ) {
      const count = Math.min(missing, end - at);
      held.push(count === end ? piece : piece.slice(at * dim, (at + count) * dim));
      at += count;
      missing -= count;
      if (missing > 0) continue;
      yield join(held);
      held = [];
      left -= Math.min(rows, left);
      missing = Math.min(rows, left);
    }
    if (left === 0) return;
  }
  if (held.length > 0) yield join(held);
}
