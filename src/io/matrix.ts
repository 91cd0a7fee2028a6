import { badFile } from '../util/errors.ts';
import { bytesOf, type Dtype, isInteger, toFloats, toInts } from './dtypes.ts';
import type { RandomFile } from './random-file.ts';
import type { RowReader } from './row-reader.ts';

/** What a one-dimensional array of n numbers means: one vector `[1, n]`, or n labels `[n, 1]`. */
export type Flat = 'row' | 'column';

/** A matrix of numbers in a file, whose rows can be read from any place. */
export interface FileMatrix {
  readonly path: string;
  readonly format: string;
  readonly dtype: Dtype;
  readonly littleEndian: boolean;
  readonly rows: number;
  readonly columns: number;
  /** Rows that the file stores as one block: reading whole blocks avoids unpacking one twice. */
  readonly step: number;
  /** The numbers of rows start..start+count, row-major, `[count, columns]`, in a buffer of their own. */
  read(start: number, count: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

/** Where a number of a piece that begins at row `start` stands, for messages. */
function place(matrix: FileMatrix, start: number): (index: number) => string {
  const { path, columns } = matrix;
  return (index) => `${path}: row ${start + Math.floor(index / columns)}, column ${index % columns}`;
}

/** The layout that fbin, npy and IDX share: after `offset` bytes, rows without anything between them to the end of the file. */
export function plainMatrix(
  file: RandomFile,
  layout: { format: string; dtype: Dtype; littleEndian: boolean; rows: number; columns: number; offset: number },
): FileMatrix {
  const rowBytes = layout.columns * bytesOf(layout.dtype);
  return {
    path: file.path,
    ...layout,
    step: 1,
    read: (start, count) => file.read(layout.offset + start * rowBytes, count * rowBytes),
    close: () => file.close(),
  };
}

/** A matrix as a reader of vectors. */
export function matrixRows(matrix: FileMatrix): RowReader {
  const { path, format, dtype, littleEndian, rows, columns, step } = matrix;
  async function* pieces(wanted: number): AsyncGenerator<Float32Array> {
    const count = Math.ceil(wanted / step) * step;
    for (let start = 0; start < rows; start += count) {
      const bytes = await matrix.read(start, Math.min(count, rows - start));
      yield toFloats(bytes, dtype, littleEndian, place(matrix, start));
    }
  }
  return { path, format, dtype, dim: columns, size: rows, pieces, close: () => matrix.close() };
}

/** Rows of about 16 MiB: large enough to keep the disk busy, small beside the result. */
function labelStep(matrix: FileMatrix): number {
  return Math.max(1, Math.floor((1 << 24) / (matrix.columns * bytesOf(matrix.dtype))));
}

/**
 * All of a matrix as labels int32 `[rows, columns]`; the matrix stays open.
 *
 * @throws IsodexError `bad-file` when it holds floats, or integers outside int32
 */
export async function matrixLabels(matrix: FileMatrix): Promise<Int32Array> {
  const { path, dtype, littleEndian, rows, columns } = matrix;
  if (!isInteger(dtype)) throw badFile(`${path} holds ${dtype} numbers, and labels are integers: read it with openVectors`);
  const labels = new Int32Array(rows * columns);
  const step = labelStep(matrix);
  for (let start = 0; start < rows; start += step) {
    const bytes = await matrix.read(start, Math.min(step, rows - start));
    labels.set(toInts(bytes, dtype, littleEndian, place(matrix, start)), start * columns);
  }
  return labels;
}
