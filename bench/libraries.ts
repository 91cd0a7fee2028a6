/** Libraries as processes: how to start each, open it and know it again. */
import { genericBuild, type PeerOptions } from './contenders.ts';
import { npmPackage, type Package } from './packages.ts';
import { Peer, type PeerInfo, type Protocol } from './peer.ts';
import { peerProgram } from './places.ts';
import { pythonWithFaiss } from './python.ts';

export interface Library {
  readonly id: string;
  readonly label: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: (threads: number) => Readonly<Record<string, string>>;
  /** What its process is opened with, for so many threads. */
  readonly request: (threads: number) => Readonly<Record<string, unknown>>;
  readonly refuse?: (info: PeerInfo) => string | undefined;
}

/** A library, or why it cannot be had. */
export type Found = Library | { readonly missing: string };

/** Of peers in Node; resident memory wants a collection first. */
export const NODE = { command: process.execPath, env: () => ({}) };
export const nodeArgs = (script: string) => ['--expose-gc', peerProgram(script)];

export function isodex({ library, software }: PeerOptions, script: string): Library {
  return {
    ...NODE,
    id: 'isodex',
    label: 'Isodex',
    args: nodeArgs(script),
    request: (threads) => ({ library, software, engine: { prefer: 'cpu', threads } }),
  };
}

export async function faiss({ python, cache, say, generic, patience }: PeerOptions, script: string): Promise<Found> {
  const found = await pythonWithFaiss(python, cache, say, patience);
  if ('missing' in found) return found;
  return {
    id: 'faiss',
    label: 'FAISS',
    command: found.python,
    args: [peerProgram(script)],
    env: (threads) => ({ OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads) }),
    request: (threads) => ({ threads }),
    refuse: ({ compiled }) => genericBuild(compiled, generic),
  };
}

/** A package from npm that a peer in Node wraps. */
export interface NpmLibrary {
  readonly package: Package;
  readonly script: string;
  /** Builds with several threads. */
  readonly parallel: boolean;
}

const HNSWLIB_NODE = { script: 'hnswlib-node.ts', parallel: false };

export const NPM_LIBRARIES = {
  'hnswlib-node': { ...HNSWLIB_NODE, package: { name: 'hnswlib-node', version: '3.0.0' } },
  // as npm compiles it, it knows no AVX; this is what the same code can do
  'hnswlib-node-native': { ...HNSWLIB_NODE, package: { name: 'hnswlib-node', version: '3.0.0', flags: '-march=native' } },
  usearch: { script: 'usearch.ts', parallel: true, package: { name: 'usearch', version: '2.26.2' } },
  zvec: { script: 'zvec.ts', parallel: true, package: { name: '@zvec/zvec', version: '0.7.0' } },
  lancedb: { script: 'lancedb.ts', parallel: true, package: { name: '@lancedb/lancedb', version: '0.39.0' } },
} as const satisfies Readonly<Record<string, NpmLibrary>>;

/** Installs it where it is not; `kind` is how it keeps the values of vectors. */
export async function fromNpm(name: string, library: NpmLibrary, options: PeerOptions, kind = 'f32'): Promise<Found> {
  const found = await npmPackage(library.package, options.cache, options.say, options.patience);
  return 'missing' in found ? found : installedIn(found.folder, name, library, kind);
}

/** A package that lies in the folder's node_modules. */
export function installedIn(folder: string, name: string, { package: wanted, script }: NpmLibrary, kind = 'f32'): Library {
  const compiled = wanted.flags ?? 'by npm, no flags for this machine (x86-64: SSE)';
  return {
    ...NODE,
    id: name,
    label: name,
    args: nodeArgs(script),
    request: (threads) => ({ folder, name: wanted.name, threads, kind, compiled }),
  };
}

/** A process of a library, opened with so many threads; throws where it cannot take part. */
export async function opened<P extends Protocol<P>>(library: Library, threads: number): Promise<{ peer: Peer<P>; info: PeerInfo }> {
  const { command, args, env, request, refuse } = library;
  const peer = new Peer<P>(command, args, env(threads));
  const entered = await peer.enter(request(threads), refuse);
  if ('reason' in entered) throw new Error(entered.reason);
  return { peer, info: entered.info };
}

/** Has a library build, in a process of its own: so a search starts with the memory of a loaded index and no more. */
export async function buildApart<P extends Protocol<P> & { readonly build: readonly [request: object, reply: object] }>(
  library: Library,
  threads: number,
  request: P['build'][0],
): Promise<P['build'][1]> {
  const { peer } = await opened<P>(library, threads);
  try {
    return await peer.ask('build', request);
  } finally {
    await peer.close();
  }
}
