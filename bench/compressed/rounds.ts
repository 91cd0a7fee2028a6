/** Recall and speed of the lanes of one case: first what each finds, then rounds in which all take turns. */
import { loadavg } from 'node:os';
import { answersOf } from '../answers.ts';
import type { Truth } from '../hnsw/truth.ts';
import type { Setting } from '../index-protocol.ts';
import { pause, type Session, shareBefore } from '../session.ts';
import type { Lane } from './lanes.ts';

export interface RoundOptions {
  readonly repeats: number;
  /** Queries one by one, in all rounds together. */
  readonly singles: number;
}

/** Raw samples of one setting, by round. */
export interface PointTrack {
  readonly setting: Setting;
  /** The share of the exact neighbours' labels that were found. */
  readonly recall: number;
  /** The same, where rows as near as the farthest of those count too. */
  readonly recallWithTies: number;
  readonly seconds: number[];
  readonly cpuSeconds: number[];
}

export interface LaneTrack {
  readonly lane: Lane;
  readonly points: readonly PointTrack[];
  /** Seconds of single queries at `usualPoint`. */
  readonly single: number[];
}

/** More recall than this is not paid for. */
const ENOUGH = 0.95;
/** Nor are the last steps towards what codes can find at all. */
const NEARLY = 0.01;

/** What one lane finds with each setting; this warms it up too. */
export async function survey(lane: Lane, settings: readonly Setting[], session: Session, truth: Truth): Promise<LaneTrack> {
  const points: PointTrack[] = [];
  for (const setting of settings) {
    await lane.peer.ask('search', { setting });
    const found = await answersOf(lane.peer, session);
    points.push({ setting, recall: truth.labelRecall(found), recallWithTies: truth.recall(found), seconds: [], cpuSeconds: [] });
  }
  return { lane, points, single: [] };
}

/** All rounds; who begins rotates. Returns the load averages at their starts. */
export async function takeRounds(tracks: readonly LaneTrack[], { repeats, singles }: RoundOptions): Promise<number[]> {
  const loadAverages: number[] = [];
  for (let round = 0; round < repeats; round++) {
    loadAverages.push(loadavg()[0]!);
    for (const [turn] of tracks[0]!.points.entries()) {
      for (const { lane, points } of rotated(tracks, round + turn)) await sampleInto(points[turn]!, lane);
    }
    const first = shareBefore(round, singles, repeats);
    const count = shareBefore(round + 1, singles, repeats) - first;
    for (const { lane, points, single } of rotated(tracks, round)) {
      await pause();
      single.push(...(await lane.peer.ask('single', { setting: usualPoint(points).setting, first, count })).seconds);
    }
  }
  return loadAverages;
}

async function sampleInto(point: PointTrack, { peer }: Lane): Promise<void> {
  await pause();
  const { seconds, cpuSeconds } = await peer.ask('search', { setting: point.setting });
  point.seconds.push(seconds);
  point.cpuSeconds.push(cpuSeconds);
}

/** The first point that finds enough, or nearly all that any of them finds: what a user would choose. */
export function usualPoint<P extends { readonly recall: number }>(points: readonly P[]): P {
  const most = Math.max(...points.map(({ recall }) => recall));
  return points.find(({ recall }) => recall >= Math.min(ENOUGH, most - NEARLY))!;
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}
