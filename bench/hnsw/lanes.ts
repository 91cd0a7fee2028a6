/** A lane: one contender with one index of one data set, loaded and searching on one thread in a process of its own. */
import type { DataSet } from '../data-sets.ts';
import type { BuildReply, IndexRequests, IndexShape, LoadReply, LoadRequest } from '../index-protocol.ts';
import type { Stored } from '../index-store.ts';
import type { Peer, PeerInfo, Protocol } from '../peer.ts';
import type { Session } from '../session.ts';
import { type Candidate, start } from './candidates.ts';
import type { GraphStore } from './indexes.ts';

/** What is the same for every lane of a data set. */
export interface Track {
  readonly set: DataSet;
  readonly session: Session;
  readonly store: GraphStore;
  readonly k: number;
  readonly efConstruction: number;
}

/** A contender's process with its index loaded. */
export interface Loaded<P extends Protocol<P>> {
  readonly peer: Peer<P>;
  readonly info: PeerInfo;
  readonly index: Stored<BuildReply>;
  readonly load: LoadReply;
}

export interface Lane extends Loaded<IndexRequests> {
  readonly candidate: Candidate;
  readonly m: number;
}

export interface Threads {
  readonly build: number;
  readonly search: number;
}

/** Has the index built where it is not stored, then loads it. Says why where the contender takes no part. */
export async function load<P extends IndexRequests & Protocol<P>>(
  candidate: Candidate,
  m: number,
  threads: Threads,
  { set, session, store, k, efConstruction }: Track,
): Promise<Loaded<P> | { reason: string }> {
  const unfit = candidate.unfit(set);
  if (unfit !== undefined) return { reason: unfit };
  const peer = start<P>(candidate, threads.search);
  const opened = await peer.enter(candidate.request(threads.search), candidate.refuse);
  if ('reason' in opened) return opened;
  const shape: IndexShape = { dim: set.dim, metric: set.metric, description: `HNSW${m}`, efConstruction };
  try {
    const version = String(opened.info.version);
    const index = await store.get({ candidate, version, m, shape, threads: candidate.parallel ? threads.build : 1 });
    const request: LoadRequest = { ...shape, path: index.path, queries: session.files.queries, k };
    return { peer, info: opened.info, index, load: await peer.ask('load', request) };
  } catch (error) {
    await peer.close();
    return { reason: (error as Error).message };
  }
}
