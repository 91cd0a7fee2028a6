/** Isodex and FAISS as processes of the compressed bench. */
import { join } from 'node:path';
import { genericBuild, PEERS, type PeerOptions } from '../contenders.ts';
import { Peer, type PeerInfo } from '../peer.ts';
import { pythonWithFaiss } from '../python.ts';
import type { CodedRequests } from './protocol.ts';

export interface Contender {
  readonly id: 'isodex' | 'faiss';
  readonly label: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: (threads: number) => Readonly<Record<string, string>>;
  readonly request: (threads: number) => Readonly<Record<string, unknown>>;
  readonly refuse?: (info: PeerInfo) => string | undefined;
}

export function isodex({ library, software }: PeerOptions): Contender {
  return {
    id: 'isodex',
    label: 'Isodex',
    command: process.execPath,
    args: ['--expose-gc', join(PEERS, 'isodex-compressed.ts')],
    env: () => ({}),
    request: (threads) => ({ library, software, engine: { prefer: 'cpu', threads } }),
  };
}

/** Why FAISS cannot take part, if so. */
export async function faiss({ python, cache, say, generic }: PeerOptions): Promise<Contender | { missing: string }> {
  const found = await pythonWithFaiss(python, cache, say);
  if ('missing' in found) return found;
  return {
    id: 'faiss',
    label: 'FAISS',
    command: found.python,
    args: [join(PEERS, 'faiss-compressed.py')],
    env: (threads) => ({ OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads) }),
    request: (threads) => ({ threads }),
    refuse: ({ compiled }) => genericBuild(compiled, generic),
  };
}

/** A process of a contender, opened with so many threads; throws where it cannot take part. */
export async function opened(contender: Contender, threads: number): Promise<{ peer: Peer<CodedRequests>; info: PeerInfo }> {
  const { command, args, env, request, refuse } = contender;
  const peer = new Peer<CodedRequests>(command, args, env(threads));
  const entered = await peer.enter(request(threads), refuse);
  if ('reason' in entered) throw new Error(entered.reason);
  return { peer, info: entered.info };
}
