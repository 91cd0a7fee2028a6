/** Recall and speed of every lane over the range of ef: first what each finds, then rounds in which all take turns. */

import { answersOf } from '../answers.ts';
import type { IndexRequests } from '../index-protocol.ts';
import type { Peer } from '../peer.ts';
import { pause, type Session, shareBefore } from '../session.ts';
import type { Lane } from './lanes.ts';
import type { Truth } from './truth.ts';

export interface SweepOptions {
  readonly efs: readonly number[];
  readonly repeats: number;
  /** Queries one by one, in all rounds together. */
  readonly singles: number;
  readonly say: (line: string) => void;
}

/** Raw samples of one ef, by round. */
export interface PointTrack {
  readonly ef: number;
  readonly recall: number;
  readonly seconds: number[];
  readonly cpuSeconds: number[];
}

export interface LaneTrack {
  readonly lane: Lane;
  readonly points: readonly PointTrack[];
  /** Seconds of single queries at `latencyPoint`. */
  readonly single: number[];
}

/** Beyond this recall nobody is compared, so larger ef would only take time … */
const ENOUGH = 0.997;
/** … but the efs up to here are searched by all, so that recall at equal ef can be compared. */
const LEAST_EF = 64;

/** Latency is measured where the recall is at least this. */
export const LATENCY_RECALL = 0.95;

/** What one contender finds at each ef; this warms it up too. `truth` is that of its filter, if it has one. */
export async function survey(
  peer: Peer<IndexRequests>,
  efs: readonly number[],
  session: Session,
  truth: Truth,
  among?: Int32Array,
): Promise<PointTrack[]> {
  const points: PointTrack[] = [];
  for (const ef of efs) {
    await peer.ask('search', { setting: { efSearch: ef } });
    const recall = truth.recall(await answersOf(peer, session), among);
    points.push({ ef, recall, seconds: [], cpuSeconds: [] });
    if (recall >= ENOUGH && ef >= LEAST_EF) break;
  }
  return points;
}

/** One search, its times added to the point's. */
export async function sampleInto(point: PointTrack, peer: Peer<IndexRequests>): Promise<void> {
  await pause();
  const { seconds, cpuSeconds } = await peer.ask('search', { setting: { efSearch: point.ef } });
  point.seconds.push(seconds);
  point.cpuSeconds.push(cpuSeconds);
}

/** Every lane once at every ef of its own; who begins rotates. Then some single queries. */
export async function takeTurns(tracks: readonly LaneTrack[], round: number, { efs, repeats, singles }: SweepOptions): Promise<void> {
  for (const [turn, ef] of efs.entries()) {
    for (const { lane, points } of rotated(tracks, round + turn)) {
      const point = points.find((one) => one.ef === ef);
      if (point) await sampleInto(point, lane.peer);
    }
  }
  const first = shareBefore(round, singles, repeats);
  const count = shareBefore(round + 1, singles, repeats) - first;
  for (const { lane, points, single } of rotated(tracks, round)) {
    const point = latencyPoint(points);
    if (!point) continue;
    await pause();
    single.push(...(await lane.peer.ask('single', { setting: { efSearch: point.ef }, first, count })).seconds);
  }
}

/** The smallest ef that finds enough for latencies to be compared. */
export function latencyPoint(points: readonly PointTrack[]): PointTrack | undefined {
  return points.find(({ recall }) => recall >= LATENCY_RECALL);
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}
