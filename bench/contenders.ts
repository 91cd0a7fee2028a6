/** Who takes part, each in a process of its own. */
import { availableParallelism } from 'node:os';
import type { EngineOptions } from '../src/node.ts';
import type { FlatRequests } from './flat-protocol.ts';
import { Peer, type PeerInfo } from './peer.ts';
import { peerProgram } from './places.ts';
import { pythonWithFaiss } from './python.ts';
import type { Skipped } from './session.ts';

export interface Contender {
  readonly id: string;
  readonly label: string;
  readonly family: 'isodex' | 'faiss';
  readonly info: PeerInfo;
  readonly peer: Peer<FlatRequests>;
}

/** What it takes to find contenders. */
export interface PeerOptions {
  readonly peers: readonly string[];
  /** The built library's node.js. */
  readonly library: string;
  /** Take a GPU that is a software driver, a FAISS without vector instructions. */
  readonly software: boolean;
  readonly generic: boolean;
  readonly python: string | undefined;
  /** Where contenders may be installed. */
  readonly cache: string;
  /** Seconds that installing one may take; 0, the default: as long as it wants. */
  readonly patience?: number;
  readonly say: (line: string) => void;
}

export interface ContenderOptions extends PeerOptions {
  /** 'cpu', 'gpu', 'reference' */
  readonly engines: readonly string[];
  readonly threads: readonly number[];
}

/** FAISS on one thread: what ratios are against. */
export const YARDSTICK = 'faiss-1';

const KINDS = ['cpu', 'gpu', 'reference'];

/** '1,all' → [1, cores]. */
export function threadCounts(text: string): number[] {
  const counts = text.split(',').map((part) => (part === 'all' ? availableParallelism() : Number(part)));
  const wrong = counts.find((count) => !Number.isInteger(count) || count < 1);
  if (wrong !== undefined) throw new Error(`--threads ${text}: give numbers ≥ 1 or 'all', with commas between`);
  return [...new Set(counts)];
}

export async function openContenders(options: ContenderOptions): Promise<{ contenders: Contender[]; skipped: Skipped[] }> {
  const contenders: Contender[] = [];
  const skipped: Skipped[] = [];
  const enter = async (
    one: Omit<Contender, 'info'>,
    request: Readonly<Record<string, unknown>>,
    refuse?: (info: PeerInfo) => string | undefined,
  ) => {
    const result = await one.peer.enter(request, refuse);
    if ('info' in result) contenders.push({ ...one, info: result.info });
    else skipped.push({ what: one.label, reason: result.reason });
  };
  for (const { id, label, engine } of isodexEngines(options)) {
    const peer = new Peer<FlatRequests>(process.execPath, ['--expose-gc', peerProgram('isodex-flat.ts')]);
    await enter({ id, label, family: 'isodex', peer }, { library: options.library, engine, software: options.software });
  }
  if (options.peers.includes('faiss')) {
    const found = await pythonWithFaiss(options.python, options.cache, options.say);
    if ('missing' in found) skipped.push({ what: 'FAISS', reason: found.missing });
    else {
      for (const threads of options.threads) {
        const env = { OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads) };
        const peer = new Peer<FlatRequests>(found.python, [peerProgram('faiss-flat.py')], env);
        const label = `FAISS, ${plural(threads)}`;
        await enter({ id: `faiss-${threads}`, label, family: 'faiss', peer }, { threads }, ({ compileOptions }) =>
          genericBuild(compileOptions, options.generic),
        );
      }
    }
  }
  return { contenders, skipped };
}

interface Entry {
  readonly id: string;
  readonly label: string;
  readonly engine: EngineOptions;
}

function isodexEngines({ engines, threads }: ContenderOptions): Entry[] {
  const unknown = engines.find((kind) => !KINDS.includes(kind));
  if (unknown !== undefined) throw new Error(`--engines: there is no '${unknown}'; give some of ${KINDS.join(', ')}`);
  return engines.flatMap((kind): Entry[] => {
    if (kind !== 'cpu') return [{ id: `isodex-${kind}`, label: `Isodex ${kind}`, engine: { prefer: kind as 'gpu' | 'reference' } }];
    const counted = threads.map((count) => ({
      id: `isodex-cpu-${count}`,
      label: `Isodex cpu, ${plural(count)}`,
      engine: { prefer: 'cpu' as const, threads: count },
    }));
    const baseline = {
      id: 'isodex-cpu-1-baseline',
      label: 'Isodex cpu, 1 thread, no relaxed SIMD',
      engine: { prefer: 'cpu' as const, threads: 1, relaxedSimd: false },
    };
    return threads.includes(1) ? [counted[0]!, baseline, ...counted.slice(1)] : counted;
  });
}

export function plural(threads: number): string {
  return `${threads} thread${threads > 1 ? 's' : ''}`;
}

/** A FAISS without vector instructions is about ten times slower: winning against it would say nothing. */
export function genericBuild(compileOptions: unknown, allowed: boolean): string | undefined {
  if (allowed || !String(compileOptions).includes('GENERIC')) return undefined;
  return `this FAISS is a generic build (${compileOptions}), no yardstick; install the faiss-cpu wheel with pip, or use --generic`;
}
