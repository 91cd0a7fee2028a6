/** The data that benches run on: which files, which metric, and what to do where they are missing. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readVectors } from '../src/io/vector-source.ts';
import { clustered } from '../src/tune/clustered.ts';

export type Metric = 'l2' | 'cosine';

export interface DataSet {
  readonly name: string;
  readonly metric: Metric;
  readonly dim: number;
  /** f32 [n, dim] and [nq, dim], normalised under cosine: every contender is given the same bits. */
  readonly base: Float32Array;
  readonly queries: Float32Array;
}

export interface DataOptions {
  /** Folders to look in, the first first. */
  readonly folders: readonly string[];
  readonly queries: number;
  /** Rows at most. */
  readonly limit?: number | undefined;
  /** What belongs to a file of vectors that is named in a set's place. */
  readonly own?: OwnOptions | undefined;
}

interface OwnOptions {
  /** File of queries. */
  readonly file: string;
  readonly metric: Metric;
}

interface Files {
  readonly metric: Metric;
  /** Rows scaled to length 1 although the metric is l2. */
  readonly normalise?: boolean;
  /** Pairs of files, the first that is there counts. */
  readonly files: readonly (readonly [base: string, queries: string])[];
  readonly from: string;
}

/** Where Debian's package puts Fashion-MNIST. */
export const DEBIAN_FOLDER = '/usr/share/datasets';

const GLOVE = {
  files: [['glove-6b-100d/base.npy', 'glove-6b-100d/query.npy']],
  from: 'glove-6b-100d/ in the folder of data sets (ISODEX_DATA)',
} as const;

const FILES: Readonly<Record<string, Files>> = {
  'fashion-mnist': {
    metric: 'l2',
    files: [
      ['fashion-mnist/train-images-idx3-ubyte.gz', 'fashion-mnist/t10k-images-idx3-ubyte.gz'],
      ['train-images-idx3-ubyte.gz', 't10k-images-idx3-ubyte.gz'],
      ['fashion-mnist-784-euclidean.hdf5#train', 'fashion-mnist-784-euclidean.hdf5#test'],
    ],
    from: "Debian's package dataset-fashion-mnist, or its files in the folder of data sets (ISODEX_DATA)",
  },
  glove: { metric: 'cosine', ...GLOVE },
  'glove-l2': { metric: 'l2', normalise: true, ...GLOVE },
  minilm: {
    metric: 'cosine',
    files: [['minilm-debian-67k-384/base.npy', 'minilm-debian-67k-384/query.npy']],
    from: 'minilm-debian-67k-384/ in the folder of data sets (ISODEX_DATA)',
  },
  sift: {
    metric: 'l2',
    files: [['sift-deb-250k-128/base.u8bin', 'sift-deb-250k-128/query.u8bin']],
    from: 'sift-deb-250k-128/ in the folder of data sets (ISODEX_DATA)',
  },
};

const CLUSTERED = /^clustered-(\d+)x(\d+)$/;

/** For --help and errors. */
export const SET_NAMES = [...Object.keys(FILES), 'clustered-1m', 'clustered-ROWSxDIM'];

/** Reads or makes a data set. Returns the reason where its files are missing; throws for an unknown name. */
export async function loadSet(name: string, options: DataOptions): Promise<DataSet | { readonly missing: string }> {
  const synthetic = CLUSTERED.exec(name === 'clustered-1m' ? 'clustered-1000000x128' : name);
  if (synthetic) {
    const [n, dim] = [Math.min(Number(synthetic[1]), options.limit ?? Infinity), Number(synthetic[2])];
    return { name, metric: 'l2', dim, ...clustered(n, options.queries, dim) };
  }
  if (isFile(name)) return ownSet(name, options);
  const wanted = FILES[name];
  if (!wanted) throw new Error(`data sets: there is no '${name}'; give some of ${SET_NAMES.join(', ')}`);
  const there = (folder: string) => wanted.files.find((pair) => pair.every((file) => existsSync(join(folder, file.split('#')[0]!))));
  const folder = options.folders.find(there);
  if (!folder) return { missing: `needs ${wanted.from}` };
  const [baseFile, queryFile] = there(folder)!;
  return read(name, join(folder, baseFile), join(folder, queryFile), wanted, options);
}

/** Names of sets have neither dots nor slashes. */
function isFile(name: string): boolean {
  return /[./]/.test(name);
}

async function ownSet(path: string, options: DataOptions): Promise<DataSet> {
  if (!options.own) throw new Error(`${path}: give a file of queries beside it, with --queries`);
  const { file, metric } = options.own;
  return read(basename(path), path, file, { metric }, options);
}

async function read(
  name: string,
  baseFile: string,
  queryFile: string,
  { metric, normalise: scale = metric === 'cosine' }: Pick<Files, 'metric' | 'normalise'>,
  options: DataOptions,
): Promise<DataSet> {
  const base = await readVectors(baseFile, { limit: options.limit });
  const queries = await readVectors(queryFile, { limit: options.queries });
  if (queries.dim !== base.dim)
    throw new Error(`${queryFile}: ${queries.dim} dimensions, where ${baseFile} has ${base.dim}; give queries that fit`);
  if (scale) for (const rows of [base, queries]) normalise(rows.vectors, rows.dim);
  return { name, metric, dim: base.dim, base: base.vectors, queries: queries.vectors };
}

/** Scales every row to length 1: norm in f64, rounded to f32, as Isodex does under cosine. */
function normalise(rows: Float32Array, dim: number): void {
  for (let at = 0; at < rows.length; at += dim) {
    let sum = 0;
    for (let j = at; j < at + dim; j++) sum += rows[j]! * rows[j]!;
    const norm = Math.sqrt(sum);
    for (let j = at; j < at + dim; j++) rows[j] = rows[j]! / norm;
  }
}
