import { toFloats } from './dtypes.ts';
import { checkSignature, formatOf } from './formats.ts';
import { matrixLabels } from './matrix.ts';
import { choosePart, splitPart } from './path-part.ts';

/**
 * The labels of a file, int32 `[n, k]`: ivecs, ibin, npy or HDF5 (`file.hdf5#neighbors`) of integers, or a ground truth file of
 * big-ann-benchmarks (labels, then distances), whose size tells. A one-dimensional array is n rows of one label.
 *
 * @throws IsodexError `bad-argument` for a name of no known format; `bad-file` when the file is missing or damaged, or holds floats
 * or integers outside int32
 */
export async function readLabels(path: string): Promise<{ labels: Int32Array; n: number; k: number }> {
  const split = splitPart(path);
  const format = formatOf(split.path, 'openLabels');
  const part = choosePart(split, undefined, format);
  await checkSignature(split.path, format);
  const matrix = await format.openLabels(split.path, part);
  try {
    return { labels: await matrixLabels(matrix), n: matrix.rows, k: matrix.columns };
  } finally {
    await matrix.close();
  }
}

/**
 * A ground truth file of big-ann-benchmarks (.ibin, .bin or without extension): labels int32 and their distances f32, each `[n, k]`.
 *
 * @throws IsodexError as `readLabels`, and `bad-file` where the file holds labels alone
 */
export async function readTruth(path: string): Promise<{ labels: Int32Array; distances: Float32Array; n: number; k: number }> {
  const matrix = await formatOf(path, 'openDistances').openDistances(path);
  try {
    const bytes = await matrix.read(0, matrix.rows);
    return { ...(await readLabels(path)), distances: toFloats(bytes, 'f32', true, String) };
  } finally {
    await matrix.close();
  }
}
