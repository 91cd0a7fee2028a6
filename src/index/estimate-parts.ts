/** What indexes of each kind hold in memory and write to their files, as far as descriptions and dimensions tell. */

import { LANES } from '../kernels/canonical-distances.ts';
import { PAGE_ROWS, sq8Stride } from '../kernels/graph.ts';
import { BLOCK_ROWS } from '../kernels/panels.ts';
import { ceilDiv, roundUp } from '../util/math.ts';
import { f16Stride } from './coding/f16-list-codec.ts';
import { centroidWidth } from './coding/list-centroids.ts';
import { lvqBits, lvqBlocks, lvqStride } from './coding/lvq-codes.ts';
import { sq4Stride } from './coding/sq4-scores.ts';
import type { Codec, Description, TransformPart } from './description.ts';
import type { Section } from './format.ts';
import { levelOf } from './hnsw-levels.ts';
import { maskWords } from './rows.ts';
import type { Metric } from './vector-index.ts';

/**
 * Parts of an index: vectors; codes, with the terms that go with them; links of a graph; labels, serials and which rows are live;
 * what else a graph needs for its nodes, and lists for their rows; and what does not grow with the rows, as rotations and centroids.
 */
export const PARTS = ['originals', 'codes', 'links', 'labels', 'nodes', 'lists', 'fixed'] as const;
export type Part = (typeof PARTS)[number];

export interface Shape {
  /** Rows. */
  readonly n: number;
  readonly dim: number;
  readonly metric: Metric;
  readonly seed: number;
}

/** Bytes held by parts, and sections of the file with the parts that they belong to. */
export interface Holdings {
  readonly memory: Partial<Record<Part, number>>;
  readonly sections: readonly (Section & { readonly part: Part })[];
  /** Numbers that the header has beside those of every index. */
  readonly state: Readonly<Record<string, number>>;
}

/** Rows whose levels are drawn one by one; more are taken to be like them. */
const DRAWN_ROWS = 2 ** 20;

const section = (part: Part, name: string, dtype: Section['dtype'], length: number) => ({ part, name, dtype, length });

const noMemory: Holdings = { memory: {}, sections: [], state: {} };

/** Flat, with the codes that it derives when it is first searched, of vectors as they are or of `directions` principal ones. */
export function flatHoldings({ n, dim, metric }: Shape, directions: number | undefined): Holdings {
  const scanned = (values: number) => 4 * ceilDiv(values, 4) + 8;
  const whole = directions === undefined ? 0 : scanned(dim) + (metric === 'ip' ? 4 : 0);
  const codes = roundUp(n, BLOCK_ROWS) * (scanned(directions === undefined ? dim : directions + 4) + whole);
  return { memory: { originals: 4 * n * dim, codes }, sections: [section('originals', 'vectors', 'f32', n * dim)], state: {} };
}

/** A graph over vectors that is walked by `traversal`, or, with `codesOnly`, over their SQ8 codes alone. */
export function hnswHoldings(M: number, shape: Shape, codesOnly: boolean, traversal: 'sq8' | 'f32'): Holdings {
  const { n, dim } = shape;
  const walksCodes = codesOnly || traversal === 'sq8';
  const stride = walksCodes ? sq8Stride(dim) : 4 * roundUp(dim, LANES);
  const grid = walksCodes && n > 0 ? dim : 0;
  const graph = graphHoldings(M, shape, 2);
  return {
    memory: { ...graph.memory, originals: codesOnly ? 0 : 4 * n * roundUp(dim, LANES), codes: n * stride },
    sections: [
      section('labels', 'live', 'u32', maskWords(n)),
      section('fixed', 'shift', 'f32', grid),
      section('fixed', 'scale', 'f32', Math.min(1, grid)),
      ...graph.sections,
      codesOnly ? section('codes', 'codes', 'i8', n * stride) : section('originals', 'vectors', 'f32', n * dim),
    ],
    state: { live: n, ...graph.state, form: 0 },
  };
}

/** Links, their pages, and what else nodes need (where their upper links begin; labels for kernels), after all rows were added at once: later ones leave an eighth of room. */
function graphHoldings(M: number, shape: Shape, wordsPerNode: number): Holdings {
  const { n } = shape;
  const upperRows = upperRowsOf(M, shape);
  const pages = n === 0 ? 0 : ceilDiv(n, PAGE_ROWS) + Math.max(1, ceilDiv(upperRows, PAGE_ROWS));
  return {
    memory: { links: 4 * pages * PAGE_ROWS * 2 * M, nodes: 4 * wordsPerNode * n + 2 * 4 * pages },
    sections: [section('links', 'upperLinks', 'u32', upperRows * M), section('links', 'links', 'u32', n * 2 * M)],
    state: { efConstruction: 200, efSearch: 64, entry: n, entryLevel: 1, sinceRepair: n },
  };
}

/** Link rows above level 0. */
function upperRowsOf(M: number, { n, seed }: Shape): number {
  const drawn = Math.min(n, DRAWN_ROWS);
  let rows = 0;
  for (let serial = 0; serial < drawn; serial++) rows += levelOf(seed, serial, M);
  return Math.round((rows * n) / Math.max(1, drawn));
}

/** Codes in lists or in a graph, behind transforms. `dims` are those before the first transform and after each. */
export function codedHoldings(description: Description, shape: Shape, dims: readonly number[], onDisk: boolean): Holdings {
  const { structure, codec, refine } = description;
  const { n, dim, metric } = shape;
  const width = dims.at(-1)!;
  const isGraph = structure.kind === 'HNSW';
  const keepsVectors = refine !== undefined || (codec.kind === 'Flat' && structure.kind !== 'LSH');
  const stride = structure.kind === 'LSH' ? roundUp(ceilDiv(structure.nBits ?? width, 8), 4) : codeStride(codec, width);
  const withTerms = hasTerms(description, metric);
  const fixed = fixedHoldings(description, dims);
  const graph = isGraph ? graphHoldings(structure.M, shape, 1) : noMemory;
  const hasLists = structure.kind === 'IVF';
  const offsets = 1 + (hasLists ? structure.nlist : 1);
  return {
    memory: {
      ...graph.memory,
      originals: keepsVectors && !onDisk ? 4 * n * dim : 0,
      codes: n * (stride + (withTerms ? 4 : 0)),
      // Where only codes are kept, or what they lost with them, searches of lists look their rows up.
      lists: isGraph ? 0 : 4 * (n + offsets + (hasLists && (!keepsVectors || codec.kind === 'LVQ') ? n : 0)),
      fixed: fixed.memory.fixed ?? 0,
    },
    sections: [
      section('labels', 'live', 'u32', isGraph ? maskWords(n) : 0),
      ...fixed.sections,
      ...(isGraph ? gridSections('build', width) : []),
      ...graph.sections,
      section('lists', 'lists', 'u32', hasLists ? n : 0),
      section('codes', 'codes', 'i8', n * stride),
      section('originals', 'vectors', 'f32', keepsVectors ? n * dim : 0),
    ].filter(({ length }) => length > 0),
    state: {
      ...{ nprobe: 16, refineThousandths: 10_000, maxPointsPerCentroid: 256, trained: 1, bits: 100 },
      ...(isGraph ? { live: n, form: 0 } : {}),
      ...graph.state,
    },
  };
}

function isSq4(codec: Codec): boolean {
  return codec.kind === 'SQ' && codec.bits === 4;
}

/** Memory of what numbers mean, with the lists' centroids as they are taken from rows. */
function rangeBytes(codec: Codec, dim: number, nlist: number): number {
  if (codec.kind === 'LVQ') return matrixBytesOf(dim, dim) + (4 * nlist + 4) * dim + 5 * lvqBlocks(dim);
  return isSq4(codec) ? (4 * nlist + 8) * dim : 0;
}

/** Whether rows have terms beside their codes, where squared distances are compared. */
function hasTerms({ structure, codec }: Description, metric: Metric): boolean {
  return metric !== 'ip' && (isSq4(codec) || codec.kind === 'LVQ' || (structure.kind === 'IVF' && codec.kind === 'PQ'));
}

/** Bytes of a coded row of `dim` values, in whole words. */
function codeStride(codec: Codec, dim: number): number {
  switch (codec.kind) {
    case 'Flat': // scanned by their codes, compared by the vectors beside them
      return sq8Stride(dim);
    case 'SQ':
      return codec.bits === 8 ? sq8Stride(dim) : sq4Stride(dim);
    case 'f16':
      return f16Stride(dim);
    case 'PQ':
      return roundUp(ceilDiv(codec.M * codec.nBits, 8), 4);
    case 'LVQ':
      return lvqStride(dim, lvqBits(dim, codec.bits));
  }
}

/** Rotations, and centroids of lists and of quantisers: held as they were trained, and as kernels take them. */
function fixedHoldings({ transforms, structure, codec }: Description, dims: readonly number[]): Holdings {
  const width = dims.at(-1)!;
  const matrices = transforms.reduce((sum, part, i) => sum + matrixBytes(part, dims[i]!, dims[i + 1]!), 0);
  const planes = structure.kind === 'LSH' ? matrixBytesOf(width, structure.nBits ?? width) : 0;
  const centroids = codec.kind === 'PQ' ? centroidBytes(codec, width) : 0;
  const nlist = structure.kind === 'IVF' ? structure.nlist : 0;
  const coarse = 4 * nlist * ceilDiv(width, 2);
  const middles = codec.kind === 'PQ' ? 2 * nlist * centroidWidth(width) : 0;
  const ranges = rangeBytes(codec, width, Math.max(1, nlist));
  return {
    memory: { fixed: matrices + planes + 2 * centroids + 2 * coarse + middles + ranges },
    sections: [
      ...transforms.flatMap((part, i) => [
        section('fixed', `mean${i}`, 'f32', dims[i]!),
        section('fixed', `matrix${i}`, 'u32', matrixBytes(part, dims[i]!, dims[i + 1]!) / 4),
      ]),
      section('fixed', 'planeMean', 'f32', structure.kind === 'LSH' ? width : 0),
      section('fixed', 'planes', 'u32', planes / 4),
      ...(nlist > 0 ? gridSections('list', width) : []),
      section('fixed', 'listCentroids', 'u32', coarse / 4),
      ...(structure.kind === 'LSH' ? [] : codecSections(codec, width)),
      section('fixed', 'centroids', 'u32', centroids / 4),
    ],
    state: {},
  };
}

/** What codes of integers mean: a shift for each value, and one scale. */
function gridSections(name: string, dim: number): Holdings['sections'] {
  return [section('fixed', `${name}Shift`, 'f32', dim), section('fixed', `${name}Scale`, 'f32', 1)];
}

/** What codes mean, but for centroids. */
function codecSections(codec: Codec, dim: number): Holdings['sections'] {
  if (codec.kind === 'f16') return [section('fixed', 'codeScale', 'f32', 1)];
  if (codec.kind === 'LVQ') return lvqSections(dim);
  return isSq4(codec) ? ['codeLow', 'codeStep'].map((name) => section('fixed', name, 'f32', dim)) : gridSections('code', dim);
}

function lvqSections(dim: number): Holdings['sections'] {
  return [
    section('fixed', 'codeMean', 'f32', dim),
    section('fixed', 'codeMatrix', 'u32', matrixBytesOf(dim, dim) / 4),
    section('fixed', 'codeOffset', 'f32', dim),
    section('fixed', 'codeBits', 'u32', lvqBlocks(dim)),
    section('fixed', 'codeStep', 'f32', lvqBlocks(dim)),
    section('fixed', 'codeLengths', 'f32', 2),
  ];
}

function matrixBytes({ kind }: TransformPart, dimIn: number, dimOut: number): number {
  return kind === 'L2norm' ? 0 : matrixBytesOf(dimIn, dimOut);
}

/** i16 [dimOut, dimIn to whole words of kernels] */
function matrixBytesOf(dimIn: number, dimOut: number): number {
  return 2 * dimOut * roundUp(dimIn, 8);
}

/** i16, subvectors padded to pairs of values and codes to whole words. */
function centroidBytes({ M, nBits }: Codec & { readonly kind: 'PQ' }, dim: number): number {
  return roundUp(M, nBits === 8 ? 4 : 8) * 2 ** nBits * 2 * (2 * ceilDiv(dim / M, 2));
}

/** Memory of labels, and of which rows are live; serials take none while they are consecutive. */
export function labelBytes(n: number): number {
  return 4 * n + 4 * maskWords(n);
}

/** The sections that every index has. */
export function labelSections(n: number): Holdings['sections'] {
  return [section('labels', 'labels', 'i32', n), section('labels', 'serials', 'u32', n)];
}
