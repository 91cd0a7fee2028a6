/** A lane: one contender with one index of one data set, loaded and searching on one thread in a process of its own. */
import type { DataSet } from '../data-sets.ts';
import type { IndexShape } from '../index-protocol.ts';
import type { IndexStore, Stored } from '../index-store.ts';
import { buildApart, type Library, opened } from '../libraries.ts';
import type { Peer, PeerInfo, Sample } from '../peer.ts';
import type { Session } from '../session.ts';
import type { CodedBuildReply, CodedLoadReply, CodedRequests, Originals } from './protocol.ts';

/** What is the same for every lane of a data set. */
export interface Track {
  readonly set: DataSet;
  readonly session: Session;
  readonly store: IndexStore;
  readonly k: number;
  readonly efConstruction: number;
  /** That build. */
  readonly threads: number;
}

export interface Lane {
  readonly contender: Library;
  readonly description: string;
  readonly originals: Originals;
  readonly peer: Peer<CodedRequests>;
  readonly info: PeerInfo;
  readonly stored: Stored<CodedBuildReply>;
  readonly load: CodedLoadReply;
}

/** Has the index built where it is not stored, then loads it. Throws where the contender takes no part. */
export async function openLane(contender: Library, description: string, originals: Originals, track: Track): Promise<Lane> {
  const { set, session, k, efConstruction } = track;
  const { peer, info } = await opened<CodedRequests>(contender, 1);
  try {
    const stored = await built(contender, description, String(info.version), track);
    const shape: IndexShape = { dim: set.dim, metric: set.metric, description, efConstruction };
    const load = await peer.ask('load', { ...shape, path: stored.path, queries: session.files.queries, k, originals });
    return { contender, description, originals, peer, info, stored, load };
  } catch (error) {
    await peer.close();
    throw error;
  }
}

async function built(contender: Library, description: string, version: string, track: Track): Promise<Stored<CodedBuildReply>> {
  const { set, session, store, efConstruction, threads } = track;
  const shape: IndexShape = { dim: set.dim, metric: set.metric, description, efConstruction };
  const transform = contender.id === 'faiss' ? /^OPQ[^,]*,(?!Flat)/.exec(description)?.[0] : undefined;
  const trained = transform === undefined ? undefined : await built(contender, `${transform}Flat`, version, track);
  return store.get<CodedBuildReply>({
    name: `compressed-${contender.id}-${description}-ef${efConstruction}-t${threads}`,
    version,
    label: `${contender.label} ${description}`,
    build: async (path) => {
      const reply = await buildApart<CodedRequests>(contender, threads, {
        ...shape,
        base: session.files.base,
        path,
        transformOf: trained?.path,
      });
      return trained ? { ...reply, train: sum(trained.record.train, reply.train) } : reply;
    },
  });
}

/**
 * FAISS learns the same rotation whatever follows it, in minutes, so that is done once a set: with an index of vectors as they
 * are, which has nothing else to learn. It counts for each index as if it had been done for it.
 */
function sum(transform: Sample, rest: Sample): Sample {
  return { seconds: transform.seconds + rest.seconds, cpuSeconds: transform.cpuSeconds + rest.cpuSeconds };
}
