import { graphBeamTwin } from './cpu/graph-beam.ts';
import { BEAM_FACTOR } from './graph.ts';
import { defineKernel, reads, splitGrid, writes } from './kernel.ts';

const THREADS = 64;
/** Of a row of links that is scored at a time: the kernel has room for as many. */
export const BEAM_MOST_LINKS = 128;
/** Ids share their words with two flags. */
export const BEAM_MOST_NODES = 2 ** 30;
/** Bytes of workgroup memory that every device has. */
const WORKGROUP_BYTES = 16_384;
/** Entries of a beam that it has room for; longer ones lie in a buffer. */
const MOST_ENTRIES = 1024;
const BYTES_OF_ENTRY = 8;
/** A candidate's key, id and place. */
const BYTES_OF_LINK = 12;
/** Counts of threads, and single words. */
const OTHER_BYTES = 4 * THREADS + 64;
const MOST_VISITED = 4096;
/** Keys computed for each entry of a beam, by and large. */
const KEYS_PER_ENTRY = 16;

/** Entries of the beam of a search. */
export function beamCapacityOf(ef: number, filtered: boolean): number {
  return (filtered ? BEAM_FACTOR : 1) * ef;
}

/** u32s of what a query finds. */
export function foundWords(ef: number): number {
  return 2 * ef + 2;
}

/** Places of the table of visited nodes: what the smallest device has left, the same for all, so that all compute as many keys. */
export function visitedPlaces(capacity: number, degree: number): number {
  const beam = spills(capacity) ? 1 : entriesFor(capacity);
  const left = WORKGROUP_BYTES - OTHER_BYTES - BYTES_OF_ENTRY * beam - BYTES_OF_LINK * linksFor(degree);
  return Math.min(MOST_VISITED, 2 ** Math.floor(Math.log2(left / 4)));
}

/** Whether a beam of so many entries lies in a buffer. */
export function spills(capacity: number): boolean {
  return capacity > MOST_ENTRIES;
}

/** Few sizes, so that few pipelines are compiled. */
function entriesFor(capacity: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(64, capacity)));
}

function linksFor(degree: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(16, degree)));
}

/**
 * The beam search of `graph-search` on SQ8 codes, the whole way on a device: queries [first, first + nq) each in a workgroup of its own.
 * `visited` is `visitedPlaces`, `capacity` is `beamCapacityOf`. Shapes: shaders/graph-beam.wgsl. No host runs it: there `graph-search` does.
 */
export const graphBeam = defineKernel({
  name: 'graph-beam',
  deviceOnly: true,
  bindings: {
    queries: reads('i8'),
    codesA: reads('i8'),
    codesB: reads('i8'),
    linksA: reads('u32'),
    linksB: reads('u32'),
    tables: reads('u32'),
    found: writes('u32'),
    spill: writes('u32'),
  },
  params: [
    ...(['nq', 'first', 'n', 'quads', 'form', 'degree', 'split', 'linkSplit', 'upperBase', 'admittedAt'] as const),
    ...(['entry', 'entryLevel', 'level', 'ef', 'capacity', 'filtered', 'visited'] as const),
  ],
  items: ({ nq }) => nq,
  terms: ({ nq, ef, degree, quads }) => nq * (ef + 8) * Math.max(KEYS_PER_ENTRY, degree / 2) * quads * 16,
  plan({ nq, capacity, degree, visited }, limits) {
    const MOST = linksFor(Math.min(degree, BEAM_MOST_LINKS));
    const VISITED = Math.min(2 ** Math.floor(Math.log2(Math.max(1, visited))), visitedPlaces(capacity, MOST));
    const sizes = { CAPACITY: spills(capacity) ? 1 : entriesFor(capacity), VISITED, MOST };
    return { constants: { THREADS, PLACE: spills(capacity) ? 2 : 1, ...sizes }, grid: splitGrid(nq, 1, limits) };
  },
  twin: graphBeamTwin,
});
