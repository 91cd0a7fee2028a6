import { badArgument, badFile } from '../util/errors.ts';
import { bytesOf, type Dtype } from './dtypes.ts';
import { encodePieces, type Table } from './encode.ts';
import type { FileMatrix } from './matrix.ts';
import { onFile, type RandomFile } from './random-file.ts';

/** fvecs, bvecs and ivecs: per row an int32 with the dimension, then that many numbers; little-endian. */
type VecsFormat = 'fvecs' | 'bvecs' | 'ivecs';

const DTYPES: Record<VecsFormat, Dtype> = { fvecs: 'f32', bvecs: 'u8', ivecs: 'i32' };
const HEADER_BYTES = 4;

/** The dimension of the first row, checked against the size of the file. */
async function firstDimension(file: RandomFile, format: VecsFormat): Promise<number> {
  const { path, size } = file;
  if (size < HEADER_BYTES)
    throw badFile(`${path} is ${size} bytes, and a row of ${format} begins with 4: the file is truncated or not ${format}`);
  const head = await file.head(HEADER_BYTES);
  const dim = new DataView(head.buffer).getInt32(0, true);
  if (dim < 1) throw badFile(`${path}: its first row has dimension ${dim}, which must be at least 1: the file is not ${format}`);
  const rowBytes = HEADER_BYTES + dim * bytesOf(DTYPES[format]);
  if (size % rowBytes !== 0) {
    throw badFile(
      `${path} is ${size} bytes, which is not a multiple of the ${rowBytes}-byte rows that its first dimension, ${dim}, implies: ` +
        `the file is truncated or not ${format}`,
    );
  }
  return dim;
}

/**
 * Takes the dimensions out of rows as they are stored, so that the numbers follow one another.
 *
 * @throws IsodexError `bad-file` at a row whose dimension differs from the first row's
 */
function unpack(bytes: Uint8Array, path: string, dim: number, rowBytes: number, start: number): Uint8Array<ArrayBuffer> {
  const count = bytes.byteLength / rowBytes;
  const payload = rowBytes - HEADER_BYTES;
  const packed = new Uint8Array(count * payload);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let row = 0; row < count; row++) {
    const at = row * rowBytes;
    const found = view.getInt32(at, true);
    if (found !== dim)
      throw badFile(`${path}: row ${start + row} has dimension ${found}, and the rows before it have ${dim}; all must be equal`);
    packed.set(bytes.subarray(at + HEADER_BYTES, at + rowBytes), row * payload);
  }
  return packed;
}

/** @throws IsodexError `bad-file` when the file is not of this format or truncated */
export function openVecs(path: string, format: VecsFormat): Promise<FileMatrix> {
  return onFile(path, async (file) => {
    const dim = await firstDimension(file, format);
    const dtype = DTYPES[format];
    const rowBytes = HEADER_BYTES + dim * bytesOf(dtype);
    return {
      path,
      format,
      dtype,
      littleEndian: true,
      rows: file.size / rowBytes,
      columns: dim,
      step: 1,
      read: async (start, count) => unpack(await file.read(start * rowBytes, count * rowBytes), path, dim, rowBytes, start),
      close: () => file.close(),
    };
  });
}

/** The bytes of a file of this format. Without rows there is no place for the dimension, so that is an error. */
export function* encodeVecs(table: Table, format: VecsFormat): Generator<Uint8Array> {
  const { columns, values, path } = table;
  if (values.length === 0)
    throw badArgument(`${path} cannot hold 0 rows, since ${format} stores the dimension in each row: write .npy instead`);
  const dtype = DTYPES[format];
  const payload = columns * bytesOf(dtype);
  for (const { bytes, count } of encodePieces(table, dtype)) {
    const rows = new Uint8Array(count * (HEADER_BYTES + payload));
    const view = new DataView(rows.buffer);
    for (let row = 0, at = 0; row < count; row++, at += HEADER_BYTES + payload) {
      view.setInt32(at, columns, true);
      rows.set(bytes.subarray(row * payload, (row + 1) * payload), at + HEADER_BYTES);
    }
    yield rows;
  }
}
