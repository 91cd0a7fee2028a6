/** A report of the suite as a run might write it, made up from a seed: six contenders, five kinds, two numbers of threads. */
import { quantile, summarise } from '../../bench/statistics.ts';
import type { Kind, LaneReport, LatencyReport, PointReport, SetReport, SuiteReport } from '../../bench/suite/report.ts';
import { randomUniforms } from '../../src/util/random.ts';

interface Maker {
  readonly contender: string;
  readonly kind: Kind;
  readonly index: string;
  /** The parameter that is turned, and its values. */
  readonly turns: readonly [name: string, values: readonly number[]] | null;
  /** Queries a second on one thread where least is looked at; how much is missed there. */
  readonly speed: number;
  readonly missed: number;
  readonly build: number;
  readonly bytes: number;
}

const EFS = ['efSearch', [16, 24, 32, 48, 64, 96, 128, 192, 256]] as const;
const PROBES = ['nprobe', [4, 8, 16, 32, 64]] as const;

function makers(sixth: string): Maker[] {
  const one = (contender: string, kind: Kind, index: string, turns: Maker['turns'], numbers: readonly number[]): Maker => {
    const [speed, missed, build, bytes] = numbers as [number, number, number, number];
    return { contender, kind, index, turns, speed, missed, build, bytes };
  };
  return [
    one('Isodex', 'Flat', 'Flat', null, [2215, 0, 1.2, 2100]),
    one('Isodex', 'IVF', 'IVF1024,Flat', PROBES, [9800, 0.2, 4.1, 2160]),
    one('Isodex', 'HNSW', 'HNSW32', EFS, [21000, 0.08, 29, 2320]),
    one('Isodex', 'OPQ+HNSW', 'OPQ32,HNSW16,PQ32,RFlat', EFS, [15000, 0.16, 38, 210]),
    one('Isodex', 'codes', 'OPQ32,PQ32', null, [4344, 0.31, 9.5, 46]),
    one('FAISS', 'Flat', 'Flat', null, [1900, 0, 0.05, 1560]),
    one('FAISS', 'IVF', 'IVF1024,Flat', PROBES, [6900, 0.21, 2.9, 1600]),
    one('FAISS', 'HNSW', 'HNSW32,Flat', EFS, [14000, 0.085, 41, 1830]),
    one('FAISS', 'codes', 'OPQ32,PQ32', null, [3100, 0.32, 31, 44]),
    one('hnswlib-node', 'HNSW', 'HNSW32', EFS, [11200, 0.08, 55, 1850]),
    one('USearch', 'HNSW', 'HNSW32, f32', EFS, [12500, 0.095, 61, 1910]),
    one('zvec', 'HNSW', 'HNSW32', EFS, [10100, 0.09, 70, 2400]),
    one(sixth, 'HNSW', 'HNSW16', EFS, [5200, 0.12, 84, 3100]),
  ];
}

/** `sixth`: how the last contender is called. */
export function suiteFixture(sixth = 'Annoy'): SuiteReport {
  const random = randomUniforms(7);
  const set = (name: string, rows: number, dim: number, metric: string): SetReport => {
    const lanes = [1, 8].flatMap((threads) => makers(sixth).map((maker) => laneOf(maker, threads, rows, random)));
    return {
      ...{ name, metric, rows, dim, queries: 1000, lanes },
      loadAverages: [0.8, 0.91, 1.02, 0.97, 1.1],
      reductions: reductionsOf(lanes),
      memoryShare: { share: 0.091, recall: 0.957 },
    };
  };
  return {
    bench: 'suite',
    version: '0.1.0',
    date: '2026-11-25T20:00:00.000Z',
    machine: {
      ...{
        cpu: 'AMD EPYC',
        cores: 8,
        memoryBytes: 25276502016,
        system: 'linux 6.18 x64',
        node: '24.21.0',
        v8: '13.6.233',
        loadAverage: 0.72,
      },
    },
    contenders: [
      { id: 'isodex', label: 'Isodex', info: { version: '0.1.0', description: 'WebAssembly SIMD (relaxed)', features: ['simd128'] } },
      { id: 'faiss', label: 'FAISS', info: { version: '1.15.1', compiled: 'OPTIMIZE DD AVX2 AVX512' } },
      { id: 'sixth', label: sixth, info: { version: '1.0.0' } },
    ],
    skipped: [{ what: 'data set sift', reason: 'needs sift-deb-250k-128/ in the folder of --data or ISODEX_DATA' }],
    settings: { k: 10, repeats: 5, singles: 500, quick: false, enough: 0.95 },
    sets: [set('minilm', 67_202, 384, 'cosine'), set('fashion-mnist', 60_000, 784, 'l2')],
  };
}

function laneOf(maker: Maker, threads: number, rows: number, random: () => number): LaneReport {
  const { contender, kind, index, bytes } = maker;
  const points = pointsOf(maker, threads, random);
  const enough = points.findIndex(({ recall }) => recall[10]! >= 0.95);
  return {
    ...{ id: `${contender}-${index}-${threads}`, contender, kind, index, threads, points },
    build: {
      seconds: maker.build,
      cpuSeconds: maker.build * 7,
      threads: 8,
      date: '2026-11-25T19:00:00.000Z',
      loadAverage: 1,
      fileBytes: bytes * rows,
    },
    memory: { residentBytes: bytes * rows, bytesPerVector: bytes, parts: null },
    latency: threads === 1 ? latencyOf(points, enough < 0 ? points.length - 1 : enough, random) : null,
  };
}

function pointsOf({ turns, speed, missed }: Maker, threads: number, random: () => number): PointReport[] {
  const values = turns?.[1] ?? [1];
  return values.map((value) => {
    const effort = value / values[0]!;
    const recall = (share: number) => Math.round((1 - (missed * share) / effort ** 1.35) * 10000) / 10000;
    const seconds = Array.from({ length: 5 }, () => (1000 / speed) * effort ** 0.8 * (0.97 + 0.1 * random()) * threads ** -0.85);
    return {
      search: turns ? { [turns[0]]: value } : {},
      recall: { 1: recall(0.6), 10: recall(1), 100: turns && value < 100 ? null : recall(1.4) },
      seconds,
      cpuSeconds: seconds.map((wall) => wall * threads),
      queriesPerSecond: summarise(seconds.map((wall) => 1000 / wall)),
    };
  });
}

/** Many near the median, a few much later. */
function latencyOf(points: readonly PointReport[], point: number, random: () => number): LatencyReport {
  const usual = 1.3 / points[point]!.queriesPerSecond.median;
  const seconds = Array.from({ length: 500 }, () => usual * (0.75 + 0.5 * random() + 0.15 / (0.04 + random())));
  return { point, seconds, p50: quantile(seconds, 0.5), p95: quantile(seconds, 0.95), p99: quantile(seconds, 0.99) };
}

function reductionsOf(lanes: readonly LaneReport[]): SetReport['reductions'] {
  const timed = lanes.filter(({ latency }) => latency);
  const graph = timed.find(({ contender, kind }) => contender === 'Isodex' && kind === 'HNSW')!;
  const { p99, point } = graph.latency!;
  return timed
    .filter(({ kind }) => kind === 'Flat')
    .map(({ contender, latency }) => ({
      ...{ against: `${contender} Flat`, flatP99: latency!.p99, p99 },
      ...{ recall: graph.points[point]!.recall[10]!, reduction: 1 - p99 / latency!.p99 },
    }));
}
