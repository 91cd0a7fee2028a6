import { badArgument } from '../util/errors.ts';
import { replaceFile } from '../util/replace-file.ts';
import type { Table } from './encode.ts';
import { formatOf } from './formats.ts';

/** @throws IsodexError `bad-argument` unless the values are whole rows of `columns` */
function tableOf(path: string, values: Float32Array | Int32Array, columns: number, name: string): Table {
  if (!Number.isInteger(columns) || columns < 1 || columns > 0x7fffffff)
    throw badArgument(`${name} is ${columns}: give an integer from 1 to 2147483647`);
  if (values.length % columns !== 0)
    throw badArgument(`${values.length} values are not whole rows of ${name} ${columns}: give n * ${columns} values`);
  return { values, columns, path };
}

/**
 * Writes vectors `[n, dim]` to an .fvecs, .bvecs, .fbin, .u8bin, .i8bin or .npy file, replacing it as a whole or not at all.
 *
 * @throws IsodexError `bad-argument` for another name, for values that are not whole rows, and for a value that the format's bytes
 * cannot hold, naming its row and column; `bad-file` when the file cannot be written
 */
export async function writeVectors(path: string, vectors: Float32Array, dim: number): Promise<void> {
  const format = formatOf(path, 'encodeVectors');
  await replaceFile(path, format.encodeVectors(tableOf(path, vectors, dim, 'dim')));
}

/**
 * Writes labels int32 `[n, k]` to an .ivecs, .ibin or .npy file, replacing it as a whole or not at all.
 *
 * @throws IsodexError `bad-argument` for another name or for values that are not whole rows; `bad-file` when it cannot be written
 */
export async function writeLabels(path: string, labels: Int32Array, k: number): Promise<void> {
  const format = formatOf(path, 'encodeLabels');
  await replaceFile(path, format.encodeLabels(tableOf(path, labels, k, 'k')));
}

/**
 * Writes labels int32 `[n, k]` with their distances f32 to an .ibin or .bin file, or one without extension, as a ground truth file of
 * big-ann-benchmarks, replacing it as a whole or not at all.
 *
 * @throws IsodexError as `writeLabels`, and `bad-argument` unless there is one distance for each label
 */
export async function writeTruth(path: string, labels: Int32Array, distances: Float32Array, k: number): Promise<void> {
  const format = formatOf(path, 'encodeTruth');
  if (distances.length !== labels.length)
    throw badArgument(`there are ${distances.length} distances for ${labels.length} labels: give one for each`);
  await replaceFile(path, format.encodeTruth(tableOf(path, labels, k, 'k'), distances));
}
