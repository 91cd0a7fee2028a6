/** Graphs as they are kept and built. */
import type { DataSet } from '../data-sets.ts';
import type { BuildReply, BuildRequest, IndexRequests, IndexShape } from '../index-protocol.ts';
import { type Built, IndexStore, type Stored, type StoreOptions } from '../index-store.ts';
import type { Session } from '../session.ts';
import { type Candidate, start } from './candidates.ts';

export type BuildRecord = Built<BuildReply>;

export interface GraphRequest {
  readonly candidate: Candidate;
  readonly version: string;
  readonly m: number;
  readonly shape: IndexShape;
  readonly threads: number;
}

/** Finds the graphs of one data set, or has them built. */
export class GraphStore {
  private readonly store: IndexStore;
  private readonly base: string;

  constructor(set: DataSet, { files }: Session, options: StoreOptions) {
    this.store = new IndexStore(set, options);
    this.base = files.base;
  }

  get({ candidate, version, m, shape, threads }: GraphRequest): Promise<Stored<BuildReply>> {
    return this.store.get<BuildReply>({
      name: `${candidate.id}-m${m}-ef${shape.efConstruction}-t${threads}`,
      version,
      label: `${candidate.label}, M ${m}, ${threads} thread${threads > 1 ? 's' : ''}`,
      build: (path) => buildWith(candidate, threads, { ...shape, base: this.base, path }),
    });
  }
}

/** In a process of its own, so that a search starts with the memory of a loaded index and no more. */
async function buildWith(candidate: Candidate, threads: number, request: BuildRequest): Promise<BuildReply> {
  const peer = start<IndexRequests>(candidate, threads);
  const opened = await peer.enter(candidate.request(threads));
  if ('reason' in opened) throw new Error(opened.reason);
  try {
    return await peer.ask('build', request);
  } finally {
    await peer.close();
  }
}
