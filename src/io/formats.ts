import { basename } from 'node:path';
import { badArgument, badFile } from '../util/errors.ts';
import { encodeBin, encodeBinTruth, openBin, openBinDistances, openBinLabels } from './bin.ts';
import { isWideInteger } from './dtypes.ts';
import type { Table } from './encode.ts';
import { openHdf5 } from './hdf5.ts';
import { openIdx } from './idx.ts';
import { openJsonl } from './jsonl.ts';
import { type FileMatrix, matrixRows } from './matrix.ts';
import { encodeNpy, openNpy } from './npy.ts';
import { openParquet } from './parquet.ts';
import { peek } from './random-file.ts';
import type { RowReader } from './row-reader.ts';
import { encodeVecs, openVecs } from './vecs.ts';

/** A file format: the names it goes by, and what can be done with it. */
export interface Format {
  readonly name: string;
  /** How messages show the names that `matches` accepts. */
  readonly names: string;
  /** Tells by the file's name in lower case, without folders. */
  readonly matches: RegExp;
  /** What `file#part` chooses; formats without it have no parts. */
  readonly part?: string;
  readonly openVectors?: (path: string, part: string | undefined) => Promise<RowReader>;
  readonly openLabels?: (path: string, part: string | undefined) => Promise<FileMatrix>;
  readonly encodeVectors?: (table: Table) => Iterable<Uint8Array>;
  readonly encodeLabels?: (table: Table) => Iterable<Uint8Array>;
  /** Distances of labels in the same file. */
  readonly openDistances?: (path: string) => Promise<FileMatrix>;
  readonly encodeTruth?: (labels: Table, distances: Float32Array) => Iterable<Uint8Array>;
}

/** A matrix as vectors, unless its numbers are such as only labels have: reading those as vectors is a mix-up of files. */
async function asVectors(opening: Promise<FileMatrix>): Promise<RowReader> {
  const matrix = await opening;
  if (!isWideInteger(matrix.dtype)) return matrixRows(matrix);
  await matrix.close();
  throw badFile(`${matrix.path} holds ${matrix.dtype} numbers, which are labels: read it with readLabels, or store vectors as float32`);
}

/** The ground truth files of big-ann-benchmarks: labels, then distances. */
const GROUND_TRUTH = { openLabels: openBinLabels, openDistances: openBinDistances, encodeTruth: encodeBinTruth };

const FORMATS: readonly Format[] = [
  {
    name: 'fvecs',
    names: '.fvecs',
    matches: /\.fvecs$/,
    openVectors: (path) => asVectors(openVecs(path, 'fvecs')),
    encodeVectors: (table) => encodeVecs(table, 'fvecs'),
  },
  {
    name: 'bvecs',
    names: '.bvecs',
    matches: /\.bvecs$/,
    openVectors: (path) => asVectors(openVecs(path, 'bvecs')),
    encodeVectors: (table) => encodeVecs(table, 'bvecs'),
  },
  {
    name: 'ivecs',
    names: '.ivecs',
    matches: /\.ivecs$/,
    openLabels: (path) => openVecs(path, 'ivecs'),
    encodeLabels: (table) => encodeVecs(table, 'ivecs'),
  },
  {
    name: 'fbin',
    names: '.fbin',
    matches: /\.fbin(\.crop_nb_\d+)?$/,
    openVectors: (path) => asVectors(openBin(path, 'fbin')),
    encodeVectors: (table) => encodeBin(table, 'fbin'),
  },
  {
    name: 'u8bin',
    names: '.u8bin',
    matches: /\.u8bin(\.crop_nb_\d+)?$/,
    openVectors: (path) => asVectors(openBin(path, 'u8bin')),
    encodeVectors: (table) => encodeBin(table, 'u8bin'),
  },
  {
    name: 'i8bin',
    names: '.i8bin',
    matches: /\.i8bin(\.crop_nb_\d+)?$/,
    openVectors: (path) => asVectors(openBin(path, 'i8bin')),
    encodeVectors: (table) => encodeBin(table, 'i8bin'),
  },
  {
    name: 'ibin',
    names: '.ibin',
    matches: /\.ibin$/,
    ...GROUND_TRUTH,
    encodeLabels: (table) => encodeBin(table, 'ibin'),
  },
  {
    name: 'npy',
    names: '.npy',
    matches: /\.npy$/,
    openVectors: (path) => asVectors(openNpy(path, 'row')),
    openLabels: (path) => openNpy(path, 'column'),
    encodeVectors: encodeNpy,
    encodeLabels: encodeNpy,
  },
  {
    name: 'idx',
    names: '.idx, -ubyte (also .gz)',
    matches: /(\.idx\d?|-ubyte|[.-]idx\d-[a-z]+)(\.gz)?$/,
    openVectors: (path) => openIdx(path),
  },
  {
    name: 'hdf5',
    names: '.hdf5, .h5',
    matches: /\.(hdf5|h5|hdf)$/,
    part: 'a dataset',
    openVectors: (path, part) => asVectors(openHdf5(path, part, 'row')),
    openLabels: (path, part) => openHdf5(path, part, 'column'),
  },
  {
    name: 'jsonl',
    names: '.jsonl, .ndjson (also .gz)',
    matches: /\.(jsonl|ndjson)(\.gz)?$/,
    part: 'a field',
    openVectors: openJsonl,
  },
  { name: 'parquet', names: '.parquet', matches: /\.(parquet|pq)$/, part: 'a column', openVectors: openParquet },
  {
    // Such files have no extension there, or this one; their size says whether they are what they seem.
    name: 'bin',
    names: '.bin',
    matches: /(\.bin|^[^.]+)$/,
    ...GROUND_TRUTH,
  },
];

/** What a format may be wanted for. */
type Ability = 'openVectors' | 'openLabels' | 'openDistances' | 'encodeVectors' | 'encodeLabels' | 'encodeTruth';
type Able<A extends Ability> = Format & Required<Pick<Format, A>>;

const VERBS: Record<Ability, string> = {
  openVectors: 'read vectors from',
  openLabels: 'read labels from',
  openDistances: 'read labels with distances from',
  encodeVectors: 'write vectors to',
  encodeLabels: 'write labels to',
  encodeTruth: 'write labels with distances to',
};

function isAble<A extends Ability>(format: Format, ability: A): format is Able<A> {
  return format[ability] !== undefined;
}

/**
 * The format that a file's name tells.
 *
 * @throws IsodexError `bad-argument` when the name is of no format that can do that, listing those that can
 */
export function formatOf<A extends Ability>(path: string, ability: A): Able<A> {
  const name = basename(path).toLowerCase();
  const named = FORMATS.filter((format) => format.matches.test(name));
  const able = named.find((format) => isAble(format, ability));
  if (able && isAble(able, ability)) return able;
  const known = FORMATS.filter((format) => isAble(format, ability)).map((format) => format.names);
  const packed = name.endsWith('.gz') ? ' (of gzipped files only IDX and JSON Lines are read: unpack others first)' : '';
  throw badArgument(`cannot ${VERBS[ability]} ${path} by its name${packed}; names that say how are: ${known.join(', ')}`);
}

/** Formats that are told by their first bytes. */
const SIGNATURES: readonly (readonly [string, string])[] = [
  ['npy', '\x93NUMPY'],
  ['hdf5', '\x89HDF\r\n\x1a\n'],
  ['parquet', 'PAR1'],
];

/**
 * Checks that a file does not begin with the signature of another format than its name says.
 *
 * @throws IsodexError `bad-file` when it does, or when it is missing, empty or not readable
 */
export async function checkSignature(path: string, format: Format): Promise<void> {
  const head = Buffer.from(await peek(path, 8)).toString('latin1');
  const found = SIGNATURES.find(([, signature]) => head.startsWith(signature))?.[0];
  if (found === undefined || found === format.name) return;
  throw badFile(`${path} is named like ${format.name}, and its first bytes are those of ${found}: rename it`);
}
