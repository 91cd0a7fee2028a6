/** What every lane finds, then rounds in which all lanes take turns. */
import { loadavg } from 'node:os';
import { answersOf } from '../answers.ts';
import type { Truth } from '../hnsw/truth.ts';
import type { SearchRequest, Setting } from '../index-protocol.ts';
import { pause, type Session, shareBefore } from '../session.ts';
import type { Lane } from './lanes.ts';
import { RECALLS, type RecallAt } from './report.ts';
import { latencyPoint } from './summary.ts';

export interface RoundOptions {
  readonly repeats: number;
  /** Queries one by one, in all rounds together; 0 where there are several threads. */
  readonly singles: number;
  /** Whether no further round is to begin. */
  readonly timeIsUp: () => boolean;
  readonly say: (line: string) => void;
}

/** Raw samples of one way to search, by round. */
interface PointTrack {
  readonly search: Setting;
  readonly recall: Readonly<Record<RecallAt, number | null>>;
  readonly seconds: number[];
  readonly cpuSeconds: number[];
}

export interface LaneTrack {
  readonly lane: Lane;
  readonly points: readonly PointTrack[];
  /** Seconds of single queries at `latencyPoint`. */
  readonly single: number[];
  /** Resident bytes when all ways to search have been tried. */
  readonly rss: number;
  /** One batch at every point, to foretell rounds. */
  readonly sweepSeconds: number;
}

/** Beyond this recall nobody is compared, so going on would only take time. */
const ENOUGH = 0.997;

/** Single queries that do not count. */
const WARMING = 50;

const MOST = Math.max(...RECALLS);

/** What a lane finds in each way, from the cheapest on until it is enough; this warms it up too. `truth` is of 100 neighbours. */
export async function survey(lane: Lane, k: number, session: Session, truth: Truth): Promise<LaneTrack> {
  const points: PointTrack[] = [];
  let sweepSeconds = 0;
  const ask = async (request: SearchRequest) => {
    const { seconds } = await lane.peer.ask('search', request);
    return { seconds, found: await answersOf(lane.peer, session) };
  };
  for (const setting of lane.case.settings) {
    const { found: many } = await ask({ setting, k: MOST });
    const { seconds, found } = await ask({ setting });
    sweepSeconds += seconds;
    const recall = recallsOf(found, k, many, truth);
    points.push({ search: setting, recall, seconds: [], cpuSeconds: [] });
    if (recall[10] >= ENOUGH) break;
  }
  const { rss } = await lane.peer.ask('resident', {});
  return { lane, points, single: [], rss, sweepSeconds };
}

function recallsOf(found: Int32Array, k: number, many: Int32Array, truth: Truth) {
  return { 1: truth.recallAt(1, found, k), 10: truth.recallAt(10, found, k), 100: truth.recallAt(MOST, many, MOST) };
}

/** Lanes in turns; one that fails is told of and left out from then on. */
class Field {
  private readonly failed: (lane: Lane, error: Error) => void;
  tracks: readonly LaneTrack[];

  constructor(tracks: readonly LaneTrack[], failed: (lane: Lane, error: Error) => void) {
    this.tracks = tracks;
    this.failed = failed;
  }

  /** Who begins rotates with `turn`. */
  async each(turn: number, work: (track: LaneTrack) => Promise<void>): Promise<void> {
    for (const track of rotated(this.tracks, turn)) {
      try {
        await work(track);
      } catch (error) {
        this.tracks = this.tracks.filter((one) => one !== track);
        this.failed(track.lane, error as Error);
      }
    }
  }
}

/** All rounds, after single queries to warm up. Returns the lanes that came through, and load averages at the rounds' starts. */
export async function takeRounds(
  all: readonly LaneTrack[],
  options: RoundOptions,
  failed: (lane: Lane, error: Error) => void,
): Promise<{ tracks: readonly LaneTrack[]; loadAverages: number[] }> {
  const { repeats, singles, timeIsUp, say } = options;
  const field = new Field(all, failed);
  const loadAverages: number[] = [];
  const warming = Math.min(singles, WARMING);
  if (warming > 0) await field.each(0, async (track) => void (await askSingly(track, 0, warming)));
  const begun = performance.now();
  for (let round = 0; round < repeats && field.tracks.length > 0; round++) {
    if (round > 0 && timeIsUp()) {
      say(`  time is up after ${round} of ${repeats} rounds`);
      break;
    }
    say(`  round ${round + 1} of ${repeats}, about ${secondsLeft(field.tracks, round, begun, options)} s left`);
    loadAverages.push(loadavg()[0]!);
    await takeTurns(field, round, options);
  }
  return { tracks: field.tracks, loadAverages };
}

/** Judged by the rounds so far; by the survey before there are any. */
function secondsLeft(tracks: readonly LaneTrack[], round: number, begun: number, { repeats }: RoundOptions): number {
  if (round > 0) return Math.ceil((((performance.now() - begun) / round) * (repeats - round)) / 1000);
  return Math.ceil(repeats * tracks.reduce((sum, { sweepSeconds }) => sum + sweepSeconds, 0));
}

async function takeTurns(field: Field, round: number, { repeats, singles }: RoundOptions): Promise<void> {
  const turns = Math.max(...field.tracks.map(({ points }) => points.length));
  for (let turn = 0; turn < turns; turn++) {
    await field.each(round + turn, async ({ points, lane }) => {
      const point = points[turn];
      if (point) await sampleInto(point, lane);
    });
  }
  const first = shareBefore(round, singles, repeats);
  const count = shareBefore(round + 1, singles, repeats) - first;
  if (count > 0) await field.each(round, async (track) => void track.single.push(...(await askSingly(track, first, count))));
}

async function sampleInto(point: PointTrack, { peer }: Lane): Promise<void> {
  await pause();
  const { seconds, cpuSeconds } = await peer.ask('search', { setting: point.search });
  point.seconds.push(seconds);
  point.cpuSeconds.push(cpuSeconds);
}

async function askSingly({ lane, points }: LaneTrack, first: number, count: number): Promise<number[]> {
  const setting = points[latencyPoint(points)]!.search;
  await pause();
  return (await lane.peer.ask('single', { setting, first, count })).seconds;
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}
