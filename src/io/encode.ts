import { badArgument } from '../util/errors.ts';
import { bytesOf, type Dtype, toHostOrder } from './dtypes.ts';

const SMALLEST: Partial<Record<Dtype, number>> = { u8: 0, i8: -128 };
const LARGEST: Partial<Record<Dtype, number>> = { u8: 255, i8: 127 };

/** Rows that make about 1 MiB in the file. */
function rowsPerPiece(rowBytes: number): number {
  return Math.max(1, Math.floor((1 << 20) / rowBytes));
}

/** A matrix to write: `[rows, columns]`, row-major. */
export interface Table {
  readonly values: Float32Array | Int32Array;
  readonly columns: number;
  /** The target, for messages. */
  readonly path: string;
}

/** @throws IsodexError `bad-argument` when a value of rows start..end is no value of the byte type, naming row and column */
function narrow(table: Table, dtype: 'u8' | 'i8', start: number, end: number): Uint8Array {
  const { values, columns, path } = table;
  const [least, most] = [SMALLEST[dtype]!, LARGEST[dtype]!];
  const bytes = new Uint8Array((end - start) * columns);
  for (let i = 0, from = start * columns; i < bytes.length; i++) {
    const value = values[from + i]!;
    if (!Number.isInteger(value) || value < least || value > most) {
      const row = start + Math.floor(i / columns);
      throw badArgument(
        `row ${row}, column ${i % columns} is ${value}, and ${path} holds integers from ${least} to ${most}: write .fvecs, .fbin or .npy instead`,
      );
    }
    bytes[i] = value;
  }
  return bytes;
}

/** Rows start..end of the table as little-endian bytes; may share memory with the table. */
function encodeRows(table: Table, dtype: Dtype, start: number, end: number): Uint8Array {
  if (dtype === 'u8' || dtype === 'i8') return narrow(table, dtype, start, end);
  const part = table.values.subarray(start * table.columns, end * table.columns);
  const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
  // On a big-endian machine the bytes are swapped, which must not happen in the caller's array.
  return toHostOrder(new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? bytes : bytes.slice(), dtype, true);
}

/** The table as pieces of little-endian bytes of about 1 MiB, each with the index of its first row and the number of its rows. */
export function* encodePieces(table: Table, dtype: Dtype): Generator<{ bytes: Uint8Array; count: number }> {
  const rows = table.values.length / table.columns;
  const step = rowsPerPiece(table.columns * bytesOf(dtype));
  for (let start = 0; start < rows; start += step) {
    const end = Math.min(rows, start + step);
    yield { bytes: encodeRows(table, dtype, start, end), count: end - start };
  }
}
