/** What an HNSW index is made with: its description, and the numbers that steer building and searching. */
import { badArgument, shown } from '../util/errors.ts';

export interface HnswConfig {
  /** Links that a node chooses on each level; level 0 has room for twice as many. */
  readonly M: number;
  /** Width of the beam that finds a new node's links. */
  readonly efConstruction: number;
  /** Width of the beam of searches that name none. */
  readonly efSearch: number;
  /** Codes alone are kept, without the vectors. */
  readonly codesOnly: boolean;
}

/** What may be given beside the description. */
export interface HnswOptions {
  /** HNSW: links that a node chooses on each level, 2 to 512; 'HNSW32' says it too. Default 32. */
  readonly M?: number | undefined;
  /** HNSW: width of the beam that finds a new node's links, 1 to 65,536. Default 200. */
  readonly efConstruction?: number | undefined;
  /** HNSW: width of the beam of searches that name none, 1 to 65,536. Default 64. */
  readonly efSearch?: number | undefined;
}

/** 'HNSW', 'HNSW32', 'HNSW32,Flat' (as FAISS has it: the vectors are kept), 'HNSW32,SQ8' (codes alone). */
export const HNSW_PATTERN = /^HNSW(\d*)(,Flat|,SQ8)?$/;

const DEFAULTS = { M: 32, efConstruction: 200, efSearch: 64 } as const;
const MOST_M = 512;
const MOST_EF = 65_536;

/** The configuration that a description and options name. Throws 'bad-argument' for numbers out of range or at odds. */
export function hnswConfig(description: string, { M, efConstruction, efSearch }: HnswOptions): HnswConfig {
  const [, digits, codec] = HNSW_PATTERN.exec(description)!;
  const named = digits ? Number(digits) : undefined;
  if (named !== undefined && M !== undefined && M !== named) {
    throw badArgument(`the description '${description}' says M ${named}, but M is ${M}; give one of them`);
  }
  return {
    M: checkM(named ?? M ?? DEFAULTS.M),
    efConstruction: checkEf(efConstruction ?? DEFAULTS.efConstruction, 'efConstruction'),
    efSearch: checkEf(efSearch ?? DEFAULTS.efSearch, 'efSearch'),
    codesOnly: codec === ',SQ8',
  };
}

/** The description in full: 'HNSW' is the short name of 'HNSW32'. */
export function describeHnsw({ M, codesOnly }: HnswConfig): string {
  return `HNSW${M}${codesOnly ? ',SQ8' : ''}`;
}

function checkM(M: unknown): number {
  if (typeof M !== 'number' || !Number.isInteger(M) || M < 2 || M > MOST_M) {
    throw badArgument(`M is ${String(M)}; give an integer from 2 to ${MOST_M}`);
  }
  return M;
}

/** A beam's width; k and the size of the index do not bound it: it is raised to the one and harmless beyond the other. */
export function checkEf(ef: unknown, name: string): number {
  if (typeof ef !== 'number' || !Number.isInteger(ef) || ef < 1 || ef > MOST_EF) {
    throw badArgument(`${name} is ${shown(ef)}; give an integer from 1 to ${MOST_EF}`);
  }
  return ef;
}
