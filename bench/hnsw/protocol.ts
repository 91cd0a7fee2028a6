/**
 * What contenders of the hnsw bench are asked. One process builds an index, saves it and ends; another loads it and
 * searches. peers/graph.ts and peers/faiss-hnsw.py answer, peers/isodex-hnsw.ts a little more than that.
 */
import type { MemoryParts, PeerInfo, Sample } from '../peer.ts';

/** What an index is made of and from. */
export interface GraphShape {
  readonly dim: number;
  /** 'l2', or 'cosine' of rows and queries of length 1. */
  readonly metric: string;
  readonly m: number;
  readonly efConstruction: number;
}

interface BuildRequest extends GraphShape {
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

export interface LoadRequest extends GraphShape {
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

export interface GraphRequests {
  /** The reply names a `version`: indexes of another one are built anew. */
  open: [request: Readonly<Record<string, unknown>>, reply: PeerInfo];
  build: [request: BuildRequest, reply: BuildReply];
  load: [request: LoadRequest, reply: LoadReply];
  /** All queries, the fastest way there is on the threads that it was opened with. */
  search: [request: { ef: number }, reply: Sample];
  /** So many queries one by one. */
  single: [request: { ef: number; first: number; count: number }, reply: { seconds: number[] }];
  /** Writes the labels of the last search, i32 [nq, k], −1 for missing ones. */
  answers: [request: { labels: string }, reply: Record<never, never>];
}

/** Means of one query. */
export interface Effort {
  /** Nodes whose links were followed. */
  readonly hops: number;
  readonly distances: number;
}

export interface IsodexRequests extends GraphRequests {
  /** From now on only labels of this bitset, a file of u32; null: all. */
  filter: [request: { path: string | null }, reply: Record<never, never>];
  effort: [request: { ef: number }, reply: Effort];
  /** `count` queries in one batch, from all of them around and around; `engine` is who answered. */
  batch: [request: { ef: number; count: number }, reply: Sample & { engine: string }];
}
