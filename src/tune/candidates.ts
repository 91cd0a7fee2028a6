/** What is tried: builds of each family, and the ways to search them, from the cheapest to the one that finds most. */
import type { BuildChoice, SearchChoice } from '../index/tuned.ts';

export const FAMILIES = ['Flat', 'IVF', 'HNSW', 'OPQ+HNSW'] as const;
export type Family = (typeof FAMILIES)[number];

export interface Candidate {
  readonly family: Family;
  readonly build: BuildChoice;
}

const GRAPHS = { M: [12, 16, 24, 32, 48], efConstruction: [100, 200] } as const;
const BEAMS = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512];
const PROBES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256];
/** Lists as multiples of √n. */
const LISTS = [1, 2, 4, 8];
/** Bytes of codes. */
const CODES = [16, 32, 48];
/** Links of graphs over codes. */
const CODED_LINKS = 16;
/** Least rows for each list: fewer teach nothing. */
const LIST_ROWS = 39;

/** The candidates of a family for n rows of `dim` values. */
export function candidatesOf(family: Family, n: number, dim: number): Candidate[] {
  const builds = { Flat: flats, IVF: () => listed(n), HNSW: graphs, 'OPQ+HNSW': () => codedGraphs(n, dim) }[family]();
  return builds.map((build) => ({ family, build }));
}

function flats(): BuildChoice[] {
  return [{ description: 'Flat', config: {} }];
}

function graphs(): BuildChoice[] {
  return GRAPHS.M.flatMap((M) => GRAPHS.efConstruction.map((efConstruction) => ({ description: `HNSW${M}`, config: { efConstruction } })));
}

function listed(n: number): BuildChoice[] {
  const counts = LISTS.map((by) => nearestPower(by * Math.sqrt(n))).filter((nlist) => nlist * LIST_ROWS <= n && nlist > 1);
  return [...new Set(counts)].map((nlist) => ({ description: `IVF${nlist},Flat`, config: {} }));
}

function codedGraphs(n: number, dim: number): BuildChoice[] {
  if (n < LIST_ROWS * 256) return [];
  return CODES.filter((bytes) => bytes <= dim).map((bytes) => ({
    description: `OPQ${bytes},HNSW${CODED_LINKS},PQ${bytes},RFlat`,
    config: { efConstruction: 200 },
  }));
}

/** Ways to search an index of this kind for k neighbours, from the cheapest. */
export function searchesOf({ family, build }: Candidate, k: number): SearchChoice[] {
  if (family === 'Flat') return [{}];
  if (family === 'IVF') {
    const nlist = nlistOf(build.description)!;
    return [...PROBES.filter((nprobe) => nprobe < nlist), nlist].map((nprobe) => ({ nprobe }));
  }
  const beams = [...new Set(BEAMS.map((ef) => Math.max(ef, k)))];
  // All that the beam holds is compared by its vectors.
  return beams.map((efSearch) => (family === 'HNSW' ? { efSearch } : { efSearch, refineFactor: Math.max(1, efSearch / k) }));
}

/** Whether two numbers are so close that nothing is to be had between them: a tenth. */
const CLOSE = 1.1;

/** A way to search halfway between two, by the number that grows; undefined where they are close. */
export function between(low: SearchChoice, high: SearchChoice, k: number): SearchChoice | undefined {
  const name = high.nprobe === undefined ? 'efSearch' : 'nprobe';
  const [from, to] = [low[name], high[name]];
  if (from === undefined || to === undefined || to <= from * CLOSE || to - from < 2) return undefined;
  const middle = Math.floor((from + to) / 2);
  return high.refineFactor === undefined ? { [name]: middle } : { [name]: middle, refineFactor: Math.max(1, middle / k) };
}

/** Lists of a candidate with this description, where it has any. */
export function nlistOf(description: string): number | undefined {
  const [, nlist] = /^IVF(\d+)/.exec(description) ?? [];
  return nlist === undefined ? undefined : Number(nlist);
}

/** The power of two nearest to x ≥ 1, of two as near the larger. */
function nearestPower(x: number): number {
  let power = 1;
  while (power * 1.5 <= x) power *= 2;
  return power;
}
