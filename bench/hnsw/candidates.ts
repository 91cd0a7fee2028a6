/** Who may take part in the hnsw bench: libraries, each in the kinds that it can keep its vectors in. */
import { join } from 'node:path';
import { genericBuild, PEERS, type PeerOptions } from '../contenders.ts';
import type { DataSet } from '../data-sets.ts';
import { npmPackage, type Package } from '../packages.ts';
import { Peer, type PeerInfo, type Protocol } from '../peer.ts';
import { pythonWithFaiss } from '../python.ts';
import type { Skipped } from '../session.ts';

export interface Candidate {
  readonly id: string;
  readonly label: string;
  /** Who is compared: of several kinds of one library the best counts. */
  readonly family: string;
  /** How to start its process for so many threads, and how to open it. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env: (threads: number) => Readonly<Record<string, string>>;
  readonly request: (threads: number) => Readonly<Record<string, unknown>>;
  /** Builds with several threads. */
  readonly parallel: boolean;
  /** Why it cannot take part on this data, if so. */
  readonly unfit: (set: DataSet) => string | undefined;
  readonly refuse: (info: PeerInfo) => string | undefined;
}

export const ISODEX = 'isodex';

interface NpmPeer {
  readonly package: Package;
  readonly script: string;
  readonly kinds: readonly string[];
  readonly parallel: boolean;
  readonly unfit?: (kind: string, set: DataSet) => string | undefined;
}

const HNSWLIB_NODE = { script: 'hnswlib-node.ts', kinds: ['f32'], parallel: false };

/** By the names of --peers, which are those of their families too. */
const NPM_PEERS: Readonly<Record<string, NpmPeer>> = {
  'hnswlib-node': { ...HNSWLIB_NODE, package: { name: 'hnswlib-node', version: '3.0.0' } },
  // as npm compiles it, it knows no AVX; this is what the same code can do
  'hnswlib-node-native': { ...HNSWLIB_NODE, package: { name: 'hnswlib-node', version: '3.0.0', flags: '-march=native' } },
  usearch: {
    package: { name: 'usearch', version: '2.26.2' },
    script: 'usearch.ts',
    kinds: ['f32', 'f16', 'bf16', 'i8'],
    parallel: true,
    unfit: (kind, set) =>
      kind === 'i8' && !unitRows(set) ? 'usearch scales i8 rows to length 1, which changes their order by l2' : undefined,
  },
  zvec: {
    package: { name: '@zvec/zvec', version: '0.7.0' },
    script: 'zvec.ts',
    kinds: ['f32', 'f16', 'i8'],
    parallel: true,
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
  return fromNpm(name, NPM_PEERS[name]!, options);
}

/** A process of a candidate, to be opened with its request for as many threads. */
export function start<P extends Protocol<P>>(candidate: Candidate, threads: number): Peer<P> {
  return new Peer<P>(candidate.command, candidate.args, candidate.env(threads));
}

const NODE = { command: process.execPath, env: () => ({}), unfit: () => undefined, refuse: () => undefined };

const nodeArgs = (script: string) => ['--expose-gc', join(PEERS, script)];

/** On its CPU engine, or another; `kind` is what the description of an index says behind M. */
export function isodex({ library, software }: PeerOptions, engine: 'cpu' | 'gpu' = 'cpu', kind = 'Flat'): Candidate {
  return {
    ...NODE,
    id: ISODEX,
    label: 'Isodex',
    family: ISODEX,
    args: nodeArgs('isodex-hnsw.ts'),
    parallel: true,
    request: (threads) => ({ library, software, kind, engine: engine === 'cpu' ? { prefer: engine, threads } : { prefer: engine } }),
  };
}

async function fromNpm(name: string, peer: NpmPeer, options: PeerOptions): Promise<Candidate[] | { missing: string }> {
  const found = await npmPackage(peer.package, options.cache, options.say);
  if ('missing' in found) return found;
  const compiled = peer.package.flags ?? 'by npm, no flags for this machine (x86-64: SSE)';
  return peer.kinds.map((kind) => ({
    ...NODE,
    id: peer.kinds.length > 1 ? `${name}-${kind}` : name,
    label: peer.kinds.length > 1 ? `${name} ${kind}` : name,
    family: name,
    args: nodeArgs(peer.script),
    parallel: peer.parallel,
    request: (threads) => ({ folder: found.folder, name: peer.package.name, threads, kind, compiled }),
    unfit: (set) => peer.unfit?.(kind, set),
  }));
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
    args: [join(PEERS, 'faiss-hnsw.py')],
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
