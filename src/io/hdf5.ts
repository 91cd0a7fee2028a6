import type { Metadata } from 'h5wasm/node';
import { badFile } from '../util/errors.ts';
import { bytesOf, type Dtype } from './dtypes.ts';
import { guarded, type Opened, openHdf5File } from './hdf5-library.ts';
import type { FileMatrix, Flat } from './matrix.ts';

/** The dataset to read where the caller names none and the file has more than one. */
const DEFAULT_DATASET = 'train';
/** Chunks of rows above this are read in pieces, although each piece unpacks the chunk again. */
const LARGEST_STEP_BYTES = 1 << 26;
/** HDF5's numbers for its classes of types. */
const [INTEGER, FLOAT, ENUM] = [0, 1, 8];

/** Every dataset of the file that has a shape of one or two dimensions. */
function listDatasets(opened: Opened): Map<string, Metadata> {
  const { file } = opened;
  return guarded(opened, () => {
    const datasets = new Map<string, Metadata>();
    for (const name of file.paths()) {
      const entity = file.get(name);
      if (!entity || !('slice' in entity)) continue;
      const { metadata } = entity;
      if (metadata.shape?.length === 1 || metadata.shape?.length === 2) datasets.set(name, metadata);
    }
    return datasets;
  });
}

function describeAll(datasets: Map<string, Metadata>): string {
  const all = [...datasets].map(([name, { shape }]) => `${name} [${shape!.join(', ')}]`);
  return all.length > 0 ? all.join(', ') : 'none';
}

/** The dataset that the caller names, or the only one, or `train`. */
function choose(path: string, datasets: Map<string, Metadata>, part: string | undefined): string {
  const wanted = part?.replace(/^\/+|\/+$/g, '');
  if (wanted !== undefined && datasets.has(wanted)) return wanted;
  const names = [...datasets.keys()];
  if (wanted === undefined && names.length === 1) return names[0]!;
  if (wanted === undefined && datasets.has(DEFAULT_DATASET)) return DEFAULT_DATASET;
  const problem = wanted === undefined ? `has no dataset ${DEFAULT_DATASET}` : `has no dataset ${wanted} of one or two dimensions`;
  throw badFile(`${path} ${problem}; it has: ${describeAll(datasets)}. Choose one with ${path}#NAME`);
}

/** The type of a dataset's numbers; h5py's booleans are an enumeration of bytes. */
function dtypeOf(metadata: Metadata): Dtype | undefined {
  const { type, size, signed } = metadata;
  if (type === FLOAT) return size === 2 ? 'f16' : size === 4 ? 'f32' : size === 8 ? 'f64' : undefined;
  if (type !== INTEGER && !(type === ENUM && metadata.enum_type?.type === INTEGER)) return undefined;
  const bits = size * 8;
  return bits === 8 || bits === 16 || bits === 32 || bits === 64 ? `${signed ? 'i' : 'u'}${bits}` : undefined;
}

/** Rows of one stored chunk, or 1 where there are no chunks or they are too large to read whole. */
function chunkRows(metadata: Metadata, rowBytes: number): number {
  const rows = metadata.shape?.length === 2 ? (metadata.chunks?.[0] ?? 1) : 1;
  return rows * rowBytes <= LARGEST_STEP_BYTES ? rows : 1;
}

/** Reads one slab of a dataset through the library's own memory. HDF5 gives little-endian numbers whatever the file holds. */
function readSlab(opened: Opened, name: string, offset: number[], count: number[], length: number): Uint8Array<ArrayBuffer> {
  const { path, module, file } = opened;
  const pointer = module._malloc(length);
  if (pointer === 0) throw badFile(`cannot read ${path}: HDF5 has no memory for a piece of ${length} bytes: read fewer rows at once`);
  try {
    const strides = offset.map(() => 1n);
    guarded(opened, () => module.get_dataset_data(file.file_id, name, count.map(BigInt), offset.map(BigInt), strides, BigInt(pointer)));
    return new Uint8Array(module.HEAPU8.slice(pointer, pointer + length));
  } finally {
    module._free(pointer);
  }
}

function matrixOf(opened: Opened, name: string, metadata: Metadata, flat: Flat): FileMatrix {
  const { path, file } = opened;
  const dtype = dtypeOf(metadata);
  if (!dtype) throw badFile(`${path}#${name} holds neither numbers of 16 to 64 bits nor bytes: store it as float32`);
  const shape = metadata.shape!;
  const isFlat = shape.length === 1;
  const rows = isFlat && flat === 'row' ? 1 : shape[0]!;
  const columns = !isFlat ? shape[1]! : flat === 'row' ? shape[0]! : 1;
  if (columns === 0) throw badFile(`${path}#${name} has ${rows} rows of dimension 0, which must be at least 1`);
  const rowBytes = columns * bytesOf(dtype);
  return {
    path: `${path}#${name}`,
    format: 'hdf5',
    dtype,
    littleEndian: true,
    rows,
    columns,
    step: chunkRows(metadata, rowBytes),
    read: async (start, count) => {
      const offset = isFlat ? [flat === 'row' ? 0 : start] : [start, 0];
      const extent = isFlat ? [count * columns] : [count, columns];
      return readSlab(opened, `/${name}`, offset, extent, count * rowBytes);
    },
    close: async () => guarded(opened, () => void file.close()),
  };
}

/**
 * A dataset of an HDF5 file, such as those of ann-benchmarks. A one-dimensional one is one vector, or (`flat: 'column'`) labels.
 *
 * @throws IsodexError `bad-file` when the file is truncated or not HDF5, or has no such dataset (the error lists those there are)
 */
export async function openHdf5(path: string, part: string | undefined, flat: Flat): Promise<FileMatrix> {
  const opened = await openHdf5File(path);
  try {
    const datasets = listDatasets(opened);
    const name = choose(path, datasets, part);
    return matrixOf(opened, name, datasets.get(name)!, flat);
  } catch (error) {
    opened.file.close();
    throw error;
  }
}
