/** Options that several commands take, each defined once. */
import bytes from 'bytes';
import { InvalidArgumentError, Option } from 'commander';
import ms, { type StringValue } from 'ms';
import type { EngineKind, Metric } from '../names.ts';
import { FAMILIES } from '../tune/candidates.ts';
import { OBJECTIVES } from '../tune/operating-points.ts';

/** Which engine, as `--engine` and `--threads` give it. */
export interface EngineArgs {
  readonly engine: EngineKind;
  readonly threads?: number;
}

/** What every command that searches on one engine takes. */
export interface SearchArgs extends EngineArgs, GraphArgs {
  readonly k: number;
  readonly limit?: number;
}

/** How graphs, lists and codes are searched; other kinds of index have no use for it. */
export interface GraphArgs {
  readonly efSearch?: number | undefined;
  readonly stats?: boolean | undefined;
  readonly nprobe?: number | undefined;
  readonly refineFactor?: number | undefined;
}

const METRICS: readonly Metric[] = ['l2', 'ip', 'cosine'];
const ENGINES: readonly EngineKind[] = ['auto', 'gpu', 'cpu', 'reference'];

export const tuning = new Option('--tuning <file>', 'result of `isodex tune`, whose best index is built').conflicts('index');

export const index = new Option('--index <description>', 'kind of index').default('Flat');

export const builtMetric = new Option(
  '--metric <name>',
  "distance (default: the tuning result's, or what a set of ann-benchmarks says of itself, or l2)",
).choices(METRICS);

export const metric = new Option('--metric <name>', 'distance (default: what a set of ann-benchmarks says of itself, else l2)').choices(
  METRICS,
);

export const engine = new Option('--engine <kind>', 'what computes; the answer is the same').choices(ENGINES).default('auto');

// Ranges of the graph's numbers are the library's business, and so are the errors.
export const m = new Option('--m <n>', 'HNSW: links that a node chooses on a level (default: 32)').argParser(integer());

export const efConstruction = new Option('--ef-construction <n>', "HNSW: width of the building's beam (default: 200)").argParser(integer());

export const storedEfSearch = new Option('--ef-search <n>', 'HNSW: beam width of searches that give none (default: 64)').argParser(
  integer(),
);

export const efSearch = new Option('--ef-search <n>', "HNSW: width of the search's beam (default: the index's)").argParser(integer());

export const nprobe = new Option('--nprobe <n>', "IVF: lists to look into (default: the index's)").argParser(integer());

export const refineFactor = new Option(
  '--refine-factor <n>',
  "codes with vectors: how many times k rows are compared by their vectors (default: the index's)",
).argParser(factor);

export const storedNprobe = new Option('--nprobe <n>', 'IVF: lists that searches look into which give none (default: 16)').argParser(
  integer(),
);

export const storedRefineFactor = new Option(
  '--refine-factor <n>',
  'RFlat: how many times k rows are compared by their vectors (default: 10, with graphs 6, of IVF,Flat 2)',
).argParser(factor);

export const trainSize = new Option('--train-size <n>', 'rows, evenly spaced, that IVF, PQ and OPQ learn from (default: 65536)').argParser(
  integer(1, Number.MAX_SAFE_INTEGER),
);

export const rows = new Option('--rows <n>', 'rows that it would hold').argParser(integer(1, 2 ** 31 - 1)).makeOptionMandatory();

export const dim = new Option('--dim <n>', 'values in a vector').argParser(integer(1, 4096)).makeOptionMandatory();

export const stats = new Option('--stats', 'HNSW: tell hops and distances of each query');

export const threads = new Option('--threads <n>', 'CPU threads (default: one for each core)').argParser(integer(1, 1024));

// One thread by default: whoever drives an index over a pipe, as a benchmark does, expects one process to take one core.
export const pipeEngine = new Option('--engine <kind>', 'what computes; the answer is the same').choices(ENGINES).default('cpu');

export const pipeThreads = new Option('--threads <n>', 'CPU threads').argParser(integer(1, 1024)).default(1);

export const pipeIndex = new Option('--index <description>', 'kind of index (default: Flat)');

export const pipeMetric = new Option('--metric <name>', 'distance (default: l2)').choices(METRICS);

export const pipeDim = new Option('--dim <n>', 'values in a vector').argParser(integer(1, 4096));

export const pipeTrainSize = new Option('--train-size <n>', 'rows, evenly spaced, that IVF, PQ and OPQ learn from')
  .argParser(integer(1, Number.MAX_SAFE_INTEGER))
  .default(65_536);

export const seed = new Option('--seed <n>', 'seed of whatever is drawn at random').argParser(integer(0, 0xffffffff)).default(1);

export const k = new Option('-k, --k <n>', 'neighbours for each query').argParser(integer(1, 2 ** 24)).default(10);

export const format = new Option('--format <name>', 'how results are written').choices(['table', 'json', 'ivecs', 'ibin']).default('table');

export const minRecall = new Option('--min-recall <share>', 'recall that is wanted, 0 to 1').argParser(share).default(0.95);

export const targetP99 = new Option('--target-p99 <time>', 'that 99 of 100 single queries take at most, as 10ms').argParser(duration);

export const maxMemory = new Option('--max-memory <size>', 'of the index, as 1GB').argParser(size);

export const maxBuild = new Option('--max-build <time>', 'that training and adding may take, as 10m').argParser(duration);

export const objective = new Option('--objective <name>', 'what is best among what meets the wish').choices(OBJECTIVES).default('p99');

export const annBenchmarks = new Option(
  '--ann-benchmarks <folder>',
  "write results as ann-benchmarks keeps them below this folder, its 'results'; queries are SET.hdf5#test",
);

export const buildTime = new Option('--build-time <time>', 'that building took, for these results, as 12.5s').argParser(duration);

export const synthetic = new Option('--synthetic <rows>x<dim>', 'made-up clustered vectors instead of a file, as 100000x384').argParser(
  shape,
);

export const indexes = new Option('--indexes <names>', 'kinds of index that are tried').default(FAMILIES.join(','));

export const budget = new Option('--budget <time>', 'that tuning may take').argParser(duration).default(900_000, '15m');

export function limit(what: string): Option {
  return new Option('--limit <n>', `take only the first n ${what}`).argParser(integer(1, Number.MAX_SAFE_INTEGER));
}

function shape(text: string): { readonly rows: number; readonly dim: number } {
  const [, rows, dim] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  if (Number(rows) >= 1 && Number(dim) >= 1 && Number(dim) <= 4096) return { rows: Number(rows), dim: Number(dim) };
  throw new InvalidArgumentError("Give rows and values of a row, as '100000x384'.");
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('Give a number from 0 to 1.');
}

/** Milliseconds. A number without a unit would be taken for seconds by some and for milliseconds by others. */
function duration(text: string): number {
  const value = /^\d+(\.\d+)? ?(ms|s|m|min|h)$/.test(text) ? ms(text as StringValue) : 0;
  if (value > 0) return value;
  throw new InvalidArgumentError("Give a time with its unit, as '10ms', '30s' or '15m'.");
}

function size(text: string): number {
  const value = /^\d+(\.\d+)? ?[kmgtp]?b$/i.test(text) ? bytes.parse(text) : 0;
  if (value) return value;
  throw new InvalidArgumentError("Give a size with its unit, as '500MB' or '1GB'.");
}

function factor(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 1) return value;
  throw new InvalidArgumentError('Give a number of at least 1.');
}

function integer(least = 0, most = Number.POSITIVE_INFINITY): (text: string) => number {
  const range = most < 2 ** 24 ? ` from ${least} to ${most}` : least > 0 ? ` of at least ${least}` : '';
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Give an integer${range}.`);
  };
}
