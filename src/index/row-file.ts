/**
 * What the files of all indexes over rows share: the settings in the header, and the sections of rows. Labels, serials
 * and keys come first, the index's own sections next, the vectors last, so that all before them fits in memory.
 */
import type { TypedArray } from '../kernels/kernel.ts';
import { badFile } from '../util/errors.ts';
import { Breather, type TaskOptions } from '../util/tasks.ts';
import { type BodyReader, fromHeader, type Header, type SectionContent } from './format.ts';
import { MemoryOriginals, type OriginalsAt, readInPieces, type WritableOriginals, writePiece } from './originals.ts';
import type { Snapshot } from './rows.ts';
import { Serials } from './serials.ts';
import { checkDim, checkMetric, checkSeed, type Settings } from './vector-index.ts';

/** Sections of labels, serials and vectors, and those that keys add. */
const SECTIONS = 3;
const KEY_SECTIONS = 2;

/** How far rows and labels have come, as the header's state tells it. */
interface RowCounts {
  /** Rows in the file. */
  readonly count: number;
  readonly nextLabel: number;
  readonly nextSerial: number;
}

/** The sections of labels, serials and, where there are any, keys of the given rows. */
export function labelSections(snapshot: Snapshot, rows: Uint32Array): SectionContent[] {
  const { length } = rows;
  const labels = () => [Int32Array.from(rows, (row) => snapshot.labels[row]!)];
  const serials = () => [snapshot.serials.pick(rows)];
  return [
    { name: 'labels', dtype: 'i32', length, arrays: labels },
    { name: 'serials', dtype: 'u32', length, arrays: serials },
    ...(snapshot.keys ? keySections(rows, snapshot.keys) : []),
  ];
}

/** The section of the given rows' vectors; its progress counts rows. */
export function vectorSection({ originals }: Snapshot, rows: Uint32Array, { signal, onProgress }: TaskOptions): SectionContent {
  const { dim } = originals;
  async function* arrays(): AsyncGenerator<TypedArray> {
    const breather = new Breather(signal);
    let done = 0;
    for await (const piece of readInPieces(originals, rows)) {
      yield piece;
      done += piece.length / dim;
      onProgress?.(done, rows.length);
      await breather.breathe();
    }
  }
  return { name: 'vectors', dtype: 'f32', length: rows.length * dim, arrays };
}

export function readSettings({ dim, metric, seed }: Header): Settings {
  return { dim: fromHeader(checkDim, dim), metric: fromHeader(checkMetric, metric), seed: fromHeader(checkSeed, seed) };
}

/**
 * Throws unless the header's sections are those of its count of rows: labels, serials, keys, `own` sections of the index, and
 * last the vectors, or what the index keeps in their place, `width` values a row.
 */
export function readCounts({ state, sections }: Header, width: number, own: number): RowCounts & { readonly withKeys: boolean } {
  const { count = -1, nextLabel = -1, nextSerial = -1 } = state;
  const lengths = sections.map(({ length }) => length);
  const withKeys = sections.length === SECTIONS + KEY_SECTIONS + own;
  const consistent =
    nextLabel >= 0 && nextSerial >= count && lengths[0] === count && lengths[1] === count && lengths.at(-1) === count * width;
  if (!consistent || !(withKeys ? lengths[2] === count : sections.length === SECTIONS + own)) {
    throw badFile('the index file is damaged: the sections of its header do not fit its row count');
  }
  return { count, nextLabel, nextSerial, withKeys };
}

/** The sections that `labelSections` wrote. */
export async function readLabels(reader: BodyReader, withKeys: boolean): Promise<Pick<Snapshot, 'labels' | 'serials' | 'keys'>> {
  return {
    labels: await reader.readArray('labels', 'i32'),
    serials: Serials.of(await reader.readArray('serials', 'u32')),
    keys: withKeys ? decodeKeys(await reader.readArray('keyEnds', 'f64'), await reader.readArray('keyBytes', 'i8')) : undefined,
  };
}

export interface VectorReading extends TaskOptions {
  /** Makes another place for the vectors from where they start in the file: they are only checked then. */
  readonly originalsAt?: OriginalsAt | undefined;
  /** Where they are kept otherwise; plain memory by default. */
  readonly inMemory?: WritableOriginals;
  /** Sees each piece, f32 [rows, dim], and its first row as it goes by. */
  readonly onPiece?: (first: number, piece: Float32Array) => Promise<void>;
}

/** Reads the vectors, f32 [count, dim]. */
export async function readVectors(reader: BodyReader, count: number, dim: number, reading: VectorReading): Promise<WritableOriginals> {
  const { signal, onProgress, onPiece } = reading;
  const inMemory: WritableOriginals = reading.inMemory ?? new MemoryOriginals(dim);
  const elsewhere = reading.originalsAt?.(reader.position, count, dim);
  if (!elsewhere) await inMemory.reserve?.(count);
  const breather = new Breather(signal);
  let done = 0;
  for await (const piece of reader.readPieces('vectors', 'f32', dim)) {
    await onPiece?.(done, piece);
    done = elsewhere ? done + piece.length / dim : writePiece(inMemory, done, count, piece);
    onProgress?.(done, count);
    await breather.breathe();
  }
  return elsewhere ?? inMemory;
}

/** Keys as UTF-8, one after the other, and where each ends; a missing key ends before it begins: its end is negative. */
function keySections(rows: Uint32Array, keys: readonly (string | undefined)[]): SectionContent[] {
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
  return [
    { name: 'keyEnds', dtype: 'f64', length: ends.length, arrays: () => [ends] },
    { name: 'keyBytes', dtype: 'i8', length: bytes.length, arrays: () => [bytes] },
  ];
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
