import { access, constants, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readLines } from '../io/lines.ts';
import type { VectorSource } from '../io/source.ts';
import { createIndex, IsodexError, type Metric, type VectorIndex } from '../node.ts';
import { openQuietly, withVectors } from './inputs.ts';
import type { EngineArgs } from './options.ts';
import type { Task } from './perform.ts';
import { Progress } from './progress.ts';
import { formatBytes, formatSeconds } from './table.ts';

/** f32 values of a batch: large enough that each `add` is worth its while, small against any index. */
const BATCH_VALUES = 2 ** 22;

interface BuildArgs extends EngineArgs {
  readonly index: string;
  readonly metric: Metric;
  readonly out: string;
  readonly seed: number;
  readonly limit?: number;
  readonly ids?: string;
}

export async function build(input: string, args: BuildArgs, task: Task): Promise<undefined> {
  const started = performance.now();
  await checkTarget(args.out, input);
  await withVectors(input, async (source) => {
    const keys = args.ids === undefined ? undefined : await readKeys(args.ids, source, args.limit);
    using engine = await openQuietly({ prefer: args.engine, threads: args.threads, signal: task.signal });
    using index = await createIndex(args.index, { dim: source.dim, metric: args.metric, seed: args.seed, engine });
    await addAll(index, source, keys, args, task);
    using progress = new Progress('writing');
    await index.save(args.out, { signal: task.signal, onProgress: progress.update });
    progress.stop();
    const { size } = await stat(args.out);
    const seconds = formatSeconds((performance.now() - started) / 1000);
    const shape = `${index.description}, ${index.metric}, ${index.size} rows of dim ${index.dim}`;
    console.log(`${args.out}: ${shape}${keys ? ' with keys' : ''}, ${formatBytes(size)}, built in ${seconds} s`);
  });
  return undefined;
}

/** Finds out now, not after hours of building, that the file cannot be written or is the input itself. */
async function checkTarget(out: string, input: string): Promise<void> {
  const folder = dirname(out);
  const isFolder = await stat(folder)
    .then((found) => found.isDirectory())
    .catch(() => false);
  if (!isFolder) throw new IsodexError('bad-argument', `cannot write ${out}: there is no folder ${folder}`);
  await access(folder, constants.W_OK).catch((cause) => {
    throw new IsodexError('bad-argument', `cannot write ${out}: the folder ${folder} may not be written to`, { cause });
  });
  const [target, source] = await Promise.all([out, input].map((path) => realpath(path).catch(() => undefined)));
  if (target === undefined) return;
  if ((await stat(target)).isDirectory()) throw new IsodexError('bad-argument', `cannot write ${out}: it is a folder`);
  if (target === source) throw new IsodexError('bad-argument', `--out is ${out}, the input itself; give another name`);
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

async function addAll(
  index: VectorIndex,
  source: VectorSource,
  keys: string[] | undefined,
  args: BuildArgs,
  { signal }: Task,
): Promise<void> {
  using progress = new Progress('adding');
  const total = source.size === undefined ? args.limit : Math.min(source.size, args.limit ?? Infinity);
  const rows = Math.max(1, Math.floor(BATCH_VALUES / source.dim));
  let done = 0;
  for await (const batch of source.batches({ rows, limit: args.limit, signal })) {
    const n = batch.length / source.dim;
    // A file that did not tell its length beforehand may turn out to be longer than its keys.
    if (keys && done + n > keys.length) checkKeyCount(args.ids!, keys.length, done + n);
    await addBatch(index, batch, done, source.path, { keys: keys?.slice(done, done + n), signal });
    done += n;
    progress.update(done, total);
  }
  if (done === 0) throw new IsodexError('bad-file', `${source.path} holds no vectors`);
  if (keys) checkKeyCount(args.ids!, keys.length, done);
}

/** Adds rows `first` and on of a file. Errors name rows of the batch; people count them in the file. */
async function addBatch(
  index: VectorIndex,
  batch: Float32Array,
  first: number,
  path: string,
  options: { keys: string[] | undefined; signal: AbortSignal },
): Promise<void> {
  try {
    await index.add(batch, options);
  } catch (error) {
    if (!(error instanceof IsodexError)) throw error;
    const message = error.message.replace(/^vectors row (\d+)/, (_, row) => `${path} row ${first + Number(row)}`);
    throw new IsodexError(error.code, message, { cause: error });
  }
}
