/** A lane: one library with one index of one data set, loaded and searching on so many threads in a process of its own. */
import type { CodedBuildReply, CodedLoadRequest } from '../compressed/protocol.ts';
import { plural } from '../contenders.ts';
import type { DataSet } from '../data-sets.ts';
import type { BuildReply, BuildRequest, IndexRequests, IndexShape, LoadReply } from '../index-protocol.ts';
import type { IndexStore, Stored } from '../index-store.ts';
import { buildApart, opened } from '../libraries.ts';
import type { Peer, PeerInfo, Sample } from '../peer.ts';
import type { Session } from '../session.ts';
import type { Case } from './cases.ts';
import type { Contender } from './contenders.ts';

/** Some libraries tell training and adding apart. */
type AnyBuildReply = BuildReply | CodedBuildReply;

interface SuiteRequests extends Omit<IndexRequests, 'build' | 'load'> {
  build: [request: BuildRequest, reply: AnyBuildReply];
  load: [request: CodedLoadRequest, reply: LoadReply];
}

/** What is the same for every lane of a data set. */
export interface Track {
  readonly set: DataSet;
  readonly session: Session;
  readonly store: IndexStore;
  readonly k: number;
  readonly efConstruction: number;
  /** That build, where the library can. */
  readonly threads: number;
  /** Why there is no time left to build, if so. */
  readonly late: (wanted: Case) => string | undefined;
}

export interface Lane {
  readonly contender: Contender;
  readonly case: Case;
  readonly threads: number;
  readonly peer: Peer<SuiteRequests>;
  readonly info: PeerInfo;
  readonly stored: Stored<AnyBuildReply>;
  readonly load: LoadReply;
}

/** Has the index built where it is not stored, then loads it. Throws where the library cannot. */
export async function openLane(contender: Contender, wanted: Case, threads: number, track: Track): Promise<Lane> {
  const { peer, info } = await opened<SuiteRequests>(contender.library, threads);
  try {
    const shape = shapeOf(wanted, track);
    const stored = await built(contender, wanted, shape, String(info.version), track);
    const { originals = 'memory' } = wanted;
    const load = await peer.ask('load', { ...shape, path: stored.path, queries: track.session.files.queries, k: track.k, originals });
    return { contender, case: wanted, threads, peer, info, stored, load };
  } catch (error) {
    await peer.close();
    throw error;
  }
}

function shapeOf({ description }: Case, { set: { dim, metric }, efConstruction }: Track): IndexShape {
  return { dim, metric, description, efConstruction };
}

async function built({ library, builds }: Contender, wanted: Case, shape: IndexShape, version: string, track: Track) {
  const { session, store, efConstruction, late } = track;
  const { description } = wanted;
  const threads = builds ? track.threads : 1;
  return store.get<AnyBuildReply>({
    name: `suite-${library.id}-${description}-ef${efConstruction}-t${threads}`,
    version,
    label: `${library.label} ${description}`,
    refuse: () => late(wanted),
    build: (path) => buildApart<SuiteRequests>(library, threads, { ...shape, base: session.files.base, path }),
  });
}

/** Training and adding together. */
export function buildTime(reply: AnyBuildReply): Sample {
  if (!('train' in reply)) return reply;
  const { train, add } = reply;
  return { seconds: train.seconds + add.seconds, cpuSeconds: train.cpuSeconds + add.cpuSeconds };
}

/** As it is told to people: 'HNSW32'. */
export function indexName({ description, originals }: Case): string {
  return originals === 'disk' ? `${description} on disk` : description;
}

export function laneLabel({ contender, case: wanted, threads }: Lane): string {
  return `${contender.library.label} ${indexName(wanted)}, ${plural(threads)}`;
}
