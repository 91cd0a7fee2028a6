import { availableParallelism } from 'node:os';
import type { Engine, EngineOptions, Neighbors } from '../node.ts';
import { differingQueries } from './compare.ts';
import { checkSameDim, graphOptions, openIndexOn, openQuietly, prepareIndex, type Queries, readQueries } from './inputs.ts';
import type { GraphArgs } from './options.ts';
import type { Task } from './perform.ts';
import { Progress } from './progress.ts';
import { formatMean, formatSeconds, formatTable } from './table.ts';

interface VerifyArgs extends GraphArgs {
  readonly k: number;
  readonly limit?: number;
}

interface Outcome {
  readonly name: string;
  readonly description: string;
  readonly threads: string;
  readonly seconds: string;
  /** Undefined where nothing was answered. */
  readonly found?: Neighbors;
  readonly note: string;
  /** The engine was there and did not answer. */
  readonly failed?: boolean;
}

const HEADER = ['engine', 'adapter', 'threads', 'seconds'];

export async function verify(file: string, queriesPath: string, args: VerifyArgs, task: Task): Promise<number> {
  const queries = await readQueries(queriesPath, args.limit, task);
  const search = (engine: Engine) => searchOn(engine, file, queriesPath, queries, args, task);
  const outcomes: Outcome[] = [];
  for (const candidate of candidates()) outcomes.push(await tryEngine(candidate, search, task));
  const reference = outcomes[0]!.found!;
  const differing = outcomes.map(({ found }) => (found ? differingQueries(reference, found).length : 0));
  const rows = outcomes.map((outcome, i) => [
    outcome.name,
    outcome.description,
    outcome.threads,
    outcome.seconds,
    ...(args.stats ? statsOf(outcome) : []),
    outcome.found ? `${differing[i]} of ${queries.n}` : '–',
    outcome.note,
  ]);
  console.log(formatTable([...HEADER, ...(args.stats ? ['hops', 'distances'] : []), 'differing', ''], rows));
  return differing.some((count) => count > 0) || outcomes.some(({ failed }) => failed) ? 1 : 0;
}

/** Means of a query. */
function statsOf({ found }: Outcome): string[] {
  return found?.stats ? [formatMean(found.stats.hops), formatMean(found.stats.distances)] : ['–', '–'];
}

interface Candidate {
  readonly name: string;
  readonly options: EngineOptions;
}

/** The engines to try, the reference first. */
function candidates(): Candidate[] {
  const cores = availableParallelism();
  return [
    { name: 'reference', options: { prefer: 'reference' } },
    { name: 'cpu', options: { prefer: 'cpu', threads: 1 } },
    ...(cores > 1 ? [{ name: 'cpu', options: { prefer: 'cpu', threads: cores } } as const] : []),
    { name: 'gpu', options: { prefer: 'gpu' } },
  ];
}

async function tryEngine({ name, options }: Candidate, search: (engine: Engine) => Promise<Answer>, { signal }: Task): Promise<Outcome> {
  let engine: Engine;
  try {
    engine = await openQuietly({ ...options, signal });
  } catch (error) {
    signal.throwIfAborted();
    return { name, description: '–', threads: '', seconds: '', note: `not available: ${messageOf(error)}` };
  }
  const { description, threads } = engine.info;
  try {
    const { found, seconds } = await search(engine);
    return { name, description, threads: String(threads), seconds: formatSeconds(seconds), found, note: noteOn(engine, found) };
  } catch (error) {
    // Without the reference there is nothing to compare with: the file or the queries are at fault.
    if (signal.aborted || name === 'reference') throw error;
    return { name, description, threads: String(threads), seconds: '', note: `failed: ${messageOf(error)}`, failed: true };
  } finally {
    engine.close();
  }
}

interface Answer {
  readonly found: Neighbors;
  readonly seconds: number;
}

async function searchOn(
  engine: Engine,
  file: string,
  queriesPath: string,
  queries: Queries,
  args: VerifyArgs,
  task: Task,
): Promise<Answer> {
  using index = await openIndexOn(file, engine, task);
  checkSameDim(queriesPath, queries, file, index);
  await prepareIndex(index, task);
  if (engine.kind === 'reference') graphOptions(index, args); // what it says is said once
  // Hops are compared whether or not they are shown.
  const { efSearch, nprobe, refineFactor } = args;
  const graph = { efSearch, nprobe, refineFactor, stats: true };
  using progress = new Progress(`searching on ${engine.kind}`);
  const started = performance.now();
  const found = await index.search(queries.vectors, { k: args.k, ...graph, signal: task.signal, onProgress: progress.update });
  return { found, seconds: (performance.now() - started) / 1000 };
}

/** Says when another engine stepped in, so that nobody takes its answer for this one's. */
function noteOn(engine: Engine, { engine: answered }: Neighbors): string {
  const notes = [...engine.info.notes];
  if (answered !== engine.kind) notes.push(`answered by ${answered}: the work is small, or the device was lost`);
  return notes.join('; ');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
