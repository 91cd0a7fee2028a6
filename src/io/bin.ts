import { badFile } from '../util/errors.ts';
import { bytesOf, type Dtype } from './dtypes.ts';
import { encodePieces, type Table } from './encode.ts';
import { type FileMatrix, plainMatrix } from './matrix.ts';
import { onFile, type RandomFile } from './random-file.ts';

/** The files of big-ann-benchmarks: u32 rows, u32 columns, then the numbers, row-major; little-endian. */
type BinFormat = 'fbin' | 'u8bin' | 'i8bin' | 'ibin';

const DTYPES: Record<BinFormat, Dtype> = { fbin: 'f32', u8bin: 'u8', i8bin: 'i8', ibin: 'i32' };
const HEADER_BYTES = 8;

interface Shape {
  rows: number;
  columns: number;
}

async function readShape(file: RandomFile, format: string): Promise<Shape> {
  const { path, size } = file;
  if (size < HEADER_BYTES)
    throw badFile(`${path} is ${size} bytes, and the header of ${format} alone is 8: the file is truncated or not ${format}`);
  const view = new DataView((await file.head(HEADER_BYTES)).buffer);
  const shape = { rows: view.getUint32(0, true), columns: view.getUint32(4, true) };
  if (shape.columns === 0)
    throw badFile(`${path}: its header says ${shape.rows} rows of dimension 0, which must be at least 1: it is not ${format}`);
  return shape;
}

/** @throws IsodexError `bad-file` when the size is not what the header implies */
export function openBin(path: string, format: BinFormat): Promise<FileMatrix> {
  return onFile(path, async (file) => {
    const dtype = DTYPES[format];
    const { rows, columns } = await readShape(file, format);
    const expected = HEADER_BYTES + rows * columns * bytesOf(dtype);
    if (file.size !== expected) {
      throw badFile(
        `${path} is ${file.size} bytes, and its header says ${rows} rows of dimension ${columns}, which as ${format} is ${expected} bytes: ` +
          `the file is ${file.size < expected ? 'truncated' : 'too long'} or not ${format}`,
      );
    }
    return plainMatrix(file, { format, dtype, littleEndian: true, rows, columns, offset: HEADER_BYTES });
  });
}

/**
 * Labels: ibin, or a ground truth file of big-ann-benchmarks, in which the distances f32 `[rows, columns]` follow the labels.
 * Only the size of the file tells which one it is; the distances are not read.
 */
export function openBinLabels(path: string): Promise<FileMatrix> {
  return onFile(path, async (file) => {
    const { rows, columns } = await readShape(file, 'ibin');
    const plain = HEADER_BYTES + rows * columns * 4;
    const withDistances = HEADER_BYTES + rows * columns * 8;
    if (file.size !== plain && file.size !== withDistances) {
      throw badFile(
        `${path} is ${file.size} bytes, and its header says ${rows} rows of ${columns} labels, which is ${plain} bytes ` +
          `or, with distances after them, ${withDistances}: the file is truncated or holds no labels`,
      );
    }
    return plainMatrix(file, { format: 'ibin', dtype: 'i32', littleEndian: true, rows, columns, offset: HEADER_BYTES });
  });
}

/** The bytes of a file of this format. */
export function* encodeBin(table: Table, format: BinFormat): Generator<Uint8Array> {
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  header.setUint32(0, table.values.length / table.columns, true);
  header.setUint32(4, table.columns, true);
  yield new Uint8Array(header.buffer);
  for (const { bytes } of encodePieces(table, DTYPES[format])) yield bytes;
}
