/** Graphs as they are kept and built. */
import { plural } from '../contenders.ts';
import type { DataSet } from '../data-sets.ts';
import type { BuildReply, IndexRequests, IndexShape } from '../index-protocol.ts';
import { type Built, IndexStore, type Stored, type StoreOptions } from '../index-store.ts';
import { buildApart } from '../libraries.ts';
import type { Session } from '../session.ts';
import type { Candidate } from './candidates.ts';

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
      label: `${candidate.label}, M ${m}, ${plural(threads)}`,
      build: (path) => buildApart<IndexRequests>(candidate, threads, { ...shape, base: this.base, path }),
    });
  }
}
