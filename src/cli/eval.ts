import { readLabels } from '../io/labels.ts';
import { type Engine, IsodexError, type Neighbors, openEngine, type VectorIndex } from '../node.ts';
import { distancesOfTruth, exhaustiveNeighbors } from '../tune/ground-truth.ts';
import { percentile, type Recall, recallOf, recallOfLabels } from '../tune/recall.ts';
import { type AnnReport, openAnnSet, writeAnnResults } from './ann-results.ts';
import { checkSameDim, graphOptions, openChosenEngine, openIndexOn, prepareIndex, type Queries, readQueries } from './inputs.ts';
import type { GraphArgs, SearchArgs } from './options.ts';
import type { Task } from './perform.ts';
import { Progress } from './progress.ts';
import { formatFacts, formatMean, formatRate, meanOf } from './table.ts';

interface EvalArgs extends SearchArgs {
  readonly truth: string;
  readonly json?: boolean;
  readonly annBenchmarks?: string;
  /** Milliseconds. */
  readonly buildTime?: number;
}

interface Search extends GraphArgs {
  readonly k: number;
}

/** The batch is searched this often, while it takes little time; the best counts. */
const MOST_BATCHES = 5;
const BATCHES_MS = 5000;
/** Single queries measured at most, and the time they may take. */
const MOST_SINGLES = 1000;
const SINGLES_MS = 10_000;
const WARM_UP = 10;

export async function evaluate(file: string, queriesPath: string, args: EvalArgs, task: Task): Promise<undefined> {
  const queries = await readQueries(queriesPath, args.limit, task);
  checkAnnArgs(args);
  const set = args.annBenchmarks === undefined ? undefined : await openAnnSet(queriesPath, args.k, args.limit, task);
  const truth = args.truth === 'compute' ? undefined : await readTruth(args, queries);
  using engine = await openChosenEngine(args, task);
  using index = await openIndexOn(file, engine, task);
  checkSameDim(queriesPath, queries, file, index);
  await prepareIndex(index, task);
  const search = { k: args.k, ...graphOptions(index, args) };
  const { found, seconds, batches } = await measureBatch(index, queries, search, task);
  // Their results tell the time of every query, however long that takes.
  const singles = await measureSingles(index, queries, search, task, set && Infinity);
  const given = truth && { ...truth, distances: await truthOfFile(index, queries, truth, args.k, engine, task) };
  const wanted = given ?? (await computedTruth(index, queries, args.k, task));
  // Codes measure other distances than the truth's: what they lose would not show in their own, and rounding would.
  const recall = found.distancesOf === 'codes' ? recallOfLabels(found, wanted) : recallOf(found, wanted.distances);
  const run = set && { set, file, index, queries, found, search, ...timesOf({ singles, seconds, batches, args }) };
  const ann = run && (await writeAnnResults(args.annBenchmarks!, run, task));
  print({ file, queries, args, index, found, seconds, batches, singles, recall, ann });
  return undefined;
}

function checkAnnArgs({ annBenchmarks, buildTime, engine, threads }: EvalArgs): void {
  if (annBenchmarks === undefined) {
    if (buildTime === undefined) return;
    throw new IsodexError('bad-argument', '--build-time is for results of ann-benchmarks; give --ann-benchmarks FOLDER, or leave it out');
  }
  if (engine !== 'cpu' || threads !== 1) {
    console.warn(
      'isodex: ann-benchmarks measures single queries on one core; give --engine cpu --threads 1 to be compared with others there',
    );
  }
}

/** Seconds, as results keep them. */
function timesOf({ singles, seconds, batches, args }: Pick<Evaluation, 'singles' | 'seconds' | 'batches' | 'args'>) {
  const buildSeconds = args.buildTime === undefined ? undefined : args.buildTime / 1000;
  return { singles: Float32Array.from(singles, (ms) => ms / 1000), batch: { seconds, runs: batches }, buildSeconds };
}

interface Truth {
  readonly labels: Int32Array;
  readonly k: number;
}

async function readTruth({ truth: path, k, limit }: EvalArgs, queries: Queries): Promise<Truth> {
  const truth = await readLabels(path);
  // More rows than queries are fine where only the first queries are taken; otherwise the two do not belong together.
  const fits = limit === undefined ? truth.n === queries.n : truth.n >= queries.n;
  if (!fits) throw new IsodexError('bad-argument', `${path} has the neighbours of ${truth.n} queries, but there are ${queries.n}`);
  if (truth.k < k) throw new IsodexError('bad-argument', `${path} has ${truth.k} neighbours of each query, fewer than k = ${k}`);
  return truth;
}

async function truthOfFile(
  index: VectorIndex,
  queries: Queries,
  truth: Truth,
  k: number,
  engine: Engine,
  { signal }: Task,
): Promise<Float32Array> {
  using progress = new Progress('reading true neighbours');
  return await distancesOfTruth(index, queries.vectors, truth, k, engine, { signal, onProgress: progress.update });
}

/** The kind of engine that checks another one: not the one that searched. */
function otherKind(index: VectorIndex): 'cpu' | 'reference' {
  return index.engine.kind === 'cpu' ? 'reference' : 'cpu';
}

async function computedTruth(index: VectorIndex, queries: Queries, k: number, { signal }: Task): ReturnType<typeof exhaustiveNeighbors> {
  using progress = new Progress(`comparing every row on the ${otherKind(index)} engine`);
  using other = await openEngine({ prefer: otherKind(index), signal });
  return await exhaustiveNeighbors(index, queries.vectors, k, other, { signal, onProgress: progress.update });
}

/** Searches the whole batch a few times; the fastest tells what the engine can do. */
async function measureBatch(index: VectorIndex, { vectors }: Queries, search: Search, { signal }: Task) {
  using progress = new Progress('searching');
  const started = performance.now();
  let best: { found: Neighbors; seconds: number } | undefined;
  let batches = 0;
  do {
    const begin = performance.now();
    const found = await index.search(vectors, { ...search, signal, onProgress: progress.update });
    const seconds = (performance.now() - begin) / 1000;
    if (!best || seconds < best.seconds) best = { found, seconds };
    batches++;
  } while (batches < MOST_BATCHES && performance.now() - started < BATCHES_MS);
  return { ...best, batches };
}

/** Milliseconds of searches with one query each, one after the other. */
async function measureSingles(
  index: VectorIndex,
  { vectors, n, dim }: Queries,
  search: Search,
  { signal }: Task,
  most = MOST_SINGLES,
): Promise<number[]> {
  using progress = new Progress('single queries');
  const one = (q: number) => index.search(vectors.subarray(q * dim, (q + 1) * dim), { ...search, signal });
  for (let i = 0; i < Math.min(n, WARM_UP); i++) await one(i);
  const started = performance.now();
  const times: number[] = [];
  const count = Math.min(n, most);
  for (let q = 0; q < count && (most === Infinity || performance.now() - started < SINGLES_MS); q++) {
    const begin = performance.now();
    await one(q);
    times.push(performance.now() - begin);
    progress.update(q + 1, count);
  }
  return times;
}

interface Evaluation {
  readonly file: string;
  readonly queries: Queries;
  readonly args: EvalArgs;
  readonly index: VectorIndex;
  readonly found: Neighbors;
  readonly seconds: number;
  readonly batches: number;
  readonly singles: readonly number[];
  readonly recall: Recall;
  readonly ann: AnnReport | undefined;
}

function print(evaluation: Evaluation): void {
  const { args, index, queries, found, seconds, singles, recall, batches, ann } = evaluation;
  const qps = queries.n / seconds;
  const [p50, p99] = [percentile(singles, 0.5), percentile(singles, 0.99)];
  const computed = args.truth === 'compute';
  const truth = computed ? { source: 'computed', engine: otherKind(index) } : { source: 'file', path: args.truth };
  if (args.json) {
    const { description } = index.engine.info;
    const latencyMs = { p50, p99, queries: singles.length };
    const { distancesOf, engine, stats } = found;
    const graph = {
      ...(args.efSearch !== undefined && { efSearch: args.efSearch }),
      ...(args.nprobe !== undefined && { nprobe: args.nprobe }),
      ...(args.refineFactor !== undefined && { refineFactor: args.refineFactor }),
      ...(stats && { stats: { hops: meanOf(stats.hops), distances: meanOf(stats.distances) } }),
    };
    const about = { k: args.k, ...graph, queries: queries.n, ...recall, qps, seconds, latencyMs, truth, distancesOf, engine, description };
    console.log(JSON.stringify({ ...about, ...(ann && { annBenchmarks: ann }) }, undefined, 2));
    return;
  }
  console.log(
    formatFacts([
      ['index', `${evaluation.file}: ${index.description}, ${index.metric}, ${index.size} rows of dim ${index.dim}`],
      ['engine', `${found.engine} (${index.engine.info.description})`],
      ['truth', `${computed ? `every row compared with every query on the ${truth.engine} engine` : args.truth}${aboutCodes(evaluation)}`],
      [`recall@${args.k}`, `${recall.recall.toFixed(4)} (${recall.hits} of ${recall.possible})`],
      ['QPS', `${formatRate(qps)} (${queries.n} queries in a batch, best of ${batches})`],
      ['p50', `${p50.toFixed(2)} ms (${singles.length} single queries)`],
      ['p99', `${p99.toFixed(2)} ms`],
      ...statsFacts(found),
      ...annFacts(ann),
    ]),
  );
}

/** What recall means where the vectors themselves are not at hand. */
function aboutCodes({ found, args }: Evaluation): string {
  if (found.distancesOf === 'vectors') return '';
  return args.truth === 'compute' ? ', by its codes: what they lose does not show' : ' (labels compared, since the index has only codes)';
}

function statsFacts({ stats }: Neighbors): [string, string][] {
  if (!stats) return [];
  return [
    ['hops', `${formatMean(stats.hops)} a query`],
    ['distances', `${formatMean(stats.distances)} a query`],
  ];
}

function annFacts(ann: AnnReport | undefined): [string, string][] {
  if (!ann) return [];
  const [recall, near, wider] = [ann.recall, ann.epsilon01, ann.epsilon10].map((share) => share.toFixed(4));
  return [
    ['ann-benchmarks', `recall ${recall} by its definition, ${near} within 1 %, ${wider} within 10 %`],
    ...ann.files.map((file): [string, string] => ['results', file]),
  ];
}
