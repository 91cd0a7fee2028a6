/** Opens what the searching commands work on: engines, an index, queries. */
import { annDistanceOf, METRIC_OF, metricOfFile } from '../io/ann-benchmarks.ts';
import type { VectorSource } from '../io/source.ts';
import { openVectors, readVectors } from '../io/vector-source.ts';
import { type Engine, type EngineOptions, IsodexError, type Metric, openEngine, openIndex, type VectorIndex } from '../node.ts';
import { prepareDrivers } from './drivers.ts';
import type { EngineArgs, GraphArgs } from './options.ts';
import type { Task } from './perform.ts';
import { Progress } from './progress.ts';

export interface Queries {
  readonly vectors: Float32Array;
  readonly n: number;
  readonly dim: number;
}

/** Opens the engine that the options ask for, to search on it. */
export async function openChosenEngine({ engine: prefer, threads }: EngineArgs, { signal }: Task): Promise<Engine> {
  const { mayHaveGpu } = prepareDrivers(prefer);
  if (prefer === 'auto' && !mayHaveGpu) console.warn('isodex: this machine has no GPU, so the CPU answers (isodex doctor tells more)');
  const engine = await openQuietly({ prefer, threads, signal });
  // Tests want such a driver, and nobody who wants speed.
  if (engine.info.adapter?.software) console.warn("isodex: the GPU is a software driver, many times slower than '--engine cpu'");
  return engine;
}

/** `openEngine`, without asking drivers where there is no GPU to drive. */
export async function openQuietly(options: EngineOptions): Promise<Engine> {
  const { prefer = 'auto' } = options;
  const { mayHaveGpu } = prepareDrivers(prefer);
  return openEngine({ ...options, prefer: prefer === 'auto' && !mayHaveGpu ? 'cpu' : prefer });
}

/** The metric that was given, else the one that the file asks for, else l2. Says where the two differ. */
export async function metricFor(path: string, given: Metric | undefined): Promise<Metric> {
  if (given === undefined) return (await metricOfFile(path)) ?? 'l2';
  const distance = await annDistanceOf(path);
  if (distance !== undefined && METRIC_OF[distance] !== given) {
    const fitting = METRIC_OF[distance] ? `, which is --metric ${METRIC_OF[distance]}` : '';
    console.warn(`isodex: ${path} says that its vectors are compared by ${distance}${fitting}; they are compared by ${given}`);
  }
  return given;
}

/** All queries of a file, or the first `limit`. */
export async function readQueries(path: string, limit: number | undefined, { signal }: Task): Promise<Queries> {
  const queries = await readVectors(path, { limit, signal });
  if (queries.n === 0) throw new IsodexError('bad-file', `${path} holds no vectors`);
  return queries;
}

/** Opens an index file on an engine; the two are closed together. */
export async function openIndexOn(file: string, engine: Engine, { signal }: Task): Promise<VectorIndex> {
  using progress = new Progress('reading');
  return await openIndex(file, { engine, signal, onProgress: progress.update });
}

/** Derives what searches need, and shows that it takes its time. */
export async function prepareIndex(index: VectorIndex, { signal }: Task): Promise<void> {
  using progress = new Progress('preparing');
  await index.prepare({ signal, onProgress: progress.update });
}

export function checkSameDim(queriesPath: string, queries: Queries, file: string, index: VectorIndex): void {
  if (queries.dim === index.dim) return;
  throw new IsodexError('bad-argument', `${queriesPath} has dim ${queries.dim}, but the index ${file} has dim ${index.dim}`);
}

/** Whether an index of this description walks a graph. */
export function isGraph(description: string): boolean {
  return /(^|,)HNSW/.test(description);
}

/** Whether an index of this description has inverted lists. */
export function hasLists(description: string): boolean {
  return /(^|,)IVF/.test(description);
}

/** Whether an index of this description keeps vectors beside codes. */
export function isRefined(description: string): boolean {
  return /,R?Flat$/.test(description);
}

/** The options of searches that steer what an index does. Says which of them are in vain. */
export function graphOptions({ description }: VectorIndex, { efSearch, stats, nprobe, refineFactor }: GraphArgs): GraphArgs {
  const vain = (given: boolean, name: string, reason: string) => {
    if (given) console.warn(`isodex: ${name} made no difference: ${description} ${reason}`);
  };
  if (!isGraph(description)) {
    const both = [...(efSearch === undefined ? [] : ['--ef-search']), ...(stats ? ['--stats'] : [])];
    vain(both.length > 0, both.join(' and '), 'has no graph');
  }
  vain(nprobe !== undefined && !hasLists(description), '--nprobe', 'has no lists');
  vain(refineFactor !== undefined && !isRefined(description), '--refine-factor', 'keeps no vectors beside codes');
  return { efSearch, stats, nprobe, refineFactor };
}

/** A file of vectors that is open while `work` runs. */
export async function withVectors<T>(path: string, work: (source: VectorSource) => Promise<T>): Promise<T> {
  const source = await openVectors(path);
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}
