import { realpath, writeFile } from 'node:fs/promises';
import { writeLabels, writeTruth, writeVectors } from '../io/write.ts';
import { IsodexError, type Neighbors, type SearchStats, type VectorIndex } from '../node.ts';
import { checkSameDim, graphOptions, openChosenEngine, openIndexOn, prepareIndex, readQueries } from './inputs.ts';
import type { SearchArgs } from './options.ts';
import type { Task } from './perform.ts';
import { Progress } from './progress.ts';
import { formatDistance, formatMean, formatSeconds, formatTable } from './table.ts';

interface SearchCommandArgs extends SearchArgs {
  readonly format: 'table' | 'json' | 'ivecs' | 'ibin';
  readonly out?: string;
}

/** Results with what the formats need besides. */
interface Results extends Neighbors {
  readonly seconds: number;
  /** [nq, k], null for padding; undefined when no row found has a key. */
  readonly keys: (string | null)[] | undefined;
}

export async function search(file: string, queriesPath: string, args: SearchCommandArgs, task: Task): Promise<undefined> {
  checkFormat(args);
  if (args.out !== undefined) await checkNotRead(args.out, [file, queriesPath]);
  const queries = await readQueries(queriesPath, args.limit, task);
  using engine = await openChosenEngine(args, task);
  using index = await openIndexOn(file, engine, task);
  checkSameDim(queriesPath, queries, file, index);
  await prepareIndex(index, task);
  const graph = graphOptions(index, args);
  using progress = new Progress('searching');
  const started = performance.now();
  const found = await index.search(queries.vectors, { k: args.k, ...graph, signal: task.signal, onProgress: progress.update });
  const seconds = (performance.now() - started) / 1000;
  progress.stop();
  await write({ ...found, seconds, keys: keysOf(index, found.labels) }, args);
  if (args.format !== 'json' || args.out !== undefined) {
    const codes = found.distancesOf === 'codes' ? ', distances of codes' : '';
    process.stderr.write(`${queries.n} queries, k ${args.k}, on ${found.engine} in ${formatSeconds(seconds)} s${codes}\n`);
    if (found.stats && isBinary(args.format)) process.stderr.write(describeStats(found.stats));
  }
  return undefined;
}

/** Results must not take the place of the index or the queries that they come from. */
async function checkNotRead(out: string, sources: readonly string[]): Promise<void> {
  const real = (path: string) => realpath(path).catch(() => undefined);
  const target = await real(out);
  if (target === undefined) return;
  for (const source of sources) {
    if ((await real(source)) === target)
      throw new IsodexError('bad-argument', `--out is ${out}, which this search reads; give another name`);
  }
}

/** Formats of bytes, which have to go into a file, and where the distances go. */
const BINARY = { ivecs: 'go beside it into NAME.fvecs', ibin: 'follow the labels' };

function isBinary(format: SearchCommandArgs['format']): format is keyof typeof BINARY {
  return format in BINARY;
}

/** A name that promises another format than the one that is written would mislead whoever reads the file. */
function checkFormat({ format, out }: SearchCommandArgs): void {
  if (isBinary(format)) checkName(format, out);
  const promised = /\.(ivecs|ibin|json)$/.exec(out ?? '')?.[1];
  if (promised === undefined || promised === format) return;
  throw new IsodexError('bad-argument', `--out is ${out}, but the format is ${format}; give --format ${promised} or another name`);
}

function checkName(format: keyof typeof BINARY, out: string | undefined): asserts out is string {
  if (out?.endsWith(`.${format}`)) return;
  throw new IsodexError('bad-argument', `--format ${format} needs --out NAME.${format}; the distances ${BINARY[format]}`);
}

function keysOf(index: VectorIndex, labels: Int32Array): (string | null)[] | undefined {
  const keys = Array.from(labels, (label) => (label < 0 ? undefined : index.keyOf(label)) ?? null);
  return keys.some((key) => key !== null) ? keys : undefined;
}

async function write(results: Results, { format, out }: SearchCommandArgs): Promise<void> {
  if (format === 'ibin') {
    checkName(format, out);
    await writeTruth(out, results.labels, results.distances, results.k);
    return;
  }
  if (format === 'ivecs') {
    checkName(format, out);
    await writeVectors(out.replace(/\.ivecs$/, '.fvecs'), results.distances, results.k);
    await writeLabels(out, results.labels, results.k);
    return;
  }
  const text = format === 'json' ? toJson(results) : toTable(results);
  if (out === undefined) process.stdout.write(text);
  else await writeText(out, text);
}

async function writeText(out: string, text: string): Promise<void> {
  await writeFile(out, text).catch((cause: Error) => {
    throw new IsodexError('bad-file', `cannot write ${out} (${cause.message})`, { cause });
  });
}

function toJson({ k, labels, distances, distancesOf, keys, stats, engine, seconds }: Results): string {
  const finite = Array.from(distances, (distance) => (Number.isFinite(distance) ? distance : null));
  const rows = { labels: inRows([...labels], k), distances: inRows(finite, k), ...(keys && { keys: inRows(keys, k) }) };
  const did = stats && { stats: { hops: [...stats.hops], distances: [...stats.distances] } };
  return `${JSON.stringify({ k, ...rows, distancesOf, ...did, engine, seconds })}\n`;
}

function describeStats({ hops, distances }: SearchStats): string {
  return `${formatMean(hops)} hops and ${formatMean(distances)} distances a query\n`;
}

function inRows<T>(values: T[], k: number): T[][] {
  return Array.from({ length: values.length / k }, (_, q) => values.slice(q * k, (q + 1) * k));
}

function toTable({ k, labels, distances, keys, stats }: Results): string {
  const rows = Array.from(labels, (label, i) => [
    String(Math.floor(i / k)),
    String((i % k) + 1),
    label < 0 ? '–' : String(label),
    formatDistance(distances[i]!),
    ...(keys ? [keys[i] ?? ''] : []),
  ]);
  const table = formatTable(['query', 'rank', 'label', 'distance', ...(keys ? ['key'] : [])], rows);
  return `${table}\n${stats ? `\n${describeStats(stats)}` : ''}`;
}
