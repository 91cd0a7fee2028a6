/**
 * The tuner beside a full grid: how long each takes, and which of the two indexes that they choose is faster at equal recall, both
 * built anew and asked for queries that neither has seen, taking turns.
 */
import { loadavg } from 'node:os';
import { pathToFileURL } from 'node:url';
import type * as Isodex from '../../src/node.ts';
import { type DataSet, loadSet, type Metric } from '../data-sets.ts';
import { type Machine, thisMachine } from '../machine.ts';
import { factsOf, type SetFacts } from '../report.ts';
import { pause } from '../session.ts';
import { quantile, type Summary, summarise } from '../statistics.ts';
import { type GridPoint, measureGrid, timed } from './grid.ts';

export interface TuningOptions {
  readonly sets: readonly string[];
  readonly folders: readonly string[];
  readonly library: string;
  readonly limit: number | undefined;
  /** Of which one half is tuned with, and the other asked in the end. */
  readonly queries: number;
  readonly k: number;
  readonly repeats: number;
  /** Queries one by one in each round of the comparison. */
  readonly singles: number;
  readonly minRecall: number;
  readonly threads: number;
  readonly say: (line: string) => void;
}

/** A data set as grid and tuner see it. */
export interface Rows {
  readonly dim: number;
  readonly metric: Metric;
  readonly base: Float32Array;
  readonly queries: Float32Array;
  readonly nq: number;
  readonly k: number;
  recallOf(index: Isodex.VectorIndex, search: Isodex.SearchOptions): Promise<{ recall: number }>;
}

/** What was chosen, and what it does with queries that were not tuned with. Milliseconds, by round. */
export interface Chosen {
  readonly by: 'tuner' | 'grid';
  readonly index: string;
  readonly search: Isodex.SearchOptions;
  readonly promised: { readonly recall: number; readonly p99: number };
  /** Of choosing. */
  readonly seconds: number;
  readonly recall: number;
  readonly p50: readonly number[];
  readonly p99: readonly number[];
  readonly batch: readonly number[];
}

export interface TuningSetReport extends SetFacts {
  readonly loadAverages: readonly number[];
  readonly tuner: Chosen;
  readonly grid: Chosen;
  readonly gridPoints: readonly GridPoint[];
  /** The tuner's time over the grid's. */
  readonly timeShare: number;
  /** How many times as fast the tuner's choice is, by round. */
  readonly ratios: { readonly p50: Summary; readonly p99: Summary; readonly batch: Summary };
}

export interface TuningReport {
  readonly bench: 'tuning';
  readonly date: string;
  readonly machine: Machine;
  readonly settings: { readonly k: number; readonly repeats: number; readonly minRecall: number; readonly threads: number };
  readonly skipped: readonly { readonly what: string; readonly reason: string }[];
  readonly sets: readonly TuningSetReport[];
}

export async function benchTuning(options: TuningOptions): Promise<TuningReport> {
  const { k, repeats, minRecall, threads } = options;
  const library: typeof Isodex = await import(pathToFileURL(options.library).href);
  const skipped: { what: string; reason: string }[] = [];
  const sets: TuningSetReport[] = [];
  for (const name of options.sets) {
    const set = await loadSet(name, options);
    if ('missing' in set) skipped.push({ what: `data set ${name}`, reason: set.missing });
    else sets.push(await benchSet(library, set, options));
  }
  const settings = { k, repeats, minRecall, threads };
  return { bench: 'tuning', date: new Date().toISOString(), machine: thisMachine(), settings, skipped, sets };
}

async function benchSet(library: typeof Isodex, set: DataSet, options: TuningOptions): Promise<TuningSetReport> {
  const { k, minRecall, say, threads } = options;
  using engine = await library.openEngine({ prefer: 'cpu', threads });
  const half = Math.floor(set.queries.length / set.dim / 2) * set.dim;
  const known = await rowsOf(library, engine, set, set.queries.subarray(0, half), k);
  const fresh = await rowsOf(library, engine, set, set.queries.subarray(half, 2 * half), k);
  say(`${set.name}: tuning`);
  const tuned = await timedWork(() =>
    library.tune(set.base, { dim: set.dim, metric: set.metric, engine, queries: known.queries, k, minRecall, indexes: ['HNSW'] }),
  );
  const grid = await timedWork(() => measureGrid(library, engine, known, (line) => say(`${set.name}: ${line}`)));
  const fromTuner = tuned.result.best;
  const fromGrid = grid.result.filter(({ recall }) => recall >= minRecall).sort((a, b) => a.p99 - b.p99)[0];
  if (!fromTuner || !fromGrid) throw new Error(`${set.name}: nothing has recall ${minRecall}; give a lower --min-recall`);
  const lanes = [
    {
      by: 'tuner' as const,
      ...{ seconds: tuned.seconds, description: fromTuner.build.description, config: fromTuner.build.config, search: fromTuner.search },
      promised: { recall: fromTuner.recall, p99: fromTuner.latency.p99 },
    },
    {
      by: 'grid' as const,
      ...{ seconds: grid.seconds, description: fromGrid.description, config: { efConstruction: fromGrid.efConstruction } },
      search: { efSearch: fromGrid.efSearch },
      promised: { recall: fromGrid.recall, p99: fromGrid.p99 },
    },
  ];
  say(`${set.name}: both choices beside each other`);
  const { chosen, loadAverages } = await takeTurns(library, engine, fresh, lanes, options);
  const [tuner, other] = [chosen[0]!, chosen[1]!];
  const ratio = (of: 'p50' | 'p99' | 'batch') => summarise(tuner[of].map((ms, round) => other[of][round]! / ms));
  const ratios = { p50: ratio('p50'), p99: ratio('p99'), batch: ratio('batch') };
  return {
    ...{ ...factsOf(set), loadAverages, tuner, grid: other, gridPoints: grid.result },
    ...{ timeShare: tuned.seconds / grid.seconds, ratios },
  };
}

/** How both choose: what is built, and how it is searched. */
interface Lane extends Pick<Chosen, 'by' | 'seconds' | 'promised' | 'search'> {
  readonly description: string;
  readonly config: { readonly efConstruction?: number | undefined };
}

async function takeTurns(
  library: typeof Isodex,
  engine: Isodex.Engine,
  rows: Rows,
  lanes: readonly Lane[],
  { repeats, singles: count }: Pick<TuningOptions, 'repeats' | 'singles'>,
): Promise<{ chosen: Chosen[]; loadAverages: number[] }> {
  const { dim, metric } = rows;
  const indexes: Isodex.VectorIndex[] = [];
  const tracks: { recall: number; p50: number[]; p99: number[]; batch: number[] }[] = [];
  for (const { description, config, search } of lanes) {
    const index = await library.createIndex(description, { ...config, dim, metric, engine });
    await index.add(rows.base);
    indexes.push(index);
    tracks.push({ ...(await rows.recallOf(index, search)), p50: [], p99: [], batch: [] });
  }
  const loadAverages: number[] = [];
  for (let round = 0; round < repeats; round++) {
    loadAverages.push(loadavg()[0]!);
    for (let turn = 0; turn < lanes.length; turn++) {
      const at = (round + turn) % lanes.length;
      await pause();
      const { singles, batches } = await timed(indexes[at]!, rows, lanes[at]!.search, count, 1);
      tracks[at]!.p50.push(quantile(singles, 0.5));
      tracks[at]!.p99.push(quantile(singles, 0.99));
      tracks[at]!.batch.push(batches[0]!);
    }
  }
  for (const index of indexes) index.close();
  const chosen = lanes.map(({ by, seconds, promised, search, description, config }, i) => {
    const index = [description, ...Object.entries(config).map(([name, value]) => `${name} ${value}`)].join(', ');
    return { by, index, search, promised, seconds, ...tracks[i]! };
  });
  return { chosen, loadAverages };
}

/** The set with some queries, and the truth for them from Flat; what is as near as the k-th is a hit. */
async function rowsOf(
  library: typeof Isodex,
  engine: Isodex.Engine,
  { dim, metric, base }: DataSet,
  queries: Float32Array,
  k: number,
): Promise<Rows> {
  const nq = queries.length / dim;
  using flat = await library.createIndex('Flat', { dim, metric, engine });
  await flat.add(base);
  const { distances } = await flat.search(queries, { k });
  const recallOf = async (index: Isodex.VectorIndex, search: Isodex.SearchOptions) => {
    const found = await index.search(queries, { ...search, k });
    const hits = found.distances.reduce((sum, distance, i) => sum + Number(distance <= distances[Math.floor(i / k) * k + k - 1]!), 0);
    return { recall: hits / (nq * k) };
  };
  return { dim, metric, base, queries, nq, k, recallOf };
}

async function timedWork<T>(work: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  const started = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - started) / 1000 };
}
