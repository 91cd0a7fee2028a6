import { badFile } from '../util/errors.ts';
import { byteStream, isGzipped } from './byte-stream.ts';
import { bytesOf, type Dtype, toFloats } from './dtypes.ts';
import { matrixRows, plainMatrix } from './matrix.ts';
import { fileSize, onFile } from './random-file.ts';
import type { RowReader } from './row-reader.ts';

/** The third byte of an IDX file (MNIST's format), and the type that it means. */
const DTYPES: Record<number, Dtype> = { 8: 'u8', 9: 'i8', 11: 'i16', 12: 'i32', 13: 'f32', 14: 'f64' };
/** Deflate packs at most 1032 bytes into one; a header that promises more is wrong. */
const GZIP_LARGEST_RATIO = 1032;

interface Layout {
  dtype: Dtype;
  rows: number;
  columns: number;
  /** Where the numbers begin. */
  offset: number;
}

/**
 * Reads the header: 0, 0, type, number of dimensions, then the dimensions as big-endian u32. The first dimension counts the rows;
 * the others are flattened. `head` holds the first bytes, at least as many as the header has if the file is whole.
 */
function parseHeader(path: string, head: Uint8Array): Layout {
  const dtype = DTYPES[head[2] ?? -1];
  const dimensions = head[3] ?? 0;
  if (head.length >= 4 && (head[0] !== 0 || head[1] !== 0 || !dtype || dimensions === 0)) {
    const found = [...head.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw badFile(
      `${path} begins with ${found}, and an IDX file with 00 00, a type (08, 09, 0b to 0e) and its number of dimensions: it is not IDX`,
    );
  }
  const offset = 4 + 4 * dimensions;
  if (head.length < offset || !dtype) {
    throw badFile(`${path} is ${head.length} bytes, and its IDX header alone is ${offset}: the file is truncated`);
  }
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const sizes = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
  const columns = sizes.slice(1).reduce((product, size) => product * size, 1);
  if (columns === 0)
    throw badFile(`${path} has dimensions ${sizes.join(' x ')}, which makes vectors of dimension 0; it must be at least 1`);
  return { dtype, rows: sizes[0]!, columns, offset };
}

/** The longest header there can be: 255 dimensions. */
const LARGEST_HEADER = 4 + 4 * 255;

function wrongSize(path: string, layout: Layout, found: string, expected: number, short: boolean): Error {
  const { rows, columns, dtype } = layout;
  return badFile(
    `${path} is ${found}, and its IDX header says ${rows} rows of ${columns} ${dtype} numbers, which is ${expected} bytes: ` +
      `the file is ${short ? 'truncated' : 'too long'} or not IDX`,
  );
}

function openPlain(path: string): Promise<RowReader> {
  return onFile(path, async (file) => {
    const layout = parseHeader(path, await file.head(LARGEST_HEADER));
    const expected = layout.offset + layout.rows * layout.columns * bytesOf(layout.dtype);
    if (file.size !== expected) throw wrongSize(path, layout, `${file.size} bytes`, expected, file.size < expected);
    return matrixRows(plainMatrix(file, { format: 'idx', littleEndian: false, ...layout }));
  });
}

/** The first bytes of a gzipped file, unpacked. */
async function gunzipHead(path: string): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const bytes of byteStream(path, true)) {
    parts.push(bytes);
    length += bytes.length;
    if (length >= LARGEST_HEADER) break;
  }
  return Uint8Array.from(Buffer.concat(parts).subarray(0, LARGEST_HEADER));
}

/** Rows of a gzipped file in pieces of `wanted` rows, from one pass over the stream. */
async function* gunzipPieces(path: string, layout: Layout, wanted: number): AsyncGenerator<Float32Array> {
  const rowBytes = layout.columns * bytesOf(layout.dtype);
  const total = layout.rows * rowBytes;
  let skip = layout.offset;
  let seen = 0;
  let piece = new Uint8Array(Math.min(wanted * rowBytes, total));
  let filled = 0;
  let done = 0;
  for await (const chunk of byteStream(path, true)) {
    const skipped = Math.min(skip, chunk.length);
    skip -= skipped;
    seen += chunk.length - skipped;
    if (seen > total) throw wrongSize(path, layout, `at least ${layout.offset + seen} bytes when unpacked`, layout.offset + total, false);
    for (let at = skipped; at < chunk.length; ) {
      const count = Math.min(piece.length - filled, chunk.length - at);
      piece.set(chunk.subarray(at, at + count), filled);
      at += count;
      filled += count;
      if (filled < piece.length) break;
      const start = done / rowBytes;
      yield toFloats(
        piece,
        layout.dtype,
        false,
        (i) => `${path}: row ${start + Math.floor(i / layout.columns)}, column ${i % layout.columns}`,
      );
      done += filled;
      filled = 0;
      piece = new Uint8Array(Math.min(wanted * rowBytes, total - done));
    }
  }
  if (seen < total) throw wrongSize(path, layout, `${layout.offset + seen} bytes when unpacked`, layout.offset + total, true);
}

async function openGzipped(path: string): Promise<RowReader> {
  const layout = parseHeader(path, await gunzipHead(path));
  const expected = layout.offset + layout.rows * layout.columns * bytesOf(layout.dtype);
  const packed = await fileSize(path);
  if (expected > packed * GZIP_LARGEST_RATIO) throw wrongSize(path, layout, `${packed} bytes when gzipped`, expected, true);
  return {
    path,
    format: 'idx',
    dtype: layout.dtype,
    dim: layout.columns,
    size: layout.rows,
    pieces: (wanted) => gunzipPieces(path, layout, wanted),
    close: async () => undefined,
  };
}

/**
 * An IDX file, gzipped or not.
 *
 * @throws IsodexError `bad-file` when it is not IDX or its size is not what its header implies (gzipped: at the end of reading)
 */
export async function openIdx(path: string): Promise<RowReader> {
  return (await isGzipped(path)) ? openGzipped(path) : openPlain(path);
}
