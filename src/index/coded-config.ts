/** What indexes over codes are made with: their description, and the numbers that steer training and searching. */
import { badArgument } from '../util/errors.ts';
import { checkAgainstDim, type Description, type DescriptionConfig, parseDescription, printDescription } from './description.ts';
import { printPart } from './description-parts.ts';
import { checkEf, type HnswOptions } from './hnsw-config.ts';

export interface CodedConfig {
  readonly description: Description;
  /** Lists that searches probe which name no number. */
  readonly nprobe: number;
  /** Rows that are compared canonically, as a multiple of k, by searches that name none. */
  readonly refineFactor: number;
  /** Rows that are learned from for each centroid, at most. */
  readonly maxPointsPerCentroid: number;
  /** Graphs: width of the beam that finds a new node's links. */
  readonly efConstruction: number;
  /** Graphs: width of the beam of searches that name none. */
  readonly efSearch: number;
}

/** What may be given beside the description. */
export interface CodedOptions extends DescriptionConfig, Pick<HnswOptions, 'efConstruction' | 'efSearch'> {
  /** IVF: lists that searches probe which name no number. Default 16, or all where there are fewer. */
  readonly nprobe?: number | undefined;
  /** With RFlat: how many times k rows are compared by their vectors, 1 to 1,000. Default 10, with graphs 6; with codec Flat 2, and k + 8 at least. */
  readonly refineFactor?: number | undefined;
  /** Training: rows that are learned from for each centroid, at most. Default 256. */
  readonly maxPointsPerCentroid?: number | undefined;
}

const DEFAULTS = { nprobe: 16, maxPointsPerCentroid: 256, efConstruction: 200, efSearch: 64 } as const;
/**
 * With graphs so many that those for ten neighbours fit into the default beam; codec Flat scans codes of 8 bits, whose order is nearly
 * that of the vectors (docs/architecture.md).
 */
const REFINE_FACTORS = { Flat: 10, IVF: 10, LSH: 10, HNSW: 6 } as const;
const FINE_FACTOR = 2;
const SPARE = 8;
const MOST_FACTOR = 1000;

/** The configuration that a description and options name, checked against the dimension. Throws 'bad-argument'. */
export function codedConfig(text: string, options: CodedOptions, dim: number): CodedConfig {
  const description = parseDescription(text, options);
  checkKnown(description);
  checkAgainstDim(description, dim);
  const { structure } = description;
  const nlist = structure.kind === 'IVF' ? structure.nlist : 1;
  return {
    description,
    // Numbers that a description has no use for are not looked at.
    nprobe: structure.kind === 'IVF' ? checkNprobe(options.nprobe ?? Math.min(DEFAULTS.nprobe, nlist), nlist) : 1,
    refineFactor: Math.round(1000 * checkRefineFactor(options.refineFactor ?? defaultFactor(description))) / 1000, // as files keep it
    maxPointsPerCentroid: checkPoints(options.maxPointsPerCentroid ?? DEFAULTS.maxPointsPerCentroid),
    efConstruction: checkEf(options.efConstruction ?? DEFAULTS.efConstruction, 'efConstruction'),
    efSearch: checkEf(options.efSearch ?? DEFAULTS.efSearch, 'efSearch'),
  };
}

function defaultFactor({ structure, codec }: Description): number {
  return codec.kind === 'Flat' && structure.kind !== 'LSH' ? FINE_FACTOR : REFINE_FACTORS[structure.kind];
}

/** Descriptions may name more than there is as yet. */
function checkKnown({ transforms, structure, codec }: Description): void {
  const missing = (what: string, instead: string) => badArgument(`this version has no ${what}; give ${instead}`);
  if (transforms.some(({ kind }) => kind === 'L2norm')) {
    throw missing('transform L2norm', "metric 'cosine', which normalises vectors, and leave L2norm out");
  }
  const listsOnly = codec.kind === 'f16' || codec.kind === 'LVQ' || (codec.kind === 'SQ' && codec.bits === 4);
  if (structure.kind === 'HNSW' && listsOnly) throw missing(`codec ${printPart(codec)} in graphs`, "'SQ8' or 'PQ<M>'");
}

export function describeCoded({ description }: CodedConfig): string {
  return printDescription(description);
}

/** Whether vectors are kept beside the codes. */
export function keepsVectors({ description }: CodedConfig): boolean {
  const { refine, codec, structure } = description;
  return refine !== undefined || (codec.kind === 'Flat' && structure.kind !== 'LSH');
}

/**
 * How many rows are compared canonically for the k nearest: by what codes say all but a few that rounding could hide, by vectors
 * `refineFactor` times k. Codes of 8 bits beside vectors (codec Flat) also have a few to spare.
 */
export function candidatesFor(config: CodedConfig, refineFactor: number): (k: number) => number {
  const fine = !keepsVectors(config) || config.description.codec.kind === 'Flat';
  const factor = keepsVectors(config) ? refineFactor : FINE_FACTOR;
  const spare = fine ? SPARE : 0;
  return (k) => Math.max(Math.ceil(k * factor), k + spare);
}

export function checkNprobe(nprobe: unknown, nlist: number): number {
  if (typeof nprobe === 'number' && Number.isInteger(nprobe) && nprobe >= 1 && nprobe <= nlist) return nprobe;
  throw badArgument(`nprobe is ${String(nprobe)}; give an integer from 1 to ${nlist}, the number of lists`);
}

export function checkRefineFactor(factor: unknown): number {
  if (typeof factor === 'number' && factor >= 1 && factor <= MOST_FACTOR) return factor;
  throw badArgument(`refineFactor is ${String(factor)}; give a number from 1 to ${MOST_FACTOR}`);
}

function checkPoints(points: unknown): number {
  if (typeof points === 'number' && Number.isInteger(points) && points >= 1) return points;
  throw badArgument(`maxPointsPerCentroid is ${String(points)}; give an integer ≥ 1`);
}
