/** Isodex and the libraries that it is put beside. */
import type { PeerOptions } from '../contenders.ts';
import { type Found, faiss, fromNpm, isodex, type Library, NPM_LIBRARIES } from '../libraries.ts';
import type { Skipped } from '../session.ts';

export interface Contender {
  readonly library: Library;
  /** With as many threads as there are: */
  readonly builds: boolean;
  readonly searches: boolean;
}

/** Whose interface knows one thread for searches. */
const ONE_THREAD: readonly string[] = ['hnswlib-node', 'hnswlib-node-native'];

const LABELS: Readonly<Record<string, string>> = { faiss: 'FAISS', lancedb: 'LanceDB' };

/** For --help and errors. */
export const PEER_NAMES = [...Object.keys(NPM_LIBRARIES), 'faiss'];

/** Isodex first; who is missing is told with the reason. */
export async function findContenders(options: PeerOptions): Promise<{ contenders: Contender[]; skipped: Skipped[] }> {
  const unknown = options.peers.find((name) => !PEER_NAMES.includes(name));
  if (unknown !== undefined) throw new Error(`--against: there is no '${unknown}'; give some of ${PEER_NAMES.join(', ')}`);
  const contenders: Contender[] = [{ library: isodex(options, 'isodex-compressed.ts'), builds: true, searches: true }];
  const skipped: Skipped[] = [];
  const libraries = await Promise.all(options.peers.map((name) => libraryNamed(name, options)));
  for (const [i, found] of libraries.entries()) {
    const name = options.peers[i]!;
    if ('missing' in found) skipped.push({ what: LABELS[name] ?? name, reason: found.missing });
    else contenders.push({ library: found, builds: parallel(name), searches: !ONE_THREAD.includes(name) });
  }
  return { contenders, skipped };
}

type NpmName = keyof typeof NPM_LIBRARIES;

async function libraryNamed(name: string, options: PeerOptions): Promise<Found> {
  if (name === 'faiss') return faiss(options, 'faiss-compressed.py');
  const found = await fromNpm(name, NPM_LIBRARIES[name as NpmName], options);
  if ('missing' in found) return found;
  return { ...found, label: LABELS[name] ?? name, env: name === 'lancedb' ? lanceThreads : found.env };
}

function parallel(name: string): boolean {
  return name === 'faiss' || NPM_LIBRARIES[name as NpmName].parallel;
}

/** Its pools are sized when its process starts. */
function lanceThreads(threads: number): Readonly<Record<string, string>> {
  const count = String(threads);
  return { LANCE_CPU_THREADS: count, TOKIO_WORKER_THREADS: count, RAYON_NUM_THREADS: count, LANCE_LOG: 'error', RUST_LOG: 'error' };
}
