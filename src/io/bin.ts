import { badFile } from '../util/errors.ts';
import { bytesOf, type Dtype, toInts } from './dtypes.ts';
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

/** Where the distances of a ground truth file stand: after its labels. Both take 4 bytes. */
const labelBytes = ({ rows, columns }: Shape) => rows * columns * 4;

/**
 * The shape of a file of labels, and whether their distances follow, which only its size tells.
 *
 * @throws IsodexError `bad-file` when the size fits neither
 */
async function readLabelShape(file: RandomFile): Promise<Shape & { withDistances: boolean }> {
  const shape = await readShape(file, 'ibin');
  const plain = HEADER_BYTES + labelBytes(shape);
  const withDistances = HEADER_BYTES + 2 * labelBytes(shape);
  if (file.size === plain || file.size === withDistances) return { ...shape, withDistances: file.size === withDistances };
  await refuseRanges(file, shape);
  throw badFile(
    `${file.path} is ${file.size} bytes, and its header says ${shape.rows} rows of ${shape.columns} labels, which is ${plain} bytes ` +
      `or, with distances after them, ${withDistances}: the file is truncated or holds no labels`,
  );
}

/**
 * The ground truth of a range search: u32 queries, u32 results in all, i32 results of each query, i32 labels, f32 distances.
 *
 * @throws IsodexError `bad-file` when the file is one
 */
async function refuseRanges(file: RandomFile, { rows: queries, columns: total }: Shape): Promise<void> {
  if (file.size !== HEADER_BYTES + 4 * queries + 8 * total) return;
  const counts = toInts(await file.read(HEADER_BYTES, 4 * queries), 'i32', true, String);
  if (counts.reduce((sum, count) => sum + count, 0) !== total) return;
  throw badFile(
    `${file.path} is the ground truth of a range search (${total} results of ${queries} queries), and k neighbours of each query are wanted: give the k-nearest-neighbour truth`,
  );
}

/** Labels: ibin, or a ground truth file of big-ann-benchmarks, in which the distances f32 `[rows, columns]` follow, which are not read. */
export function openBinLabels(path: string): Promise<FileMatrix> {
  return onFile(path, async (file) => {
    const { rows, columns } = await readLabelShape(file);
    return plainMatrix(file, { format: 'ibin', dtype: 'i32', littleEndian: true, rows, columns, offset: HEADER_BYTES });
  });
}

/**
 * The distances f32 `[rows, columns]` of a ground truth file.
 *
 * @throws IsodexError `bad-file` when it holds labels alone
 */
export function openBinDistances(path: string): Promise<FileMatrix> {
  return onFile(path, async (file) => {
    const { withDistances, ...shape } = await readLabelShape(file);
    if (!withDistances)
      throw badFile(`${path} holds ${shape.rows} rows of ${shape.columns} labels without distances: read it with readLabels`);
    return plainMatrix(file, { format: 'ibin', dtype: 'f32', littleEndian: true, ...shape, offset: HEADER_BYTES + labelBytes(shape) });
  });
}

/** The bytes of a ground truth file: labels i32 `[rows, columns]`, then their distances f32. */
export function* encodeBinTruth(labels: Table, distances: Float32Array): Generator<Uint8Array> {
  yield* encodeBin(labels, 'ibin');
  for (const { bytes } of encodePieces({ ...labels, values: distances }, 'f32')) yield bytes;
}

/** The bytes of a file of this format. */
export function* encodeBin(table: Table, format: BinFormat): Generator<Uint8Array> {
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  header.setUint32(0, table.values.length / table.columns, true);
  header.setUint32(4, table.columns, true);
  yield new Uint8Array(header.buffer);
  for (const { bytes } of encodePieces(table, DTYPES[format])) yield bytes;
}
