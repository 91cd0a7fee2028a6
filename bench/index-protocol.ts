/**
 * What contenders with an index are asked. One process builds it, saves it and ends; another loads it and searches.
 * peers/adapter.ts answers for libraries in Node; what else a bench asks, its own protocol says.
 */
import type { MemoryParts, PeerInfo, Sample } from './peer.ts';

/** What an index is made of and from. */
export interface IndexShape {
  readonly dim: number;
  /** 'l2', or 'cosine' of rows and queries of length 1. */
  readonly metric: string;
  /** 'Flat', 'HNSW32', 'IVF256,Flat', or as the contender's own strings go. */
  readonly description: string;
  /** Where there is a graph. */
  readonly efConstruction: number;
}

export interface BuildRequest extends IndexShape {
  /** File of f32 rows. */
  readonly base: string;
  /** Where the index goes: a file, or a folder where the library wants one. */
  readonly path: string;
}

export interface BuildReply extends Sample {
  /** How many threads built: all that it was opened with, or 1 where the library's interface knows no more. */
  readonly threads: number;
  /** How the peer set itself up for this data, for people. */
  readonly note?: string | undefined;
}

export interface LoadRequest extends IndexShape {
  readonly path: string;
  readonly queries: string;
  readonly k: number;
}

export interface LoadReply {
  /** Resident bytes before and after. */
  readonly rssBefore: number;
  readonly rss: number;
  readonly memory?: MemoryParts | undefined;
}

/** What can be chosen for each search. */
export type Setting = Readonly<Partial<Record<'nprobe' | 'efSearch' | 'refineFactor', number>>>;

export interface SearchRequest {
  readonly setting: Setting;
  /** Neighbours, where not as many as when it was loaded. */
  readonly k?: number;
}

export interface IndexRequests {
  /** The reply names a `version`: indexes of another one are built anew. */
  open: [request: Readonly<Record<string, unknown>>, reply: PeerInfo];
  build: [request: BuildRequest, reply: BuildReply];
  load: [request: LoadRequest, reply: LoadReply];
  /** All queries, the fastest way there is on the threads that it was opened with. */
  search: [request: SearchRequest, reply: Sample];
  /** So many queries one by one. */
  single: [request: SearchRequest & { first: number; count: number }, reply: { seconds: number[] }];
  /** Writes the labels of the last search, i32 [nq, k], −1 for missing ones. */
  answers: [request: { labels: string }, reply: Record<never, never>];
  /** Resident bytes now. */
  resident: [request: Record<never, never>, reply: { rss: number }];
}

/** The number behind a word of a description: 32 of ('HNSW32,SQ8', 'HNSW'); undefined where it is not there. */
export function numberOf(description: string, word: string): number | undefined {
  const found = new RegExp(`${word}(\\d+)`).exec(description);
  return found ? Number(found[1]) : undefined;
}
