/** Flat's part of the file: the live rows in the order they were added, their labels, serials and keys. */

import type { TypedArray } from '../kernels/kernel.ts';
import { hasBit, setBit } from '../util/bits.ts';
import { badFile } from '../util/errors.ts';
import { Breather, type TaskOptions } from '../util/tasks.ts';
import { type BodyReader, type Header, writeBody } from './format.ts';
import { MemoryOriginals, type WritableOriginals } from './originals.ts';
import { maskWords, type Snapshot } from './rows.ts';
import { checkDim, checkMetric, checkSeed, type Metric } from './vector-index.ts';

const ROWS_PER_PIECE = 1024;

export interface FlatState {
  readonly dim: number;
  readonly metric: Metric;
  readonly seed: number;
  readonly snapshot: Snapshot;
}

/** The file's bytes in pieces. Codes are derived, not stored, so what is written only depends on the rows. */
export function writeFlat(
  { dim, metric, seed, snapshot }: FlatState,
  { signal, onProgress }: TaskOptions = {},
): AsyncGenerator<Uint8Array> {
  const rows = liveRows(snapshot);
  const keys = snapshot.keys && encodeKeys(rows, snapshot.keys);
  const n = rows.length;
  const header: Header = {
    description: 'Flat',
    dim,
    metric,
    seed,
    state: { count: n, nextLabel: snapshot.nextLabel, nextSerial: snapshot.nextSerial },
    sections: [
      { name: 'labels', dtype: 'i32', length: n },
      { name: 'serials', dtype: 'u32', length: n },
      ...(keys
        ? ([
            { name: 'keyEnds', dtype: 'f64', length: n },
            { name: 'keyBytes', dtype: 'i8', length: keys.bytes.length },
          ] as const)
        : []),
      { name: 'vectors', dtype: 'f32', length: n * dim },
    ],
  };
  return writeBody(header, {
    labels: () => [Int32Array.from(rows, (row) => snapshot.labels[row]!)],
    serials: () => [Uint32Array.from(rows, (row) => snapshot.serials[row]!)],
    keyEnds: () => [keys!.ends],
    keyBytes: () => [keys!.bytes],
    vectors: async function* (): AsyncGenerator<TypedArray> {
      const breather = new Breather(signal);
      for (let at = 0; at < n; at += ROWS_PER_PIECE) {
        const piece = rows.subarray(at, at + ROWS_PER_PIECE);
        const out = new Float32Array(piece.length * dim);
        await snapshot.originals.readRows(piece, out, dim);
        yield out;
        onProgress?.(at + piece.length, n);
        await breather.breathe();
      }
    },
  });
}

/**
 * Reads a Flat body. `originalsAt` makes the place for the vectors from where they start in the file; by default they are
 * read into memory.
 */
export async function readFlat(
  reader: BodyReader,
  { signal, onProgress }: TaskOptions = {},
  originalsAt?: (position: number, count: number, dim: number) => WritableOriginals,
): Promise<FlatState & { sha256: string }> {
  const { header } = reader;
  const dim = fromHeader(checkDim, header.dim);
  const metric = fromHeader(checkMetric, header.metric);
  const seed = fromHeader(checkSeed, header.seed);
  const { count = -1, nextLabel = -1, nextSerial = -1 } = header.state;
  const lengths = header.sections.map(({ length }) => length);
  const withKeys = header.sections.length === 5;
  const consistent =
    nextLabel >= 0 && nextSerial >= count && lengths[0] === count && lengths[1] === count && lengths.at(-1) === count * dim;
  if (!consistent || !(withKeys ? lengths[2] === count : header.sections.length === 3)) {
    throw badFile('the index file is damaged: the sections of its header do not fit its row count');
  }
  const labels = await reader.readArray('labels', 'i32');
  const serials = await reader.readArray('serials', 'u32');
  const keys = withKeys ? decodeKeys(await reader.readArray('keyEnds', 'f64'), await reader.readArray('keyBytes', 'i8')) : undefined;
  const onDisk = originalsAt?.(reader.position, count, dim);
  const inMemory = new MemoryOriginals(dim);
  const breather = new Breather(signal);
  let row = 0;
  for await (const piece of reader.readPieces('vectors', 'f32', dim)) {
    for (let at = 0; at < piece.length; at += dim, row++) {
      if (!onDisk) inMemory.rowForWriting(row, count - row).set(piece.subarray(at, at + dim));
    }
    onProgress?.(row, count);
    await breather.breathe();
  }
  const sha256 = await reader.finish();
  const live = new Uint32Array(maskWords(count));
  for (let i = 0; i < count; i++) setBit(live, i);
  return {
    dim,
    metric,
    seed,
    sha256,
    snapshot: { originals: onDisk ?? inMemory, count, liveCount: count, live, labels, serials, keys, nextLabel, nextSerial },
  };
}

/** A value of the header, as the check of the argument that it once was takes it. */
function fromHeader<T>(check: (value: unknown) => T, value: unknown): T {
  try {
    return check(value);
  } catch (cause) {
    throw badFile(`the index file is damaged: in its header, ${(cause as Error).message}`, { cause });
  }
}

function liveRows(snapshot: Snapshot): Uint32Array {
  const rows = new Uint32Array(snapshot.liveCount);
  let n = 0;
  for (let row = 0; row < snapshot.count; row++) if (hasBit(snapshot.live, row)) rows[n++] = row;
  return rows;
}

/** Keys as UTF-8, one after the other, and where each ends; a missing key ends before it begins: its end is negative. */
function encodeKeys(rows: Uint32Array, keys: readonly (string | undefined)[]): { bytes: Int8Array; ends: Float64Array } {
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [];
  const ends = new Float64Array(rows.length);
  let end = 0;
  for (const [i, row] of rows.entries()) {
    const key = keys[row];
    if (key !== undefined) {
      const part = encoder.encode(key);
      parts.push(part);
      end += part.length;
    }
    ends[i] = key === undefined ? -1 - end : end;
  }
  const bytes = new Int8Array(end);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return { bytes, ends };
}

function decodeKeys(ends: Float64Array, bytes: Int8Array): (string | undefined)[] {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true }); // a mark at the start of a key belongs to it
  let begin = 0;
  return Array.from(ends, (end) => {
    if (end < 0) return undefined;
    const key = decoder.decode(bytes.subarray(begin, end));
    begin = end;
    return key;
  });
}
