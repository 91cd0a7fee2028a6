import { readFile, realpath } from 'node:fs/promises';
import { readLines } from '../io/lines.ts';
import type { VectorSource } from '../io/source.ts';
import { createIndex, type FromTuningOptions, fromTuningResult, IsodexError, type Metric, parseTuning, type VectorIndex } from '../node.ts';
import { hasLists, isGraph, isRefined, metricFor, openQuietly, withVectors } from './inputs.ts';
import type { EngineArgs } from './options.ts';
import { checkTarget, saveIndex } from './outputs.ts';
import type { Task } from './perform.ts';
import { graphWork, Progress } from './progress.ts';
import { formatSeconds } from './table.ts';

/** f32 values of a batch: large enough for the disk, small against any index. */
const BATCH_VALUES = 2 ** 22;
/** Rows that an index learns from where nothing else is said: all that 256 centroids take, of 256 rows each. */
const TRAIN_SIZE = 65_536;

interface BuildArgs extends EngineArgs {
  readonly index: string;
  readonly tuning?: string;
  readonly metric?: Metric | undefined;
  readonly out: string;
  readonly seed: number;
  readonly m?: number;
  readonly efConstruction?: number;
  readonly efSearch?: number;
  readonly nprobe?: number;
  readonly refineFactor?: number;
  readonly trainSize?: number;
  readonly limit?: number;
  readonly ids?: string;
}

export async function build(input: string, given: BuildArgs, task: Task): Promise<undefined> {
  const started = performance.now();
  // A tuning result brings its metric along.
  const metric = given.tuning === undefined ? await metricFor(input, given.metric) : given.metric;
  const args = { ...given, metric };
  await checkTarget(args.out);
  await checkNotInput(args.out, input);
  await withVectors(input, async (source) => {
    const keys = args.ids === undefined ? undefined : await readKeys(args.ids, source, args.limit);
    using engine = await openQuietly({ prefer: args.engine, threads: args.threads, signal: task.signal });
    const options = { dim: source.dim, ...configOf(args), engine };
    using index = await (args.tuning === undefined ? createIndex(args.index, options) : fromTuningFile(args.tuning, source.path, options));
    checkGraphArgs(index, args);
    checkCodeArgs(index, args);
    await trainOn(index, source, args, task);
    await addAll(index, source, keys, args, task);
    const about = await saveIndex(index, args.out, task, keys ? ' with keys' : '');
    console.log(`${about}, built in ${formatSeconds((performance.now() - started) / 1000)} s`);
  });
  return undefined;
}

/** An empty index of a tuning result's best point. */
async function fromTuningFile(path: string, input: string, options: FromTuningOptions): Promise<VectorIndex> {
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw new IsodexError('bad-file', `${path} cannot be read (${cause.code})`, { cause });
  });
  const result = parseTuning(text, path);
  const { dim } = result.measuredOn;
  if (options.dim !== dim) {
    throw new IsodexError('bad-argument', `${input} has dim ${options.dim}, but ${path} was measured on dim ${dim}; tune on these vectors`);
  }
  if (result.best) return fromTuningResult(result, options);
  throw new IsodexError('bad-argument', `${path} has no best point: nothing met its wish; give --index`);
}

/** Only what was given: a tuned choice brings numbers of its own. */
function configOf({ metric, seed, m: M, efConstruction, efSearch, nprobe, refineFactor }: BuildArgs) {
  const config = { metric, seed, M, efConstruction, efSearch, nprobe, refineFactor };
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)) as Partial<typeof config>;
}

/** What would change nothing was given by mistake. */
function checkGraphArgs({ description }: VectorIndex, { m, efConstruction, efSearch }: BuildArgs): void {
  if (isGraph(description) || [m, efConstruction, efSearch].every((value) => value === undefined)) return;
  throw new IsodexError(
    'bad-argument',
    `--m, --ef-construction and --ef-search are for graphs; give --index HNSW, or leave them out for ${description}`,
  );
}

/** The same of what is for codes and lists. */
function checkCodeArgs({ description, isTrained }: VectorIndex, { nprobe, refineFactor, trainSize }: BuildArgs): void {
  const vain = [
    [nprobe !== undefined && !hasLists(description), '--nprobe is for lists; give --index IVF<nlist>,...'],
    [refineFactor !== undefined && !isRefined(description), '--refine-factor is for vectors beside codes; give --index ...,RFlat'],
    [trainSize !== undefined && isTrained, '--train-size is for codes and lists, which are trained'],
  ] as const;
  const [found] = vain.filter(([isVain]) => isVain);
  if (found) throw new IsodexError('bad-argument', `${found[1]}, or leave it out for ${description}`);
}

/** Rows, evenly spaced over the file, that an index learns from which has to be trained. */
async function trainOn(
  index: VectorIndex,
  source: VectorSource,
  { trainSize = TRAIN_SIZE, limit = Infinity }: BuildArgs,
  { signal }: Task,
): Promise<void> {
  if (index.isTrained) return;
  const sample = await sampleOf(source, trainSize, limit, signal);
  using training = new Progress('training');
  const { warnings } = await index.train(sample, { signal, onProgress: training.update });
  training.stop();
  for (const warning of warnings) console.warn(`isodex: ${warning}`);
}

async function sampleOf(source: VectorSource, size: number, limit: number, signal: AbortSignal): Promise<Float32Array> {
  const { dim } = source;
  const rows = Math.max(1, Math.floor(BATCH_VALUES / dim));
  const total = source.size === undefined ? undefined : Math.min(source.size, limit);
  // Of a file that does not tell its length beforehand the first rows have to do.
  const every = total === undefined ? 1 : Math.max(1, total / size);
  const taken: Float32Array[] = [];
  let row = 0;
  using sampling = new Progress('sampling');
  for await (const batch of source.batches({ rows, limit: total ?? Math.min(size, limit), signal })) {
    for (let at = 0; at < batch.length; at += dim, row++) {
      if (Math.floor(taken.length * every) === row) taken.push(batch.slice(at, at + dim));
    }
    sampling.update(row, total);
  }
  const sample = new Float32Array(taken.length * dim);
  for (const [i, vector] of taken.entries()) sample.set(vector, i * dim);
  return sample;
}

async function checkNotInput(out: string, input: string): Promise<void> {
  const [target, source] = await Promise.all([out, input].map((path) => realpath(path).catch(() => undefined)));
  if (target !== undefined && target === source)
    throw new IsodexError('bad-argument', `--out is ${out}, the input itself; give another name`);
}

async function readKeys(path: string, source: VectorSource, limit = Infinity): Promise<string[]> {
  const keys = await readLines(path);
  if (limit < keys.length) keys.length = limit;
  if (source.size !== undefined) checkKeyCount(path, keys.length, Math.min(source.size, limit));
  return keys;
}

function checkKeyCount(path: string, keys: number, rows: number): void {
  if (keys !== rows) throw new IsodexError('bad-argument', `${path} has ${keys} keys for ${rows} rows; give one a row`);
}

/**
 * Adds all rows as one, so that how a file is read never shows in the index. Reading is told as batches go by; what is
 * told after the last of them is the building of a graph.
 */
async function addAll(
  index: VectorIndex,
  source: VectorSource,
  keys: string[] | undefined,
  args: BuildArgs,
  { signal }: Task,
): Promise<void> {
  const { limit = Infinity } = args;
  const known = source.size === undefined ? undefined : Math.min(source.size, limit);
  using reading = new Progress('reading');
  using linking = new Progress('linking', graphWork);
  let allRead = false;
  async function* batches(): AsyncGenerator<Float32Array> {
    const rows = Math.max(1, Math.floor(BATCH_VALUES / source.dim));
    let done = 0;
    for await (const batch of source.batches({ rows, limit, signal })) {
      done += batch.length / source.dim;
      // A file that did not tell its length beforehand may turn out to be longer than its keys.
      if (keys && done > keys.length) checkKeyCount(args.ids!, keys.length, done);
      yield batch;
      reading.update(done, known);
    }
    if (done === 0) throw new IsodexError('bad-file', `${source.path} holds no vectors`);
    if (keys) checkKeyCount(args.ids!, keys.length, done);
    reading.stop();
    allRead = true;
  }
  const onProgress = (done: number, total: number) => {
    if (allRead) linking.update(done, total);
  };
  await index.add(batches(), { keys, rows: known, signal, onProgress }).catch((error) => {
    throw inFile(error, source.path);
  });
}

/** Errors name rows of what was added, which are rows of the file. */
function inFile(error: unknown, path: string): unknown {
  if (!(error instanceof IsodexError)) return error;
  return new IsodexError(error.code, error.message.replace(/^vectors row /, `${path} row `), { cause: error });
}
