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
