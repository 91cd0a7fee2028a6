/** Which indexes are compared: Isodex's description, and what FAISS calls the same with the same explicit parameters. */
import type { Setting } from '../index-protocol.ts';
import type { Originals } from './protocol.ts';

export interface Case {
  readonly description: string;
  /** FAISS's factory strings; 'np' leaves out a training of hash codes that is of no use here. */
  readonly rivals: readonly string[];
  /** Isodex opens its file with the vectors here. */
  readonly originals: readonly Originals[];
  /** From the fastest to the one that finds most. */
  readonly settings: readonly Setting[];
}

export interface CaseOptions {
  readonly nlist: number;
  readonly k: number;
}

/** Bytes of a code, at most. */
const MOST_M = 32;
const MOST_NPROBE = 128;
const EFS = [16, 32, 64, 128, 256];
/** Of graphs. */
const LINKS = 16;

const MEMORY = ['memory'] as const;

/** The cases for vectors of `dim` values. At 784, 384 and 100 they are PQ28, PQ32 and PQ25, and OPQ32 to 768, 384 and 96. */
export function casesFor(dim: number, { nlist, k }: CaseOptions): Case[] {
  const m = largestDivisor(dim, MOST_M);
  const rotatedM = Math.min(MOST_M, dim);
  const opq = `OPQ${rotatedM}_${dim - (dim % rotatedM)}`;
  const halves = `PQ${dim % (2 * m) === 0 ? 2 * m : m}x4`;
  const probes = { originals: MEMORY, settings: upTo(Math.min(MOST_NPROBE, nlist)).map((nprobe) => ({ nprobe })) };
  const scan = { originals: MEMORY, settings: [{}] };
  const walk = { originals: MEMORY, settings: EFS.map((efSearch) => ({ efSearch })) };
  // All that the beam holds is refined.
  const refined = EFS.filter((ef) => ef >= k).map((efSearch) => ({ efSearch, refineFactor: efSearch / k }));
  const ivf = `IVF${nlist}`;
  const graph = `HNSW${LINKS}`;
  return [
    { description: `PQ${m}`, rivals: [`PQ${m}np`], ...scan },
    { description: `${opq},PQ${rotatedM}`, rivals: [`${opq},PQ${rotatedM}np`], ...scan },
    { description: halves, rivals: [`${halves}np`, `${halves}fs`], ...scan },
    { description: 'SQ8', rivals: ['SQ8'], ...scan },
    { description: `${ivf},Flat`, rivals: [`${ivf},Flat`], ...probes },
    { description: `${ivf},PQ${m}`, rivals: [`${ivf},PQ${m}np`], ...probes },
    { description: `${opq},${ivf},PQ${rotatedM}`, rivals: [`${opq},${ivf},PQ${rotatedM}np`], ...probes },
    { description: `${graph},PQ${m}`, rivals: [`${graph}_PQ${m}np`], ...walk },
    { description: `${opq},${graph},PQ${rotatedM}`, rivals: [`${opq},${graph}_PQ${rotatedM}np`], ...walk },
    { description: `${opq},${graph},PQ${rotatedM},RFlat`, rivals: [], originals: ['memory', 'disk'], settings: refined },
  ];
}

/** 'nprobe 8', 'efSearch 64, refineFactor 6.4'; nothing where there is nothing to choose. */
export function settingText(setting: Setting): string {
  return Object.entries(setting)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}

/** 1, 2, 4 … and `most`. */
export function upTo(most: number): number[] {
  const powers = Array.from({ length: Math.floor(Math.log2(most)) + 1 }, (_, i) => 2 ** i);
  return [...new Set([...powers, most])];
}

export function largestDivisor(dim: number, most: number): number {
  let divisor = Math.min(dim, most);
  while (dim % divisor !== 0) divisor--;
  return divisor;
}
