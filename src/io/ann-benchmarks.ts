/**
 * The data sets of ann-benchmarks: an HDF5 file with `train`, `test`, `neighbors` and `distances`, whose attribute `distance` names
 * how vectors are compared.
 */
import type { Metric } from '../index/vector-index.ts';
import { badFile } from '../util/errors.ts';
import { checkSignature, formatOf } from './formats.ts';
import { guarded, openHdf5File } from './hdf5-library.ts';
import { splitPart } from './path-part.ts';

/** How such a set compares vectors, by its own name. */
export type AnnDistance = 'euclidean' | 'angular' | 'hamming' | 'jaccard' | 'dot';

/** The metric of ours with the same order of neighbours: bits that differ are what l2 counts. None for sets (jaccard). */
export const METRIC_OF: Readonly<Record<AnnDistance, Metric | undefined>> = {
  euclidean: 'l2',
  angular: 'cosine',
  hamming: 'l2',
  dot: 'ip',
  jaccard: undefined,
};

/**
 * What a file says of how its vectors are compared; undefined where it says nothing: of other formats, without the attribute, or
 * with one of another meaning. `path` may name a dataset (`file.hdf5#train`).
 *
 * @throws IsodexError `bad-file` when an HDF5 file is missing or damaged
 */
export async function annDistanceOf(path: string): Promise<AnnDistance | undefined> {
  const split = splitPart(path);
  const format = formatOf(split.path, 'openVectors');
  if (format.name !== 'hdf5') return undefined;
  await checkSignature(split.path, format);
  const opened = await openHdf5File(split.path);
  try {
    const said = guarded(opened, () => opened.file.attrs.distance?.value);
    return typeof said === 'string' && Object.hasOwn(METRIC_OF, said) ? (said as AnnDistance) : undefined;
  } finally {
    opened.file.close();
  }
}

/**
 * The metric that a file asks for, undefined where it asks for none.
 *
 * @throws IsodexError `bad-file` when the file is damaged, or asks for a distance that Isodex does not have
 */
export async function metricOfFile(path: string): Promise<Metric | undefined> {
  const distance = await annDistanceOf(path);
  if (distance === undefined) return undefined;
  const metric = METRIC_OF[distance];
  if (metric) return metric;
  throw badFile(`${path} is to be compared by ${distance}, which Isodex does not do: give --metric to compare its rows otherwise`);
}
