/** Exact search against FAISS on the same data in one run: contenders in processes kept alive, taking turns. */
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { type Answer, agreement, differing } from './agreement.ts';
import { type Contender, type ContenderOptions, openContenders, YARDSTICK } from './contenders.ts';
import type { DataSet } from './data-sets.ts';
import { readFloats, readInts } from './files.ts';
import type { BuildReply } from './flat-protocol.ts';
import { thisMachine } from './machine.ts';
import type { MemoryParts } from './peer.ts';
import { type ComparisonReport, factsOf, type SetFacts } from './report.ts';
import { overSets, pause, type Session, type SessionOptions, shareBefore } from './session.ts';
import { intrinsicDimension, quantile, ratios, type Summary, summarise } from './statistics.ts';

export interface FlatOptions extends ContenderOptions, SessionOptions {
  readonly k: number;
  readonly repeats: number;
  /** Queries one by one, in all rounds together. */
  readonly singles: number;
}

/** One contender on one data set: raw samples first, then what they say. */
export interface Result {
  readonly id: string;
  readonly label: string;
  readonly family: 'isodex' | 'faiss';
  readonly build: BuildReply;
  readonly memory: { readonly rss: number; readonly peak: number; readonly memory: MemoryParts };
  /** The warm-up round: the first search after preparation. */
  readonly firstSearch: number;
  /** Wall and CPU seconds of each round's batch. */
  readonly seconds: readonly number[];
  readonly cpuSeconds: readonly number[];
  /** Seconds of single queries. */
  readonly single: readonly number[];
  readonly batch: Summary;
  readonly queriesPerSecond: number;
  readonly singleP50: number;
  readonly singleP99: number;
  /** Times as fast as the yardstick, by round; and by CPU time. */
  readonly ratio: Summary | undefined;
  readonly cpuRatio: Summary | undefined;
  /** The yardstick's best round over this one's best: what least disturbance allows. */
  readonly bestRatio: number | undefined;
  /** Times as fast as Isodex's CPU engine on one thread, by round. */
  readonly againstOneThread: Summary | undefined;
  /** Share of results as near as the yardstick's. */
  readonly agreement: number | undefined;
  /** Isodex: queries whose labels or distance bits differ from the first Isodex contender's. */
  readonly differing: number | undefined;
}

export interface SetReport extends SetFacts {
  readonly intrinsicDimension: number;
  /** One-minute load average at each round's start. */
  readonly loadAverages: readonly number[];
  readonly results: readonly Result[];
}

export interface FlatReport extends ComparisonReport {
  readonly bench: 'flat';
  readonly settings: { readonly k: number; readonly repeats: number; readonly yardstick: string };
  readonly sets: readonly SetReport[];
}

export async function benchFlat(options: FlatOptions): Promise<FlatReport> {
  const machine = thisMachine();
  const seen = new Map<string, FlatReport['contenders'][number]>();
  const { reports, skipped } = await overSets(options, async (set, session) => {
    // fresh processes for each set, so that none inherits memory or compiled code
    const open = await openContenders(options);
    open.skipped.forEach(session.skip);
    for (const { id, label, info } of open.contenders) seen.set(id, { id, label, info });
    try {
      return await benchSet(set, open.contenders, session, options);
    } finally {
      await Promise.all(open.contenders.map(({ peer }) => peer.close()));
    }
  });
  return {
    bench: 'flat',
    date: new Date().toISOString(),
    machine,
    settings: { k: options.k, repeats: options.repeats, yardstick: YARDSTICK },
    contenders: [...seen.values()],
    skipped,
    sets: reports,
  };
}

/** What is measured of one contender as the rounds go by. */
interface Track {
  readonly contender: Contender;
  readonly build: BuildReply;
  firstSearch: number;
  readonly seconds: number[];
  readonly cpuSeconds: number[];
  readonly single: number[];
}

async function benchSet(
  set: DataSet,
  contenders: readonly Contender[],
  { folder, files }: Session,
  options: FlatOptions,
): Promise<SetReport> {
  const { k, repeats, say } = options;
  const { name, metric, dim } = set;
  const tracks: Track[] = [];
  for (const contender of contenders) {
    say(`${name}: building ${contender.label}`);
    const build = await contender.peer.ask('build', { ...files, dim, metric, k });
    tracks.push({ contender, build, firstSearch: 0, seconds: [], cpuSeconds: [], single: [] });
  }
  for (const track of tracks) track.firstSearch = (await track.contender.peer.ask('search', {})).seconds;
  const loadAverages: number[] = [];
  for (let round = 0; round < repeats; round++) {
    say(`${name}: round ${round + 1} of ${repeats}`);
    loadAverages.push(loadavg()[0]!);
    await takeTurns(tracks, round, options);
  }
  const answers = new Map<string, Answer>();
  const memory = new Map<string, Result['memory']>();
  for (const { contender } of tracks) {
    answers.set(contender.id, await answerOf(contender, folder));
    memory.set(contender.id, await contender.peer.ask('memory', {}));
  }
  const one = answers.get(contenders[0]?.id ?? '');
  const root = (distance: number) => Math.sqrt(metric === 'cosine' ? 2 * distance : distance);
  return {
    ...factsOf(set),
    intrinsicDimension: one ? intrinsicDimension(Float64Array.from(one.distances, root), k) : Number.NaN,
    loadAverages,
    results: tracks.map((track) => resultOf(track, tracks, set, answers, memory.get(track.contender.id)!, k)),
  };
}

/** Each contender once, in the same order: the batch, then some single queries. */
async function takeTurns(tracks: readonly Track[], round: number, { repeats, singles }: FlatOptions): Promise<void> {
  const [from, to] = [shareBefore(round, singles, repeats), shareBefore(round + 1, singles, repeats)];
  for (const { contender, seconds, cpuSeconds } of tracks) {
    await pause();
    const sample = await contender.peer.ask('search', {});
    seconds.push(sample.seconds);
    cpuSeconds.push(sample.cpuSeconds);
  }
  for (const { contender, single } of tracks) {
    await pause();
    single.push(...(await contender.peer.ask('single', { first: from, count: to - from })).seconds);
  }
}

function resultOf(
  track: Track,
  tracks: readonly Track[],
  set: DataSet,
  answers: ReadonlyMap<string, Answer>,
  memory: Result['memory'],
  k: number,
): Result {
  const { contender, build, firstSearch, seconds, cpuSeconds, single } = track;
  const { id, label, family } = contender;
  const yardstick = tracks.find((other) => other.contender.id === YARDSTICK);
  const oneThread = tracks.find((other) => other.contender.id === 'isodex-cpu-1');
  const firstIsodex = tracks.find((other) => other.contender.family === 'isodex')?.contender.id;
  const mine = answers.get(id)!;
  const batch = summarise(seconds);
  return {
    id,
    label,
    family,
    build,
    memory,
    firstSearch,
    seconds,
    cpuSeconds,
    single,
    batch,
    queriesPerSecond: set.queries.length / set.dim / batch.median,
    singleP50: quantile(single, 0.5),
    singleP99: quantile(single, 0.99),
    ratio: yardstick && summarise(ratios(yardstick.seconds, seconds)),
    cpuRatio: yardstick && summarise(ratios(yardstick.cpuSeconds, cpuSeconds)),
    bestRatio: yardstick && Math.min(...yardstick.seconds) / batch.min,
    againstOneThread: family === 'isodex' && oneThread ? summarise(ratios(oneThread.seconds, seconds)) : undefined,
    agreement: yardstick && agreement(set, mine.labels, answers.get(YARDSTICK)!.labels, k),
    differing: family === 'isodex' ? differing(mine, answers.get(firstIsodex!)!, k) : undefined,
  };
}

async function answerOf({ peer }: Contender, folder: string): Promise<Answer> {
  const files = { labels: join(folder, 'labels.i32'), distances: join(folder, 'distances.f32') };
  await peer.ask('answers', files);
  return { labels: readInts(files.labels), distances: readFloats(files.distances) };
}
