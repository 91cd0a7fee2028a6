/** What the figures say, each beside what was hoped for. Whatever was not measured says so. */
import { three } from '../table.ts';
import { crossover, type Floor, flatFloor, walkFloor } from './floors.ts';
import type { BatchReport, BuildReport, Finding, GpuReport, SearchReport } from './report.ts';

const GOALS = { batch: 10_000, recall: 0.95, queriesPerSecond: 500_000, ofProduct: 0.5, ofThread: 20 } as const;
const NOT_MEASURED = 'not measured';

type Figures = Omit<GpuReport, 'findings'>;

export function findings(report: Figures): Finding[] {
  const searches = report.searches.map((search) => ({
    ...search,
    batches: search.batches.filter(({ answeredBy }) => answeredBy === 'gpu'),
  }));
  const byGpu = { ...report, searches: searches.filter(({ batches }) => batches.length > 0) };
  return [identity(report), ...flat(byGpu), ...walks(byGpu), ...builds(report), ...latencies(byGpu)];
}

function identity({ identity: suite, builds: built }: Figures): Finding {
  const same = suite.filter(({ sameFile, differing }) => sameFile && differing === 0).length;
  const files = new Map<string, Set<string>>();
  for (const { index, rows, sha256 } of built) {
    const key = `${index} ${rows}`;
    if (sha256) files.set(key, (files.get(key) ?? new Set()).add(sha256));
  }
  const different = [...files.values()].filter(({ size }) => size > 1).length;
  const value = suite.length === 0 ? NOT_MEASURED : `${same} of ${suite.length} indexes`;
  const reached = different > 0 ? false : suite.length === 0 ? undefined : same === suite.length;
  return { what: 'same bits on GPU and CPU', value: different > 0 ? `${value}; built graphs DIFFER` : value, goal: 'all', reached };
}

function flat(figures: Figures): Finding[] {
  const scans = figures.searches.filter(({ effort }) => !effort);
  if (scans.length === 0) return [{ what: 'Flat', value: NOT_MEASURED, goal: `≥ ${percent(GOALS.ofProduct)} of a plain product` }];
  return scans.flatMap((search) => scanned(search, figures));
}

function scanned(search: SearchReport, { rates, settings, torch }: Figures): Finding[] {
  const batch = batchFor(search);
  if (!batch) return [];
  const { index, unit = 'dot4Product' } = search;
  const floor = flatFloor(batch, settings, rates, unit);
  const registers = flatFloor(batch, settings, rates, unit === 'readMatrices' ? 'heldMatrices' : 'dot4Registers');
  const what = `${index}, batch ${told(batch.batch)}`;
  const ofProduct: Finding = {
    what: `${what}: full scan at the rate of a plain product (${unit}) over its time`,
    value: floor ? `${shares(floor)}${registers ? `; without memory ${shares(registers)}` : ''}` : NOT_MEASURED,
    goal: `≥ ${percent(GOALS.ofProduct)}`,
    reached: floor ? floor.ofWall >= GOALS.ofProduct : undefined,
  };
  return [ofProduct, besideTorch(what, batch, torch)];
}

function besideTorch(what: string, batch: BatchReport, torch: Figures['torch']): Finding {
  const beside = `${what}: times as fast as PyTorch float32 matmul + topk`;
  if (!torch || 'missing' in torch) return { what: beside, value: torch ? `${NOT_MEASURED}: ${torch.missing}` : NOT_MEASURED, goal: '> 1' };
  const times = (seconds: number) => ((seconds / torch.batch) * batch.batch) / (batch.gpu.p50Ms / 1000);
  const { f32, tf32 } = torch.seconds;
  return { what: beside, value: `${three(times(f32))}; TF32 ${three(times(tf32))}`, goal: '> 1', reached: times(f32) > 1 };
}

function walks({ searches, rates }: Figures): Finding[] {
  const goal = `≥ ${told(GOALS.queriesPerSecond)} queries/s`;
  const best = bestWalk(searches);
  if (!best) return [{ what: `HNSW, recall@10 ≥ ${GOALS.recall}, batch ≥ ${told(GOALS.batch)}`, value: NOT_MEASURED, goal }];
  const { search, batch } = best;
  const what = `${search.index}, efSearch ${search.search.efSearch}, recall ${search.recall.toFixed(3)}, batch ${told(batch.batch)}`;
  const { queriesPerSecond } = batch.gpu;
  const floor = walkFloor(batch, search, rates);
  const enough = search.recall >= GOALS.recall && batch.batch >= GOALS.batch;
  return [
    { what, value: `${told(queriesPerSecond)} queries/s`, goal, reached: enough && queriesPerSecond >= GOALS.queriesPerSecond },
    {
      what: `its reads (${told(search.effort!.bytes)} bytes a query) at the rate of random rows, over its time`,
      value: floor ? shares(floor) : NOT_MEASURED,
    },
    {
      what: 'distances that it computes again, having forgotten that it did',
      value: percent(search.effort!.rescored),
      goal: '≤ 10.0 %',
      reached: search.effort!.rescored <= 0.1,
    },
  ];
}

/** The fastest that finds enough, at a batch that is large enough; or what comes nearest to that. */
function bestWalk(searches: readonly SearchReport[]): { search: SearchReport; batch: BatchReport } | undefined {
  const all = searches.filter(({ effort }) => effort);
  const finding = all.filter(({ recall }) => recall >= GOALS.recall);
  const fitting = finding.length > 0 ? finding : all.slice(-1);
  const points = fitting.flatMap((search) => largeBatches(search).map((batch) => ({ search, batch })));
  return points.sort((a, b) => b.batch.gpu.queriesPerSecond - a.batch.gpu.queriesPerSecond)[0];
}

function largeBatches({ batches }: SearchReport): readonly BatchReport[] {
  const large = batches.filter(({ batch }) => batch >= GOALS.batch);
  return large.length > 0 ? large : batches.slice(-1);
}

/** The smallest that is large enough, or else the largest. */
function batchFor(search: SearchReport): BatchReport | undefined {
  return largeBatches(search)[0];
}

function builds({ builds: built }: Figures): Finding[] {
  const goal = `≥ ${GOALS.ofThread}`;
  const thread = built.find(({ by, threads }) => by === 'hnswlib' || (by === 'cpu' && threads === 1));
  const gpus = built.filter(({ by }) => by === 'gpu');
  if (!thread || gpus.length === 0) return [{ what: 'build: times as fast as one CPU thread', value: NOT_MEASURED, goal }];
  return gpus.map((gpu) => againstThread(gpu, thread, goal));
}

/** A thread's time for more rows is taken to grow as their number, which flatters it: walks grow longer too. */
function againstThread(gpu: BuildReport, thread: BuildReport, goal: string): Finding {
  const times = (thread.seconds * (gpu.rows / thread.rows)) / gpu.seconds;
  const scaled = gpu.rows === thread.rows ? '' : ` (its time of ${told(thread.rows)} rows, scaled)`;
  const what = `${gpu.index} of ${told(gpu.rows)} rows built: times as fast as ${thread.label}${scaled}`;
  // of our own thread that stands in for it nothing is said about the goal
  return { what, value: three(times), goal, reached: thread.by === 'hnswlib' ? times >= GOALS.ofThread : undefined };
}

function latencies({ searches }: Figures): Finding[] {
  return searches.flatMap(({ index, search, batches }) => {
    const { efSearch } = search;
    const name = efSearch === undefined ? index : `${index}, efSearch ${efSearch}`;
    const one = batches.find(({ batch }) => batch === 1);
    const single = one && {
      what: `${name}, one query: p50 on the GPU / by WASM`,
      value: `${three(one.gpu.p50Ms)} / ${three(one.cpu.p50Ms)} ms`,
    };
    return [
      ...(single ? [single] : []),
      { what: `${name}: GPU faster than WASM from a batch of`, value: crossoverText(crossover(batches)) },
    ];
  });
}

function crossoverText(from: ReturnType<typeof crossover>): string {
  if (typeof from === 'string') return from === 'never' ? 'none that was measured' : NOT_MEASURED;
  return from.measured === 'smallest' ? `${from.batch} or fewer` : told(from.batch);
}

function shares({ ofWall, ofDevice }: Floor): string {
  return `${percent(ofWall)} by the wall${ofDevice === null ? '' : `, ${percent(ofDevice)} of the device's time`}`;
}

function percent(share: number): string {
  return `${three(100 * share)} %`;
}

function told(n: number): string {
  return Math.round(n).toLocaleString('en');
}
