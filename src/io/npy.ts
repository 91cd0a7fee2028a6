import { badFile } from '../util/errors.ts';
import { bytesOf, type Dtype } from './dtypes.ts';
import { encodePieces, type Table } from './encode.ts';
import { type FileMatrix, type Flat, plainMatrix } from './matrix.ts';
import { onFile, type RandomFile } from './random-file.ts';

/** `descr` in the header, and the type that it means; NumPy's other types are not vectors or labels. */
const DTYPES: Record<string, Dtype> = {
  '<f2': 'f16',
  '<f4': 'f32',
  '<f8': 'f64',
  '|u1': 'u8',
  '|i1': 'i8',
  '<i2': 'i16',
  '<u2': 'u16',
  '<i4': 'i32',
  '<u4': 'u32',
  '<i8': 'i64',
  '<u8': 'u64',
};
/** `\x93NUMPY`, read as latin1. */
const MAGIC = '\x93NUMPY';
/** Real headers have about 128 bytes; more than this is not one. */
const LARGEST_HEADER = 1 << 20;

/** The header's text and where the numbers begin. */
async function readHeader(file: RandomFile): Promise<{ text: string; offset: number }> {
  const { path, size } = file;
  const head = await file.head(12);
  const magic = Buffer.from(head.subarray(0, 6)).toString('latin1');
  if (magic !== MAGIC.slice(0, magic.length)) throw badFile(`${path} does not begin with \\x93NUMPY: it is not a npy file`);
  const major = head[6];
  const start = major === 1 ? 10 : 12;
  if (size < start) throw badFile(`${path} is ${size} bytes, less than the header of a npy file: the file is truncated`);
  if (major !== 1 && major !== 2 && major !== 3) throw badFile(`${path} is npy version ${major}, and versions 1 to 3 are known`);
  const view = new DataView(head.buffer);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const offset = start + length;
  if (length > LARGEST_HEADER || offset > size) {
    throw badFile(`${path} is ${size} bytes, and its npy header alone says that it has ${offset}: the file is truncated or corrupted`);
  }
  const text = Buffer.from(await file.read(start, length)).toString('utf8');
  return { text, offset };
}

/** The value of one key of the Python dictionary that a header is. */
function entry(text: string, key: string, pattern: string): string | undefined {
  return new RegExp(`['"]${key}['"]\\s*:\\s*${pattern}`).exec(text)?.[1];
}

function parseDtype(path: string, text: string): Dtype {
  const descr = entry(text, 'descr', `['"]([^'"]*)['"]`);
  const dtype = descr === undefined ? undefined : DTYPES[descr];
  if (dtype) return dtype;
  const found = descr === undefined ? 'a record or unknown type' : `'${descr}'`;
  throw badFile(
    `${path} holds ${found}, and the types that can be read are ${Object.keys(DTYPES).join(', ')}: save array.astype('<f4') instead`,
  );
}

function parseShape(path: string, text: string, flat: Flat): { rows: number; columns: number } {
  const shape = entry(text, 'shape', '\\(([^)]*)\\)');
  if (shape === undefined) throw badFile(`${path}: its npy header has no shape: the file is corrupted`);
  const sizes = shape
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    // Python 2 wrote its long integers with an L.
    .map((part) => (/^\d+L?$/.test(part) ? Number.parseInt(part, 10) : Number.NaN));
  if (sizes.length !== 1 && sizes.length !== 2) {
    throw badFile(`${path} has shape (${shape}), and 1 or 2 dimensions are expected: save array.reshape(len(array), -1) instead`);
  }
  if (!sizes.every(Number.isSafeInteger)) throw badFile(`${path} has shape (${shape}), which is not one: the file is corrupted`);
  const [first, second] = sizes as [number, number?];
  if (second !== undefined) return { rows: first, columns: second };
  return flat === 'row' ? { rows: 1, columns: first } : { rows: first, columns: 1 };
}

/**
 * A one-dimensional array is one vector, or (`flat: 'column'`) a list of labels.
 *
 * @throws IsodexError `bad-file` when the file is truncated, in Fortran order, or of a shape or type that is not read
 */
export function openNpy(path: string, flat: Flat): Promise<FileMatrix> {
  return onFile(path, async (file) => {
    const { text, offset } = await readHeader(file);
    const dtype = parseDtype(path, text);
    if (entry(text, 'fortran_order', '(True|False)') !== 'False') {
      throw badFile(`${path} is in Fortran order (columns after one another): save numpy.ascontiguousarray(array) instead`);
    }
    const { rows, columns } = parseShape(path, text, flat);
    if (columns === 0) throw badFile(`${path} has ${rows} rows of dimension 0, which must be at least 1`);
    const expected = offset + rows * columns * bytesOf(dtype);
    if (file.size !== expected) {
      throw badFile(
        `${path} is ${file.size} bytes, and its npy header says ${rows} rows of ${columns} ${dtype} numbers, which is ${expected} bytes: ` +
          `the file is ${file.size < expected ? 'truncated' : 'too long'}`,
      );
    }
    return plainMatrix(file, { format: 'npy', dtype, littleEndian: true, rows, columns, offset });
  });
}

/** The bytes of a npy file, version 1, as NumPy writes it: the numbers begin at a multiple of 64. */
export function* encodeNpy(table: Table): Generator<Uint8Array> {
  const dtype: Dtype = table.values instanceof Int32Array ? 'i32' : 'f32';
  const descr = dtype === 'i32' ? '<i4' : '<f4';
  const rows = table.values.length / table.columns;
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${rows}, ${table.columns}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const header = Buffer.alloc(10 + length, ' ');
  header.write(MAGIC, 0, 'latin1');
  header[6] = 1;
  header[7] = 0;
  header.writeUInt16LE(length, 8);
  header.write(text, 10, 'latin1');
  header[header.length - 1] = 0x0a;
  yield header;
  for (const { bytes } of encodePieces(table, dtype)) yield bytes;
}
