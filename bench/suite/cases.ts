/** Which indexes of a library take part, and in which ways each is searched. */
import { largestDivisor, upTo } from '../compressed/cases.ts';
import type { Originals } from '../compressed/protocol.ts';
import type { Setting } from '../index-protocol.ts';
import type { Kind } from './report.ts';

export interface Case {
  readonly kind: Kind;
  /** As the library's own strings go, or as its peer in peers/ takes them. */
  readonly description: string;
  /** From the cheapest to the one that finds most. */
  readonly settings: readonly Setting[];
  /** Of Isodex: where the vectors of an index that refines lie. */
  readonly originals?: Originals;
  /** Says little more than others do, or takes long: not in a quick run. */
  readonly thorough?: boolean;
  /** Takes longest to build, so others are built first. */
  readonly costly?: boolean;
  /** Takes ten minutes and more to build. */
  readonly slow?: boolean;
  /** Why it cannot be built from this data, if so. */
  readonly unfit?: string | undefined;
}

export interface CaseOptions {
  readonly rows: number;
  readonly dim: number;
  readonly k: number;
  readonly quick: boolean;
  readonly slow: boolean;
}

/** Links of a node of graphs over vectors; of those over codes. */
const LINKS = 32;
const CODE_LINKS = 16;
const EFS = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512];
const QUICK_EFS = [16, 32, 64, 128];
/** Beams whose nodes are all refined. */
const REFINED_EFS = [16, 32, 64, 128, 256];
const MOST_NPROBE = 256;
const QUICK_NPROBES = [4, 16, 64];
/** Bytes of a product quantiser's codes, at most. */
const MOST_M = 32;
/** 39 for each of 256 centroids, as FAISS wants them too. */
const LEAST_TRAINING = 39 * 256;

/** The cases of a library, by the name that --against has for it. */
export function casesOf(library: string, options: CaseOptions): Case[] {
  const all = CASES[library]!(partsFor(options));
  return all.filter(({ thorough = false, slow = false }) => (options.slow || !slow) && !(options.quick && (thorough || slow)));
}

/** What cases are put together from. */
interface Parts {
  readonly nlist: number;
  readonly m: number;
  readonly opq: string;
  readonly unfitOpq: string | undefined;
  readonly scan: Pick<Case, 'settings'>;
  readonly probe: Pick<Case, 'settings'>;
  readonly walk: Pick<Case, 'settings'>;
  readonly refined: Pick<Case, 'settings'>;
}

function partsFor({ rows, dim, k, quick }: CaseOptions): Parts {
  const nlist = listsFor(rows);
  const nprobes = quick ? QUICK_NPROBES.filter((nprobe) => nprobe <= nlist) : upTo(Math.min(MOST_NPROBE, nlist));
  const efs = quick ? QUICK_EFS : EFS;
  const refined = REFINED_EFS.filter((ef) => ef >= k && (!quick || QUICK_EFS.includes(ef)));
  return {
    nlist,
    m: largestDivisor(dim, MOST_M),
    opq: dim % MOST_M === 0 || dim < MOST_M ? `OPQ${MOST_M}` : `OPQ${MOST_M}_${dim - (dim % MOST_M)}`,
    unfitOpq: unfitForOpq(rows, dim),
    scan: { settings: [{}] },
    probe: { settings: nprobes.map((nprobe) => ({ nprobe })) },
    walk: { settings: efs.map((efSearch) => ({ efSearch })) },
    refined: { settings: refined.map((efSearch) => ({ efSearch, refineFactor: efSearch / k })) },
  };
}

/** A power of two near 4 · √rows. */
export function listsFor(rows: number): number {
  return 2 ** Math.round(Math.log2(4 * Math.sqrt(rows)));
}

function unfitForOpq(rows: number, dim: number): string | undefined {
  if (dim < MOST_M) return `OPQ${MOST_M} wants ${MOST_M} dimensions or more; these have ${dim}`;
  if (rows < LEAST_TRAINING) return `PQ${MOST_M} wants ${LEAST_TRAINING} rows or more to learn from; these are ${rows}`;
  return undefined;
}

const CASES: Readonly<Record<string, (parts: Parts) => Case[]>> = {
  isodex: ({ nlist, m, opq, unfitOpq, scan, probe, walk, refined }) => {
    const small = {
      kind: 'OPQ+HNSW' as const,
      description: `${opq},HNSW${CODE_LINKS},PQ${MOST_M},RFlat`,
      unfit: unfitOpq,
      costly: true,
      ...refined,
    };
    return [
      { kind: 'Flat', description: 'Flat', ...scan },
      { kind: 'IVF', description: `IVF${nlist},Flat`, ...probe },
      { kind: 'HNSW', description: `HNSW${LINKS}`, ...walk },
      { ...small, originals: 'disk' },
      { ...small, originals: 'memory', thorough: true },
      { kind: 'codes', description: 'SQ8', ...scan },
      { kind: 'codes', description: `PQ${m}`, thorough: true, ...scan },
      { kind: 'codes', description: 'LVQ4', thorough: true, ...scan },
    ];
  },
  // 'np' leaves out a training of hash codes that is of no use here
  faiss: ({ nlist, m, opq, unfitOpq, scan, probe, walk, refined }) => [
    { kind: 'Flat', description: 'Flat', ...scan },
    { kind: 'IVF', description: `IVF${nlist},Flat`, ...probe },
    { kind: 'HNSW', description: `HNSW${LINKS}`, ...walk },
    { kind: 'OPQ+HNSW', description: `${opq},HNSW${CODE_LINKS}_PQ${MOST_M}np,RFlat`, slow: true, unfit: unfitOpq, ...refined },
    { kind: 'codes', description: 'SQ8', ...scan },
    { kind: 'codes', description: `PQ${m}np`, thorough: true, ...scan },
  ],
  'hnswlib-node': ({ scan, walk }) => [
    { kind: 'Flat', description: 'Flat', thorough: true, ...scan },
    { kind: 'HNSW', description: `HNSW${LINKS}`, ...walk },
  ],
  usearch: ({ scan, walk }) => [
    { kind: 'Flat', description: 'Flat', thorough: true, ...scan },
    { kind: 'HNSW', description: `HNSW${LINKS}`, ...walk },
  ],
  zvec: ({ nlist, scan, probe, walk }) => [
    { kind: 'Flat', description: 'Flat', thorough: true, ...scan },
    { kind: 'IVF', description: `IVF${nlist}`, thorough: true, ...probe },
    { kind: 'HNSW', description: `HNSW${LINKS}`, ...walk },
  ],
  lancedb: ({ nlist, m, scan, probe, walk }) => [
    { kind: 'Flat', description: 'Flat', ...scan },
    { kind: 'IVF', description: `IVF${nlist}_FLAT`, ...probe },
    // one graph over all rows, as its manual advises
    { kind: 'HNSW', description: `IVF1_HNSW${LINKS}_SQ`, ...refinedBy(2, walk) },
    { kind: 'codes', description: `IVF${nlist}_PQ${m}`, thorough: true, ...refinedBy(10, probe) },
  ],
};

function refinedBy(refineFactor: number, { settings }: Pick<Case, 'settings'>): Pick<Case, 'settings'> {
  return { settings: settings.map((setting) => ({ ...setting, refineFactor })) };
}
