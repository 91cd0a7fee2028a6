/** What is measured of Isodex alone: filters, threads, work per query, and a GPU against the CPU. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomUniforms } from '../../src/util/random.ts';
import type { PeerOptions } from '../contenders.ts';
import { writeNumbers } from '../files.ts';
import type { MemoryParts } from '../peer.ts';
import { pause } from '../session.ts';
import { quantile, ratios, type Summary, summarise } from '../statistics.ts';
import { type Candidate, isodex } from './candidates.ts';
import { type Loaded, load, type Track } from './lanes.ts';
import type { Effort, IsodexRequests } from './protocol.ts';
import { latencyPoint, type PointTrack, type SweepOptions, sampleInto, survey } from './sweep.ts';
import type { Truth } from './truth.ts';

export interface PartsOptions extends PeerOptions, SweepOptions {
  readonly threads: readonly number[];
}

export interface FilterReport {
  /** Of the rows, drawn at random. */
  readonly share: number;
  readonly rows: number;
  readonly points: readonly (PointTrack & { readonly queriesPerSecond: number })[];
}

export interface ThreadsReport {
  readonly threads: number;
  /** Times as fast as the first count: a batch by round, and the build. */
  readonly search: Summary;
  readonly searchSeconds: readonly number[];
  readonly build: number;
  readonly buildSeconds: number;
  readonly buildCpuSeconds: number;
  /** SHA-256 of the index's file: threads must not change a byte. */
  readonly sha256: string;
}

export interface GpuReport {
  readonly adapter: unknown;
  readonly ef: number;
  readonly batches: readonly {
    readonly queries: number;
    /** Who answered where a GPU was asked for. */
    readonly engine: string;
    readonly cpuSeconds: readonly number[];
    readonly gpuSeconds: readonly number[];
    /** Times as fast as the CPU engine on all threads, by round. */
    readonly ratio: Summary;
  }[];
}

export interface IsodexReport {
  readonly m: number;
  /** The smallest ef that finds enough; threads and GPU are compared there. */
  readonly ef: number;
  readonly memory: MemoryParts;
  readonly effort: readonly ({ readonly ef: number; readonly recall: number } & Effort)[];
  readonly filters: readonly FilterReport[];
  readonly threads: readonly ThreadsReport[];
  readonly gpu: GpuReport | { readonly skipped: string };
}

const SHARES = [0.5, 0.1, 0.01, 0.001];
const BATCHES = [1, 64, 1024, 10_000];
/** A software GPU answers some ten queries a second. */
const SOFTWARE_BATCHES = [1, 16];

type Opened = Loaded<IsodexRequests>;

/** `points` are those of the lane with this M, already measured. */
export async function isodexParts(
  m: number,
  points: readonly PointTrack[],
  track: Track,
  truth: Truth,
  options: PartsOptions,
): Promise<IsodexReport> {
  const { ef } = latencyPoint(points) ?? points.at(-1)!;
  const alone = await opened(isodex(options), m, 1, track, options);
  try {
    return {
      m,
      ef,
      memory: alone.load.memory ?? {},
      effort: await efforts(alone, points),
      filters: await filters(alone, track, truth, options),
      threads: await threads(m, ef, track, options),
      gpu: await gpu(m, ef, track, options),
    };
  } finally {
    await alone.peer.close();
  }
}

async function opened(candidate: Candidate, m: number, search: number, track: Track, options: PartsOptions, build = mostOf(options)) {
  const result = await load<IsodexRequests>(candidate, m, { build, search }, track);
  if ('reason' in result) throw new Error(result.reason);
  return result;
}

function mostOf({ threads }: PartsOptions): number {
  return Math.max(...threads);
}

async function efforts({ peer }: Opened, points: readonly PointTrack[]) {
  const found: (Effort & { ef: number; recall: number })[] = [];
  for (const { ef, recall } of points) found.push({ ef, recall, ...(await peer.ask('effort', { ef })) });
  return found;
}

async function filters({ peer }: Opened, { set, session }: Track, truth: Truth, options: PartsOptions): Promise<FilterReport[]> {
  const [n, nq] = [set.base.length / set.dim, set.queries.length / set.dim];
  const reports: FilterReport[] = [];
  for (const share of SHARES) {
    options.say(`${set.name}: Isodex under a filter that admits ${100 * share} %`);
    const { bits, rows } = drawn(n, share);
    const path = join(session.folder, 'filter.u32');
    writeNumbers(path, bits);
    await peer.ask('filter', { path });
    const points = await survey(peer, options.efs, session, truth, await truth.among(bits));
    for (let round = 0; round < options.repeats; round++) for (const point of points) await sampleInto(point, peer);
    const speeds = points.map((point) => ({ ...point, queriesPerSecond: nq / quantile(point.seconds, 0.5) }));
    reports.push({ share, rows, points: speeds });
  }
  await peer.ask('filter', { path: null });
  return reports;
}

/** A bitset of so large a share of n labels, at random. */
function drawn(n: number, share: number): { bits: Uint32Array; rows: number } {
  const uniform = randomUniforms(1);
  const bits = new Uint32Array((n + 31) >>> 5);
  let rows = 0;
  for (let label = 0; label < n; label++) {
    if (uniform() >= share) continue;
    bits[label >>> 5]! |= 1 << (label & 31);
    rows++;
  }
  return { bits, rows };
}

/** The same search and the same build on one thread and on more. */
async function threads(m: number, ef: number, track: Track, options: PartsOptions): Promise<ThreadsReport[]> {
  const all: Opened[] = [];
  try {
    for (const count of options.threads) all.push(await opened(isodex(options), m, count, track, options, count));
    const seconds = await inTurns(
      options.repeats,
      all,
      async ({ peer }) => (await peer.ask('search', { setting: { efSearch: ef } })).seconds,
    );
    const first = all[0]!.index.record.seconds;
    return options.threads.map((count, i) => {
      const { path, record } = all[i]!.index;
      return {
        threads: count,
        search: summarise(ratios(seconds[0]!, seconds[i]!)),
        searchSeconds: seconds[i]!,
        build: first / record.seconds,
        buildSeconds: record.seconds,
        buildCpuSeconds: record.cpuSeconds,
        sha256: createHash('sha256').update(readFileSync(path)).digest('hex'),
      };
    });
  } finally {
    await Promise.all(all.map(({ peer }) => peer.close()));
  }
}

async function gpu(m: number, ef: number, track: Track, options: PartsOptions): Promise<IsodexReport['gpu']> {
  const found = await load<IsodexRequests>(isodex(options, 'gpu'), m, { build: mostOf(options), search: 1 }, track);
  if ('reason' in found) return { skipped: found.reason };
  const cpu = await opened(isodex(options), m, mostOf(options), track, options);
  try {
    const { adapter } = found.info as { adapter?: { software?: boolean } };
    const batches: GpuReport['batches'][number][] = [];
    for (const queries of adapter?.software ? SOFTWARE_BATCHES : BATCHES) {
      options.say(`${track.set.name}: GPU against CPU, batches of ${queries}`);
      const batch = ({ peer }: Opened) => peer.ask('batch', { ef, count: queries });
      const { engine } = await batch(found);
      const sample = async (one: Opened) => (await batch(one)).seconds;
      const [cpuSeconds, gpuSeconds] = (await inTurns(options.repeats, [cpu, found], sample)) as [number[], number[]];
      batches.push({ queries, engine, cpuSeconds, gpuSeconds, ratio: summarise(ratios(cpuSeconds, gpuSeconds)) });
    }
    return { adapter, ef, batches };
  } finally {
    await Promise.all([cpu.peer.close(), found.peer.close()]);
  }
}

/** Samples [one list a contender] of rounds in which all take turns, after one to warm up. */
async function inTurns<T>(repeats: number, all: readonly T[], sample: (one: T) => Promise<number>): Promise<number[][]> {
  const samples: number[][] = all.map(() => []);
  for (let round = -1; round < repeats; round++) {
    for (const [i, one] of all.entries()) {
      await pause();
      const seconds = await sample(one);
      if (round >= 0) samples[i]!.push(seconds);
    }
  }
  return samples;
}
