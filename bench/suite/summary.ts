/** What raw samples say. */
import { factsOf } from '../report.ts';
import { quantile, summarise } from '../statistics.ts';
import { buildTime, indexName, type Track } from './lanes.ts';
import type { LaneReport, LatencyReport, PointReport, Reduction, SetReport } from './report.ts';
import type { LaneTrack } from './rounds.ts';

/** recall@10 from which on a point is fit for latencies. */
export const FIT_RECALL = 0.95;

const ISODEX = 'Isodex';

/** The number of the cheapest point that finds enough; of all points the one that finds most where none does. */
export function latencyPoint(points: readonly Pick<PointReport, 'recall'>[]): number {
  const recalls = points.map(({ recall }) => recall[10] ?? 0);
  const enough = recalls.findIndex((recall) => recall >= FIT_RECALL);
  return enough >= 0 ? enough : recalls.indexOf(Math.max(...recalls));
}

export function laneReport({ lane, points, single, rss }: LaneTrack, { set }: Track): LaneReport {
  const { contender, case: wanted, threads, stored, load } = lane;
  const { rows, queries } = factsOf(set);
  const { seconds, cpuSeconds } = buildTime(stored.record);
  const { threads: builders, date, loadAverage, bytes } = stored.record;
  const index = indexName(wanted);
  return {
    id: `${contender.library.id} ${index} ${threads}`,
    contender: contender.library.label,
    kind: wanted.kind,
    index,
    threads,
    build: { seconds, cpuSeconds, threads: builders, date, loadAverage, fileBytes: bytes },
    memory: memoryOf(Math.max(0, rss - load.rssBefore), load.memory ?? null, rows),
    points: points.map((point) => ({ ...point, queriesPerSecond: speedOf(point.seconds, queries) })),
    latency: latencyReport(points, single),
  };
}

/** Bytes of a vector are those that the library tells; its process's where it tells none. */
export function memoryOf(residentBytes: number, parts: LaneReport['memory']['parts'], rows: number): LaneReport['memory'] {
  const told = Object.values(parts ?? {}).reduce((sum, bytes) => sum + bytes, 0);
  return { residentBytes, bytesPerVector: (parts ? told : residentBytes) / rows, parts };
}

/** Slowest round, least queries per second. */
function speedOf(seconds: readonly number[], queries: number) {
  return summarise(seconds.map((one) => queries / one));
}

function latencyReport(points: readonly Pick<PointReport, 'recall'>[], single: readonly number[]): LatencyReport | null {
  if (single.length === 0) return null;
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((q) => quantile(single, q)) as [number, number, number];
  return { point: latencyPoint(points), p50, p95, p99, seconds: single };
}

/** Isodex's HNSW beside every full scan on one thread. */
export function reductionsOf(lanes: readonly LaneReport[]): Reduction[] {
  const timed = lanes.filter(({ threads, latency }) => threads === 1 && latency);
  const ours = timed.find(({ contender, kind }) => contender === ISODEX && kind === 'HNSW');
  if (!ours) return [];
  const { p99, point } = ours.latency!;
  const recall = ours.points[point]!.recall[10] ?? 0;
  const flats = timed.filter(({ kind }) => kind === 'Flat');
  // FAISS's is what people know, so it comes first
  const order = [...flats.filter(({ contender }) => contender === 'FAISS'), ...flats.filter(({ contender }) => contender !== 'FAISS')];
  return order.map(({ contender, index, latency }) => {
    const flatP99 = latency!.p99;
    return { against: `${contender} ${index}`, flatP99, p99, recall, reduction: 1 - p99 / flatP99 };
  });
}

/** Of Isodex: bytes of a vector in the smallest OPQ+HNSW that finds enough, or else most, over those in HNSW. */
export function memoryShareOf(lanes: readonly LaneReport[]): SetReport['memoryShare'] {
  const ours = lanes.filter(({ contender, threads }) => contender === ISODEX && threads === lanes[0]!.threads);
  const graph = ours.find(({ kind }) => kind === 'HNSW');
  const small = ours.filter(({ kind }) => kind === 'OPQ+HNSW').sort((a, b) => a.memory.bytesPerVector - b.memory.bytesPerVector)[0];
  if (!graph || !small) return null;
  const { recall } = small.points[latencyPoint(small.points)]!;
  return { share: small.memory.bytesPerVector / graph.memory.bytesPerVector, recall: recall[10] ?? 0 };
}
