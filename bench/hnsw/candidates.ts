/** Who may take part in the hnsw bench: libraries, each in the kinds that it can keep its vectors in. */
import { genericBuild, type PeerOptions } from '../contenders.ts';
import type { DataSet } from '../data-sets.ts';
import { fromNpm, type Library, NODE, NPM_LIBRARIES, type NpmLibrary, nodeArgs } from '../libraries.ts';
import { Peer, type Protocol } from '../peer.ts';
import { peerProgram } from '../places.ts';
import { pythonWithFaiss } from '../python.ts';
import type { Skipped } from '../session.ts';

export interface Candidate extends Library {
  /** Who is compared: of several kinds of one library the best counts. */
  readonly family: string;
  /** Builds with several threads. */
  readonly parallel: boolean;
  /** Why it cannot take part on this data, if so. */
  readonly unfit: (set: DataSet) => string | undefined;
}

export const ISODEX = 'isodex';

interface NpmPeer extends NpmLibrary {
  readonly kinds: readonly string[];
  readonly unfit?: (kind: string, set: DataSet) => string | undefined;
}

/** By the names of --peers, which are those of their families too. */
const NPM_PEERS: Readonly<Record<string, NpmPeer>> = {
  'hnswlib-node': { ...NPM_LIBRARIES['hnswlib-node'], kinds: ['f32'] },
  'hnswlib-node-native': { ...NPM_LIBRARIES['hnswlib-node-native'], kinds: ['f32'] },
  usearch: {
    ...NPM_LIBRARIES.usearch,
    kinds: ['f32', 'f16', 'bf16', 'i8'],
    unfit: (kind, set) =>
      kind === 'i8' && !unitRows(set) ? 'usearch scales i8 rows to length 1, which changes their order by l2' : undefined,
  },
  zvec: {
    ...NPM_LIBRARIES.zvec,
    kinds: ['f32', 'f16', 'i8'],
    unfit: (kind, set) =>
      kind === 'i8' && set.metric === 'l2'
        ? 'its INT8 quantizer finds next to nothing under L2 (recall about 0 in version 0.7.0)'
        : undefined,
  },
};

/** For --help and errors. */
export const PEER_NAMES = [...Object.keys(NPM_PEERS), 'faiss', 'isodex-sq8'];

/** Isodex first. */
export async function findCandidates(options: PeerOptions): Promise<{ candidates: Candidate[]; skipped: Skipped[] }> {
  const unknown = options.peers.find((name) => !PEER_NAMES.includes(name));
  if (unknown !== undefined) throw new Error(`--peers: there is no '${unknown}'; give some of ${PEER_NAMES.join(', ')}`);
  const candidates = [isodex(options)];
  const skipped: Skipped[] = [];
  for (const name of options.peers) {
    const found = await peersNamed(name, options);
    if ('missing' in found) skipped.push({ what: name, reason: found.missing });
    else candidates.push(...found);
  }
  return { candidates, skipped };
}

async function peersNamed(name: string, options: PeerOptions): Promise<Candidate[] | { missing: string }> {
  if (name === 'faiss') return faiss(options);
  // keeps codes and no vectors: another thing than Isodex's own HNSW, to be seen beside it
  if (name === 'isodex-sq8') return [{ ...isodex(options, 'cpu', 'SQ8'), id: name, label: 'Isodex SQ8', family: 'Isodex SQ8' }];
  return kindsOf(name, NPM_PEERS[name]!, options);
}

/** A process of a candidate, to be opened with its request for as many threads. */
export function start<P extends Protocol<P>>(candidate: Candidate, threads: number): Peer<P> {
  return new Peer<P>(candidate.command, candidate.args, candidate.env(threads));
}

/** On its CPU engine, or another; `kind` is what the description of an index says behind M. */
export function isodex({ library, software }: PeerOptions, engine: 'cpu' | 'gpu' = 'cpu', kind = 'Flat'): Candidate {
  return {
    ...NODE,
    id: ISODEX,
    label: 'Isodex',
    family: ISODEX,
    args: nodeArgs('isodex-hnsw.ts'),
    parallel: true,
    unfit: () => undefined,
    request: (threads) => ({ library, software, kind, engine: engine === 'cpu' ? { prefer: engine, threads } : { prefer: engine } }),
  };
}

async function kindsOf(name: string, peer: NpmPeer, options: PeerOptions): Promise<Candidate[] | { missing: string }> {
  const candidates: Candidate[] = [];
  for (const kind of peer.kinds) {
    const found = await fromNpm(name, peer, options, kind);
    if ('missing' in found) return found;
    const named = peer.kinds.length > 1 ? { id: `${name}-${kind}`, label: `${name} ${kind}` } : {};
    candidates.push({ ...found, ...named, family: name, parallel: peer.parallel, unfit: (set) => peer.unfit?.(kind, set) });
  }
  return candidates;
}

async function faiss({ python, cache, say, generic }: PeerOptions): Promise<Candidate[] | { missing: string }> {
  const found = await pythonWithFaiss(python, cache, say);
  if ('missing' in found) return found;
  return [
    { kind: 'flat', label: 'FAISS HNSWFlat' },
    { kind: 'sq', label: 'FAISS HNSWSQ' },
  ].map(({ kind, label }) => ({
    id: `faiss-${kind}`,
    label,
    family: label,
    command: found.python,
    args: [peerProgram('faiss-hnsw.py')],
    env: (threads) => ({ OMP_NUM_THREADS: String(threads) }),
    request: (threads) => ({ threads, kind }),
    parallel: true,
    unfit: () => undefined,
    refuse: ({ compiled }) => genericBuild(compiled, generic),
  }));
}

function unitRows({ base, dim }: DataSet): boolean {
  const squared = base.subarray(0, dim).reduce((sum, value) => sum + value * value, 0);
  return Math.abs(squared - 1) < 1e-3;
}
