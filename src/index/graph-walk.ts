/** Walks over a graph: what is walked, what a walk gives, and the walker of host engines, whose kernel does a whole query at a time. */
import { allocAll, disposeAll } from '../host/alloc-all.ts';
import type { Block } from '../host/block.ts';
import type { HostEngine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { searchScratchWords } from '../kernels/graph.ts';
import { graphSearch } from '../kernels/graph-search.ts';
import type { ReadLimbs } from './device-limbs.ts';
import type { CodecPlan } from './graph-codec.ts';

/** A graph as kernels take it; blocks are on the host engine. */
export interface GraphView {
  readonly plan: CodecPlan;
  /** u32s in a link row. */
  readonly degree: number;
  /** Ids of nodes lie below. */
  readonly count: number;
  readonly entry: number;
  readonly entryLevel: number;
  readonly codes: Block<'i8'>;
  readonly links: Block<'u32'>;
  readonly pages: Block<'u32'>;
  readonly basePages: number;
  /** What `pages` holds, and the numbers of its pages (graph-pages.ts). */
  readonly table: Uint32Array;
  readonly stamps: Float64Array;
  readonly upperRows: Block<'u32'>;
  /** Where devices may narrow what searches find: lower limbs of the rows' codes. */
  readonly readLimbs?: ReadLimbs | undefined;
}

export interface Walk {
  readonly nq: number;
  /** i8 [nq, queryStride], on the host engine. */
  readonly queries: Block<'i8'>;
  readonly level: number;
  readonly ef: number;
  /** Bit per node: those that may be returned; undefined for all. */
  readonly admitted?: Block<'u32'> | undefined;
  /** Looked at between steps, where a walk takes several. */
  readonly signal?: AbortSignal | undefined;
}

/** What a walk found, on the host engine; the caller disposes of it. */
export interface Found extends Disposable {
  /** i32 [nq, ef], ascending with ids. */
  readonly keys: Block<'i32'>;
  /** u32 [nq, ef], NONE behind the last. */
  readonly ids: Block<'u32'>;
  /** u32 [nq, 2]: hops, distances. */
  readonly stats: Block<'u32'>;
}

/** Lists of nodes, nearest first, on the host engine: u32 [nq, stride], of which the first `length` are looked at, up to NONE. */
export interface Lists {
  readonly ids: Block<'u32'>;
  readonly stride: number;
  readonly length: number;
}

/** What a search looks at of what its walk found; the caller disposes of it. */
export interface Heads extends Lists, Disposable {
  /** Where hops and distances of query q lie: at `statsAt` + q · `statsStride` of `stats`. */
  readonly stats: Block<'u32'>;
  readonly statsAt: number;
  readonly statsStride: number;
}

/** The first `length` of all that a walk with a beam of `ef` found. */
export function headsOf(found: Found, ef: number, length: number): Heads {
  const { ids, stats } = found;
  return { ids, stride: ef, length, stats, statsAt: 0, statsStride: 2, [Symbol.dispose]: () => found[Symbol.dispose]() };
}

export interface Walker {
  walk(graph: GraphView, walk: Walk): Promise<Found>;
}

/** What a search wants of its walk. */
export interface Sought {
  /** Of what a query finds, the nearest that are looked at. */
  readonly length: number;
  /** Of these the nearest that are wanted. */
  readonly k: number;
  /** Lower limbs of the queries with what they have lost, i8 [nq, stride], on the host engine: a device may then leave out what is not wanted. */
  readonly limbs: Block<'i8'> | undefined;
}

export async function openFound(host: HostEngine, nq: number, ef: number): Promise<Found> {
  const blocks = await allocAll(host, [
    ['i32', nq * ef, 'graph: keys'],
    ['u32', nq * ef, 'graph: ids'],
    ['u32', 2 * nq, 'graph: stats'],
  ]);
  return { keys: blocks[0], ids: blocks[1], stats: blocks[2], [Symbol.dispose]: () => disposeAll(blocks) };
}

/** u32s of scratch that a thread takes for a walk on a host. */
export function scratchWordsOf({ count, plan, degree }: GraphView, { ef, admitted }: Pick<Walk, 'ef' | 'admitted'>): number {
  return searchScratchWords(count, plan.form, plan.stride, degree, ef, admitted !== undefined);
}

/** Multiply-adds of a walk for one query, by and large. */
export function walkTerms({ stride, form }: CodecPlan, degree: number, ef: number): number {
  return graphSearch.terms({ ...NO_WALK, nq: 1, ef, degree, stride, form });
}

const NO_WALK = { n: 0, basePages: 0, entry: 0, entryLevel: 0, level: 0, filtered: 0, slots: 0, slotWords: 0 };

/** A walk on a host as a dispatch; `scratch` has room for so many threads. */
export function recordWalk(
  recording: Recording,
  graph: GraphView,
  walk: Walk,
  { keys, ids, stats }: Pick<Found, 'keys' | 'ids' | 'stats'>,
  scratch: Block<'u32'>,
  slots: number,
): void {
  const { degree, basePages, entry, entryLevel, codes, links, pages, upperRows, count: n, plan } = graph;
  const { nq, queries, level, ef, admitted } = walk;
  const { stride, form } = plan;
  const slotWords = scratchWordsOf(graph, walk);
  const filtered = admitted ? 1 : 0;
  const blocks = { queries, codes, links, pages, upperRows, admitted: admitted ?? pages, keys, ids, stats, scratch };
  const params = { nq, n, stride, form, degree, basePages, entry, entryLevel, level, ef, filtered, slots, slotWords };
  recording.dispatch(graphSearch, blocks, params);
}

/** Walks on a host engine: WASM, queries spread over threads, or the plain-TypeScript twin. */
export class HostWalker implements Walker {
  private readonly host: HostEngine;

  constructor(host: HostEngine) {
    this.host = host;
  }

  async walk(graph: GraphView, walk: Walk): Promise<Found> {
    const { host } = this;
    const slots = Math.min(walk.nq, host.info.threads);
    const found = await openFound(host, walk.nq, walk.ef);
    let scratch: Block<'u32'> | undefined;
    try {
      scratch = await host.alloc('u32', slots * scratchWordsOf(graph, walk), 'graph: scratch');
      const recording = new Recording();
      recordWalk(recording, graph, walk, found, scratch, slots);
      await host.run(recording);
      return found;
    } catch (error) {
      found[Symbol.dispose]();
      throw error;
    } finally {
      scratch?.[Symbol.dispose]();
    }
  }
}
