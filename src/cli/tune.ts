import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { readVectors } from '../io/vector-source.ts';
import { IsodexError, type Metric, type Objective, type OperatingPoint, type TuningResult, tune as tuneIndex, version } from '../node.ts';
import { FAMILIES, type Family } from '../tune/candidates.ts';
import { clustered, HIDDEN } from '../tune/clustered.ts';
import { frontier } from '../tune/operating-points.ts';
import type { TrialRecord } from '../tune/trial.ts';
import { type Crossover, fingerprintOf, keyOf } from '../tune/tuner.ts';
import { parseTrial, printTuning } from '../tune/tuning-file.ts';
import { metricFor, openQuietly } from './inputs.ts';
import type { EngineArgs } from './options.ts';
import { checkTarget } from './outputs.ts';
import type { Task } from './perform.ts';
import { Progress } from './progress.ts';
import { formatFacts, formatRate, formatTable } from './table.ts';

interface TuneArgs extends EngineArgs {
  readonly queries?: string;
  readonly synthetic?: { readonly rows: number; readonly dim: number };
  readonly metric?: Metric;
  readonly k: number;
  readonly minRecall: number;
  readonly targetP99?: number;
  readonly maxMemory?: number;
  readonly maxBuild?: number;
  readonly objective: Objective;
  readonly indexes: string;
  readonly budget: number;
  readonly seed: number;
  readonly limit?: number;
  readonly out?: string;
}

/** No point met the wish. */
const UNMET = 2;

export async function tune(input: string | undefined, args: TuneArgs, { signal }: Task): Promise<number | undefined> {
  if (args.out !== undefined) await checkTarget(args.out);
  const { vectors, dim, metric, name, synthetic } = await rowsOf(input, args, signal);
  const queries = args.queries === undefined ? undefined : await readVectors(args.queries, { signal });
  if (queries && queries.dim !== dim) {
    throw new IsodexError('bad-argument', `${args.queries} has dim ${queries.dim}, but ${name} has dim ${dim}`);
  }
  using engine = await openQuietly({ prefer: args.engine, threads: args.threads, signal });
  const journal = args.out === undefined ? undefined : `${args.out}.trials.jsonl`;
  const { k, minRecall, targetP99, maxMemory, maxBuild, objective, budget, seed } = args;
  const run = { fingerprint: fingerprintOf(vectors, queries?.vectors), metric, k, minRecall, seed };
  const resume = journal === undefined ? [] : await readJournal(journal, JSON.stringify(run));
  if (resume.length > 0) console.warn(`isodex: ${resume.length} trials of ${journal} are taken as they are`);
  using progress = new Progress('tuning');
  const limits = { minRecall, maxP99: targetP99, maxMemory, maxBuild: maxBuild && maxBuild / 1000, objective };
  let writing = Promise.resolve();
  const onTrial = (trial: TrialRecord, best: OperatingPoint | undefined) => {
    if (journal !== undefined) writing = writing.then(() => appendFile(journal, `${JSON.stringify(trial)}\n`));
    if (best && process.stderr.isTTY) process.stderr.write(`best so far: ${nameOf(best)}, p99 ${best.latency.p99.toFixed(2)} ms\n`);
  };
  const result = await tuneIndex(vectors, {
    ...{ dim, metric, k, seed, engine, signal, resume, onTrial, queries: queries?.vectors, synthetic },
    ...{ ...limits, indexes: familiesOf(args.indexes), budget: budget / 1000, onProgress: progress.update },
  });
  progress.stop();
  await writing;
  if (args.out !== undefined) await writeFile(args.out, printTuning(result, version));
  if (journal !== undefined) await rm(journal, { force: true });
  print(result, args);
  return result.best ? undefined : UNMET;
}

/** What is tuned on: a file's vectors, or made-up ones where they are asked for. */
async function rowsOf(input: string | undefined, { synthetic, metric, limit, seed }: TuneArgs, signal: AbortSignal) {
  if ((input === undefined) === (synthetic === undefined)) {
    throw new IsodexError('bad-argument', 'give a file of vectors, or --synthetic for made-up ones, and not both');
  }
  if (input !== undefined) {
    const { vectors, dim } = await readVectors(input, { limit, signal });
    return { vectors, dim, metric: await metricFor(input, metric), name: input, synthetic: false };
  }
  const { rows, dim } = synthetic!;
  console.warn(`isodex: ${HIDDEN}`);
  const { base } = clustered(rows, 0, dim, seed);
  return { vectors: base, dim, metric: metric ?? 'l2', name: 'what --synthetic makes', synthetic: true };
}

function familiesOf(text: string): Family[] {
  return text.split(',').map((name) => {
    const family = FAMILIES.find((one) => one.toLowerCase() === name.trim().toLowerCase());
    if (family) return family;
    throw new IsodexError('bad-argument', `--indexes has '${name}'; give some of ${FAMILIES.join(',')}`);
  });
}

/** The first line of a journal says what its trials were run on and for; those of another run are of no use. */
async function readJournal(path: string, heading: string): Promise<TrialRecord[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const [first, ...lines] = text.split('\n');
  if (first !== heading) {
    if (text !== '') console.warn(`isodex: ${path} is of another run, and is begun anew`);
    await writeFile(path, `${heading}\n`);
    return [];
  }
  // A line that was cut off by an interruption is run again.
  return lines.flatMap((line, i) => {
    if (line === '') return [];
    try {
      return [parseTrial(line, `line ${i + 2} of ${path}`)];
    } catch {
      return [];
    }
  });
}

function nameOf({ build, search }: OperatingPoint): string {
  const numbers = Object.entries({ ...build.config, ...search }).map(([name, value]) => `${name} ${value}`);
  return [build.description, ...numbers].join(', ');
}

function print({ best, nearest, missed, points, measuredOn, wish, crossovers, log }: TuningResult, { out }: TuneArgs): void {
  const objective = wish.objective ?? 'p99';
  const rows = frontier(points, objective).map((point) => [
    nameOf(point),
    `${point.recall.toFixed(4)} (${point.recallInterval.map((x) => x.toFixed(3)).join(' to ')})`,
    point.latency.p99.toFixed(2),
    formatRate(Math.max(...Object.values(point.qps))),
    (point.memoryBytes / 2 ** 20).toFixed(0),
    point.buildSeconds.toFixed(1),
  ]);
  if (rows.length > 0) console.log(formatTable(['index', `recall@${measuredOn.k}`, 'p99 ms', 'QPS', 'MiB', 'build s'], rows));
  const { n, dim, queries, heldOut, synthetic } = measuredOn;
  const facts: [string, string][] = [
    ['measured on', `${n} ${synthetic ? 'made-up ' : ''}rows of dim ${dim}, ${queries} queries${heldOut ? ' held out of them' : ''}`],
    ['points', `${points.length}; above are those that none beats; QPS of the batch that goes fastest, p99 of single queries`],
    ...crossovers.map((one): [string, string] => ['CPU or GPU', crossoverText(one)]),
    ...log.filter(({ skipped }) => skipped).map(({ event }): [string, string] => ['not tried', event]),
  ];
  if (best) facts.unshift(['best', nameOf(best)]);
  else if (nearest)
    facts.unshift(['best found', `${nameOf(nearest)}, which misses ${missed.join(' and ')}`], ['within reach', targetOf(nearest, wish)]);
  else facts.unshift(['best found', 'none: nothing could be tried']);
  if (out !== undefined) facts.push(['written', out]);
  console.log(formatFacts(facts));
}

function crossoverText({ build, cpu, gpu, from }: Crossover): string {
  const rates = Object.keys(cpu).map((batch) => `${batch}: ${formatRate(cpu[batch]!)} and ${formatRate(gpu[batch]!)}`);
  const winner = from === null ? 'the CPU is faster in every batch' : `the GPU is faster from batches of ${from} on`;
  return `${keyOf(build)}: ${winner}; QPS of CPU and GPU by batch: ${rates.join(', ')}`;
}

/** The wish, widened to what the point has. */
function targetOf({ recall, latency, memoryBytes, buildSeconds }: OperatingPoint, wish: TuningResult['wish']): string {
  const { minRecall = 0, maxP99, maxMemory, maxBuild } = wish;
  return [
    `--min-recall ${Math.min(minRecall, Math.floor(recall * 1000) / 1000)}`,
    ...(maxP99 === undefined ? [] : [`--target-p99 ${(Math.ceil(Math.max(maxP99, latency.p99) * 110) / 100).toFixed(2)}ms`]),
    ...(maxMemory === undefined ? [] : [`--max-memory ${Math.ceil(Math.max(maxMemory, memoryBytes) / 2 ** 20)}MB`]),
    ...(maxBuild === undefined ? [] : [`--max-build ${Math.ceil(Math.max(maxBuild, buildSeconds) * 1.1)}s`]),
  ].join(' ');
}
