/** What the hnsw bench writes: raw samples first, then what they say. */
import type { LoadReply } from '../index-protocol.ts';
import type { ComparisonReport, SetFacts } from '../report.ts';
import { quantile, type Summary, summarise } from '../statistics.ts';
import { ISODEX } from './candidates.ts';
import { type Speed, speedAt } from './curve.ts';
import type { BuildRecord } from './indexes.ts';
import type { IsodexReport } from './isodex-parts.ts';
import { type LaneTrack, latencyPoint, type PointTrack } from './sweep.ts';

/** Recalls at which everyone is compared. */
export const TARGETS = [0.9, 0.95, 0.99] as const;

interface PointReport extends PointTrack {
  readonly queriesPerSecond: number;
}

export interface TargetReport {
  readonly recall: number;
  /** Of the median round; null where the recall is never reached. */
  readonly queriesPerSecond: number | null;
  readonly atLeast: boolean;
}

export interface LaneReport {
  readonly id: string;
  readonly label: string;
  readonly family: string;
  readonly m: number;
  readonly build: BuildRecord;
  readonly load: LoadReply;
  readonly points: readonly PointReport[];
  readonly targets: readonly TargetReport[];
  /** Single queries at the smallest ef that finds enough; null where none does. */
  readonly latency: { readonly ef: number; readonly recall: number; readonly p50: number; readonly p99: number } | null;
  readonly single: readonly number[];
}

/** Isodex against the best of one family: times as fast at each target, by round; null where one of them never gets there. */
export interface RivalReport {
  readonly family: string;
  readonly ratios: readonly { readonly recall: number; readonly ratio: Summary | null; readonly cpuRatio: Summary | null }[];
}

/** Isodex's recall less a peer's at equal M, efConstruction and ef: the worst over ef. */
export interface RecallDifference {
  readonly against: string;
  readonly m: number;
  readonly ef: number;
  readonly difference: number;
}

export interface SetReport extends SetFacts {
  /** One-minute load average at each round's start. */
  readonly loadAverages: readonly number[];
  readonly lanes: readonly LaneReport[];
  readonly rivals: readonly RivalReport[];
  readonly recallDifferences: readonly RecallDifference[];
  readonly isodex: IsodexReport | null;
}

export interface HnswReport extends ComparisonReport {
  readonly bench: 'hnsw';
  readonly settings: { readonly k: number; readonly repeats: number; readonly efConstruction: number; readonly m: readonly number[] };
  readonly sets: readonly SetReport[];
}

export function laneReport({ lane, points, single }: LaneTrack, nq: number): LaneReport {
  const { candidate, m, index, load } = lane;
  const at = latencyPoint(points);
  return {
    id: candidate.id,
    label: candidate.label,
    family: candidate.family,
    m,
    build: index.record,
    load,
    points: points.map((point) => ({ ...point, queriesPerSecond: nq / quantile(point.seconds, 0.5) })),
    targets: TARGETS.map((recall) => targetReport(points, recall, nq)),
    latency: at && single.length > 0 ? { ef: at.ef, recall: at.recall, p50: quantile(single, 0.5), p99: quantile(single, 0.99) } : null,
    single,
  };
}

type Clock = 'seconds' | 'cpuSeconds';

/** The curve that one round drew. */
function speedIn(points: readonly PointTrack[], round: number, recall: number, nq: number, clock: Clock): Speed | undefined {
  return speedAt(
    points.map((point) => ({ recall: point.recall, queriesPerSecond: nq / point[clock][round]! })),
    recall,
  );
}

function rounds(points: readonly PointTrack[]): number[] {
  return [...(points[0]?.seconds.keys() ?? [])];
}

function targetReport(points: readonly PointTrack[], recall: number, nq: number): TargetReport {
  const speeds = rounds(points).flatMap((round) => speedIn(points, round, recall, nq, 'seconds') ?? []);
  if (speeds.length === 0) return { recall, queriesPerSecond: null, atLeast: false };
  return {
    recall,
    queriesPerSecond: quantile(
      speeds.map(({ queriesPerSecond }) => queriesPerSecond),
      0.5,
    ),
    atLeast: speeds.some(({ atLeast }) => atLeast),
  };
}

/** Of several kinds and M of one family the fastest counts, round by round. */
export function rivalReports(tracks: readonly LaneTrack[], nq: number): RivalReport[] {
  const of = (family: string) => tracks.filter(({ lane }) => lane.candidate.family === family);
  const ours = of(ISODEX);
  const families = [...new Set(tracks.map(({ lane }) => lane.candidate.family))].filter((family) => family !== ISODEX);
  return families.map((family) => ({
    family,
    ratios: TARGETS.map((recall) => ({
      recall,
      ratio: ratioAt(ours, of(family), recall, nq, 'seconds'),
      cpuRatio: ratioAt(ours, of(family), recall, nq, 'cpuSeconds'),
    })),
  }));
}

function ratioAt(ours: readonly LaneTrack[], theirs: readonly LaneTrack[], recall: number, nq: number, clock: Clock): Summary | null {
  const fastest = (tracks: readonly LaneTrack[], round: number) => {
    const speeds = tracks.flatMap(({ points }) => speedIn(points, round, recall, nq, clock)?.queriesPerSecond ?? []);
    return quantile(speeds, 1); // NaN of none
  };
  const ratios = rounds(ours[0]?.points ?? []).map((round) => fastest(ours, round) / fastest(theirs, round));
  return ratios.length > 0 && ratios.every(Number.isFinite) ? summarise(ratios) : null;
}

export function recallDifferences(tracks: readonly LaneTrack[], against: string): RecallDifference[] {
  const byM = (family: string, m: number) => tracks.find(({ lane }) => lane.candidate.family === family && lane.m === m)?.points ?? [];
  return [...new Set(tracks.map(({ lane }) => lane.m))].flatMap((m) => {
    const theirs = new Map(byM(against, m).map(({ ef, recall }) => [ef, recall]));
    const differences = byM(ISODEX, m)
      .filter(({ ef }) => theirs.has(ef))
      .map(({ ef, recall }) => ({ against, m, ef, difference: recall - theirs.get(ef)! }));
    return differences.sort((a, b) => a.difference - b.difference).slice(0, 1);
  });
}
