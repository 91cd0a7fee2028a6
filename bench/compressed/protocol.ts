/**
 * What contenders of the compressed bench are asked. One process trains an index, fills it, saves it and ends; another loads it
 * and searches. peers/isodex-compressed.ts and peers/faiss-compressed.py answer.
 */
import type { LoadReply } from '../hnsw/protocol.ts';
import type { PeerInfo, Sample } from '../peer.ts';

/** What an index is made of and from. */
export interface CodedShape {
  readonly dim: number;
  /** 'l2', or 'cosine' of rows and queries of length 1. */
  readonly metric: string;
  /** As the contender's factory strings go. */
  readonly description: string;
  /** Where there is a graph. */
  readonly efConstruction: number;
}

export interface CodedBuildRequest extends CodedShape {
  readonly base: string;
  readonly path: string;
  /** An index with the same transform, trained already; FAISS alone. */
  readonly transformOf?: string | undefined;
}

export interface CodedBuildReply {
  readonly train: Sample;
  readonly add: Sample;
  readonly threads: number;
  /** What the contender itself says about it. */
  readonly warnings: readonly string[];
}

/** Where the vectors of an index that refines lie. */
export type Originals = 'memory' | 'disk';

interface CodedLoadRequest extends CodedShape {
  readonly path: string;
  readonly queries: string;
  readonly k: number;
  readonly originals: Originals;
}

export interface CodedLoadReply extends LoadReply {
  /** Bytes of the file by part, where the library tells. */
  readonly file?: Readonly<Record<string, number>> | undefined;
  /** How the contender set itself up, for people. */
  readonly note?: string | undefined;
}

/** What can be chosen for each search. */
export interface Setting {
  readonly nprobe?: number;
  readonly efSearch?: number;
  readonly refineFactor?: number;
}

export interface CodedRequests {
  /** The reply names a `version`: indexes of another one are built anew. */
  open: [request: Readonly<Record<string, unknown>>, reply: PeerInfo];
  build: [request: CodedBuildRequest, reply: CodedBuildReply];
  load: [request: CodedLoadRequest, reply: CodedLoadReply];
  /** All queries in one batch. */
  search: [request: { setting: Setting }, reply: Sample];
  /** So many queries one by one. */
  single: [request: { setting: Setting; first: number; count: number }, reply: { seconds: number[] }];
  /** Writes the labels of the last batch, i32 [nq, k], −1 for missing ones. */
  answers: [request: { labels: string }, reply: Record<never, never>];
}
