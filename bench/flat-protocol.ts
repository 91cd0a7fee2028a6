/** What contenders of the flat bench are asked, in order; peers/isodex-flat.ts and peers/faiss-flat.py answer. */
import type { MemoryParts, PeerInfo, Sample } from './peer.ts';

export interface BuildRequest {
  /** Files of f32 rows. */
  readonly base: string;
  readonly queries: string;
  readonly dim: number;
  readonly metric: string;
  readonly k: number;
}

export interface BuildReply {
  /** Seconds to add all rows, and to do what the first search would do first. */
  readonly add: number;
  readonly prepare: number;
  /** Resident bytes before the rows were read, and when only the index holds them. */
  readonly rssBefore: number;
  readonly rssBuilt: number;
  readonly memory: MemoryParts;
  /** How the peer set itself up for this data, for people. */
  readonly note?: string;
}

export interface FlatRequests {
  open: [request: Readonly<Record<string, unknown>>, reply: PeerInfo];
  build: [request: BuildRequest, reply: BuildReply];
  /** All queries in one batch. */
  search: [request: Record<never, never>, reply: Sample];
  /** So many queries one by one. */
  single: [request: { first: number; count: number }, reply: { seconds: number[] }];
  /** Writes the last batch's answers, i32 and f32 [nq, k]. */
  answers: [request: { labels: string; distances: string }, reply: Record<never, never>];
  memory: [request: Record<never, never>, reply: { rss: number; peak: number; memory: MemoryParts }];
}
