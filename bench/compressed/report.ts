/** What the compressed bench writes: raw samples first, then what they say. */
import { type Speed, speedAt } from '../hnsw/curve.ts';
import type { Setting } from '../index-protocol.ts';
import type { Built } from '../index-store.ts';
import type { ComparisonReport, SetFacts } from '../report.ts';
import { quantile, ratios, type Summary, summarise } from '../statistics.ts';
import type { CodedBuildReply, CodedLoadReply, Originals } from './protocol.ts';
import { type LaneTrack, type PointTrack, usualPoint } from './rounds.ts';

/** Indexes are compared at this recall where both reach it. */
const TARGET = 0.95;

interface PointReport extends PointTrack {
  readonly batch: Summary;
  readonly queriesPerSecond: number;
}

export interface LaneReport {
  /** Of the library. */
  readonly id: string;
  readonly description: string;
  readonly originals: Originals;
  readonly build: Built<CodedBuildReply>;
  readonly load: CodedLoadReply;
  /** In memory and in the file, all parts together, by row. */
  readonly bytesPerRow: number;
  readonly fileBytesPerRow: number;
  readonly points: readonly PointReport[];
  /** Single queries with the setting that a user would choose. */
  readonly latency: { readonly setting: Setting; readonly p50: number; readonly p99: number };
  readonly single: readonly number[];
}

/** Isodex beside one index of FAISS: times as fast, by round. */
export interface RivalReport {
  readonly description: string;
  /** Isodex's recall less FAISS's at equal settings, where it is least. */
  readonly difference: { readonly setting: Setting; readonly recall: number };
  readonly atSetting: readonly { readonly setting: Setting; readonly ratio: Summary; readonly cpuRatio: Summary }[];
  /** At the recall that both reach; null where there is nothing to choose. */
  readonly atRecall: { readonly recall: number; readonly ratio: Summary } | null;
}

export interface CaseReport {
  readonly description: string;
  /** One-minute load average at each round's start. */
  readonly loadAverages: readonly number[];
  /** Isodex's first. */
  readonly lanes: readonly LaneReport[];
  readonly rivals: readonly RivalReport[];
}

export interface SetReport extends SetFacts {
  readonly cases: readonly CaseReport[];
}

export interface CompressedReport extends ComparisonReport {
  readonly bench: 'compressed';
  readonly settings: { readonly k: number; readonly repeats: number; readonly efConstruction: number; readonly nlist: number };
  readonly sets: readonly SetReport[];
}

export function caseReport(
  description: string,
  tracks: readonly LaneTrack[],
  loadAverages: readonly number[],
  { rows, queries }: SetFacts,
): CaseReport {
  const ours = tracks[0]!;
  const theirs = tracks.filter(({ lane }) => lane.contender.id !== 'isodex');
  return {
    description,
    loadAverages,
    lanes: tracks.map((track) => laneReport(track, rows, queries)),
    rivals: theirs.map((track) => rivalReport(ours, track, queries)),
  };
}

function laneReport({ lane, points, single }: LaneTrack, rows: number, nq: number): LaneReport {
  const { contender, description, originals, stored, load } = lane;
  const held = Object.values(load.memory ?? {}).reduce((sum, bytes) => sum + bytes, 0);
  return {
    id: contender.id,
    description,
    originals,
    build: stored.record,
    load,
    bytesPerRow: held / rows,
    fileBytesPerRow: stored.record.bytes / rows,
    points: points.map((point) => {
      const batch = summarise(point.seconds);
      return { ...point, batch, queriesPerSecond: nq / batch.median };
    }),
    latency: { setting: usualPoint(points).setting, p50: quantile(single, 0.5), p99: quantile(single, 0.99) },
    single,
  };
}

function rivalReport(ours: LaneTrack, theirs: LaneTrack, nq: number): RivalReport {
  const pairs = ours.points.map((mine, i) => ({ mine, other: theirs.points[i]! }));
  const differences = pairs.map(({ mine, other }) => ({ setting: mine.setting, recall: mine.recall - other.recall }));
  return {
    description: theirs.lane.description,
    difference: differences.sort((a, b) => a.recall - b.recall)[0]!,
    atSetting: pairs.map(({ mine, other }) => ({
      setting: mine.setting,
      ratio: summarise(ratios(other.seconds, mine.seconds)),
      cpuRatio: summarise(ratios(other.cpuSeconds, mine.cpuSeconds)),
    })),
    atRecall: pairs.length > 1 ? ratioAtRecall(ours.points, theirs.points, nq) : null,
  };
}

function ratioAtRecall(ours: readonly PointTrack[], theirs: readonly PointTrack[], nq: number): RivalReport['atRecall'] {
  const most = (points: readonly PointTrack[]) => Math.max(...points.map(({ recall }) => recall));
  const reached = Math.min(most(ours), most(theirs));
  const recall = Math.min(TARGET, Math.floor(reached * 100) / 100);
  const rounds = [...ours[0]!.seconds.keys()];
  const values = rounds.map((round) => {
    const [mine, other] = [ours, theirs].map((points) => speedIn(points, round, recall, nq)!.queriesPerSecond) as [number, number];
    return mine / other;
  });
  return { recall, ratio: summarise(values) };
}

/** On the curve that one round drew. */
function speedIn(points: readonly PointTrack[], round: number, recall: number, nq: number): Speed | undefined {
  return speedAt(
    points.map((point) => ({ recall: point.recall, queriesPerSecond: nq / point.seconds[round]! })),
    recall,
  );
}
