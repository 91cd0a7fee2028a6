/** Training of transforms, lists and codecs, in this order: each learns from what the ones before it make of the rows. */
import type { Engine } from '../../host/engine.ts';
import { badArgument } from '../../util/errors.ts';
import { randomWord } from '../../util/random.ts';
import { spread } from '../../util/spread.ts';
import { Breather, type TaskOptions } from '../../util/tasks.ts';
import { checkAgainstDim, type Description, type TransformPart } from '../description.ts';
import { printPart } from '../description-parts.ts';
import { type CodecPlan, sq8Plan, trainCodec as trainGraphCodec } from '../graph-codec.ts';
import { meanAndCovariance } from '../linear/covariance.ts';
import { symmetricEigen } from '../linear/eigen.ts';
import { orthogonalFactor } from '../linear/polar.ts';
import { gridOf } from '../sq8-codec.ts';
import type { Metric, Settings, TrainReport } from '../vector-index.ts';
import { Coarse, trainCoarse } from './coarse.ts';
import { type CoarsePlan, centroidVectors } from './coarse-plan.ts';
import { f16Scale } from './f16-list-codec.ts';
import { bitsFor, integerGrid, packValues, toGrid } from './integer-grid.ts';
import { kmeans } from './kmeans.ts';
import { applyTransform, type LinearTransform, linearTransform } from './linear-transform.ts';
import { residuals } from './list-centroids.ts';
import { fitLvq, LVQ_ROWS, principalAxes } from './lvq-training.ts';
import { trainOpq } from './opq.ts';
import type { TrainedPlan } from './plan.ts';
import { type PqShape, ProductQuantizer, pqSplit } from './product-quantizer.ts';
import { fitRanges } from './scalar-ranges.ts';

/** Steps of k-means of product quantisers, as FAISS takes. */
const PQ_STEPS = 25;
/**
 * Rotations that OPQ tries. What lists leave of rows lies more in the faint directions, which take longer: 11 rounds end 0.011 below
 * FAISS's recall there, 24 at 0.005.
 */
const ROUNDS = 11;
const ROUNDS_BEFORE_LISTS = 24;
/** Rows that the codes which a graph is built on are trained on, at most. */
const GRAPH_ROWS = 4096;
/** Rows that scalar quantisers are fitted to, at most. */
const SCALAR_ROWS = 8192;
/** Fewer rows for each centroid give centroids that say little of other rows (FAISS warns at the same number). */
const LEAST_PER_CENTROID = 39;

export interface TrainTask extends TaskOptions {
  readonly engine: Engine;
  readonly description: Description;
  readonly settings: Settings;
  /** Rows that are learned from for each centroid, at most. */
  readonly maxPointsPerCentroid: number;
}

/** Stages and how much of the whole each is taken to be, for progress. */
type Report = (share: number) => void;

/** Learns from rows f32 [n, dim], checked, and normalised under cosine. */
export async function trainPlan(rows: Float32Array, task: TrainTask): Promise<{ plan: TrainedPlan; report: TrainReport }> {
  const { description, settings } = task;
  const { dim } = settings;
  const n = rows.length / dim;
  task.signal?.throwIfAborted();
  const { dims } = checkAgainstDim(description, dim);
  const warnings = checkCount(n, description, [dim, ...dims]);
  const most = mostRows(description, task.maxPointsPerCentroid);
  let sample = spread(rows, dim, most);
  let width = dim;
  const transforms: LinearTransform[] = [];
  const stages =
    description.transforms.length + (description.structure.kind === 'IVF' ? 1 : 0) + (description.codec.kind === 'LVQ' ? 2 : 1);
  let stage = 0;
  const reporting = (): Report => {
    const done = stage++;
    task.onProgress?.(1000 * done, 1000 * stages);
    return (share) => task.onProgress?.(Math.round(1000 * (done + share)), 1000 * stages);
  };
  for (const [i, part] of description.transforms.entries()) {
    const transform = await trainTransform(sample, width, dims[i]!, part, description, task, reporting());
    sample = await applyTransform(task.engine, transform, sample, { signal: task.signal });
    transforms.push(transform);
    width = dims[i]!;
  }
  const { rotation, turned } = await turn(sample, width, task, reporting);
  sample = turned;
  const coarse = await trainLists(sample, width, task, reporting);
  const codec = rotation
    ? await trainLvq(sample, rotation, coarse, task, reporting())
    : await trainCodec(sample, width, coarse, task, reporting());
  const build = trainBuild(sample, width, task);
  task.onProgress?.(1000 * stages, 1000 * stages);
  task.signal?.throwIfAborted();
  return { plan: { transforms, coarse, codec, build }, report: { rows: Math.min(n, most), warnings } };
}

/** Centroids that each part of the description has, and what it is called. OPQ learns by a quantiser of its own where none follows. */
function centroidsOf({ transforms, structure, codec }: Description): { name: string; count: number }[] {
  const parts: { name: string; count: number }[] = [];
  if (structure.kind === 'IVF') parts.push({ name: printPart(structure), count: structure.nlist });
  if (codec.kind === 'PQ') parts.push({ name: printPart(codec), count: 2 ** codec.nBits });
  else for (const part of transforms) if (part.kind === 'OPQ') parts.push({ name: printPart(part), count: 256 });
  return parts;
}

/** Warnings where there are few rows; throws where there are fewer than centroids. `dims` are those before each transform. */
function checkCount(n: number, description: Description, dims: readonly number[]): string[] {
  const warnings: string[] = [];
  for (const [i, part] of description.transforms.entries()) {
    if (part.kind === 'RR' || n >= dims[i]!) continue;
    warnings.push(`${n} training vectors are few for the ${dims[i]} dimensions that ${printPart(part)} turns; give ${dims[i]} or more`);
  }
  for (const { name, count } of centroidsOf(description)) {
    if (n < count) throw badArgument(`training has ${n} vectors, but ${name} has ${count} centroids; give at least ${count} vectors`);
    const wanted = LEAST_PER_CENTROID * count;
    if (n < wanted) warnings.push(`${n} training vectors are few for the ${count} centroids of ${name}; give ${wanted} or more`);
  }
  return warnings;
}

function mostRows(description: Description, perCentroid: number): number {
  return Math.max(leastRows(description), ...centroidsOf(description).map(({ count }) => count * perCentroid));
}

/** Rows that are learned from where the centroids need no more. */
function leastRows({ codec }: Description): number {
  if (codec.kind === 'LVQ') return LVQ_ROWS;
  return codec.kind === 'SQ' ? SCALAR_ROWS : 4096;
}

/** Inner products must stay what they are, and so must those of normalised vectors. */
function isCentred(metric: Metric): boolean {
  return metric === 'l2';
}

async function trainTransform(
  rows: Float32Array,
  dim: number,
  dimOut: number,
  part: TransformPart,
  { structure, codec }: Description,
  { engine, settings, signal }: TrainTask,
  report: Report,
): Promise<LinearTransform> {
  const { metric, seed } = settings;
  const centred = isCentred(metric);
  const onProgress = (done: number, total: number) => report(done / total);
  switch (part.kind) {
    case 'OPQ': {
      const rounds = structure.kind === 'IVF' ? ROUNDS_BEFORE_LISTS : ROUNDS;
      const shape: PqShape = { dim: dimOut, M: part.M, nBits: codec.kind === 'PQ' ? codec.nBits : 8 };
      return (await trainOpq(engine, rows, { dim, shape, centred, seed, rounds, signal, onProgress })).transform;
    }
    case 'PCA':
      return principal(engine, rows, dim, dimOut, centred, { signal });
    case 'RR':
      return linearTransform(await randomRotation(engine, dim, dimOut, seed, signal), dim, new Float32Array(dim));
    default:
      throw badArgument("L2norm is not among this version's transforms; use metric 'cosine', which normalises vectors");
  }
}

async function principal(
  engine: Engine,
  rows: Float32Array,
  dim: number,
  dimOut: number,
  centred: boolean,
  { signal }: TaskOptions,
): Promise<LinearTransform> {
  const { mean, covariance } = await meanAndCovariance(engine.host, rows, dim, { signal });
  if (!centred) for (let i = 0; i < dim; i++) for (let j = 0; j < dim; j++) covariance[i * dim + j]! += mean[i]! * mean[j]!;
  const { vectors } = await symmetricEigen(covariance, dim, new Breather(signal));
  return linearTransform(vectors.subarray(0, dimOut * dim), dim, centred ? Float32Array.from(mean) : new Float32Array(dim));
}

/** Orthonormal rows nearest to a matrix of sums of random bytes, centred, none of which is zero: f32 [dimOut, dim]. */
function randomRotation(engine: Engine, dim: number, dimOut: number, seed: number, signal: AbortSignal | undefined): Promise<Float32Array> {
  const random = Float32Array.from({ length: dimOut * dim }, (_, i) => {
    const word = randomWord(seed, i);
    return (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24) - 509.5;
  });
  return orthogonalFactor(engine.host, random, { p: dimOut, d: dim, signal });
}

/** Random hyperplanes, orthogonal as far as there are dimensions for it, through the mean where the metric knows no origin. */
async function hyperplanes(
  sample: Float32Array,
  dim: number,
  nBits: number,
  { engine, settings, signal }: TrainTask,
): Promise<LinearTransform> {
  const { metric, seed } = settings;
  const rows = new Float32Array(nBits * dim);
  for (let first = 0; first < nBits; first += dim) {
    const some = Math.min(dim, nBits - first);
    rows.set(await randomRotation(engine, dim, some, (seed + first) >>> 0, signal), first * dim);
  }
  const mean = new Float32Array(dim);
  if (isCentred(metric)) mean.set((await meanAndCovariance(engine.host, sample, dim, { signal })).mean);
  return linearTransform(rows, dim, mean);
}

/** What a graph is built on. */
function trainBuild(sample: Float32Array, dim: number, { description, settings }: TrainTask): CodecPlan | undefined {
  if (description.structure.kind !== 'HNSW') return undefined;
  return trainGraphCodec(spread(sample, dim, GRAPH_ROWS), dim, settings.metric);
}

/** Turns rows to the axes that LVQ codes them along. */
async function turn(
  sample: Float32Array,
  dim: number,
  { description, settings, engine, signal }: TrainTask,
  reporting: () => Report,
): Promise<{ rotation: LinearTransform | undefined; turned: Float32Array }> {
  if (description.codec.kind !== 'LVQ') return { rotation: undefined, turned: sample };
  reporting();
  const rotation = await principalAxes(engine.host, spread(sample, dim, LVQ_ROWS), dim, isCentred(settings.metric), { signal });
  return { rotation, turned: await applyTransform(engine, rotation, sample, { signal }) };
}

async function trainLists(sample: Float32Array, dim: number, task: TrainTask, reporting: () => Report): Promise<CoarsePlan | undefined> {
  const { description, settings, engine, signal, maxPointsPerCentroid } = task;
  const { structure } = description;
  if (structure.kind !== 'IVF') return undefined;
  const report = reporting();
  const rows = spread(sample, dim, structure.nlist * maxPointsPerCentroid);
  const shape = { dim, nlist: structure.nlist, seed: settings.seed };
  return trainCoarse(engine, rows, shape, { signal, onProgress: (done, total) => report(done / total) });
}

async function trainCodec(
  sample: Float32Array,
  dim: number,
  coarse: CoarsePlan | undefined,
  task: TrainTask,
  report: Report,
): Promise<TrainedPlan['codec']> {
  const { description, settings, engine, signal, maxPointsPerCentroid } = task;
  const { metric, seed } = settings;
  const { codec, structure } = description;
  if (structure.kind === 'LSH') return { kind: 'bits', planes: await hyperplanes(sample, dim, structure.nBits ?? dim, task) };
  if (codec.kind === 'Flat' || (codec.kind === 'SQ' && codec.bits === 8)) {
    return { kind: 'sq8', plan: sq8Plan(dim, metric, gridOf(sample, dim, metric !== 'ip')) };
  }
  if (codec.kind === 'f16') return { kind: 'f16', dim, scale: f16Scale(sample) };
  if (codec.kind === 'SQ')
    return { kind: 'sq4', ranges: fitRanges(await leftOf(spread(sample, dim, SCALAR_ROWS), dim, coarse, task), dim) };
  if (codec.kind !== 'PQ') throw new Error('LVQ is trained with its rotation');
  const shape: PqShape = { dim, M: codec.M, nBits: codec.nBits };
  const split = pqSplit(shape);
  const ksub = 2 ** codec.nBits;
  const rows = spread(sample, dim, ksub * maxPointsPerCentroid);
  // What is left of a row beside its list's centroid may span twice the grid.
  const grid = integerGrid(rows, dim, bitsFor(split.dsub) - (coarse ? 1 : 0), metric !== 'ip');
  const values = residuals(
    toGrid(rows, grid),
    coarse && { values: toGrid(centroidVectors(coarse), grid), width: dim },
    await listsOf(engine, rows, coarse, signal),
    dim,
  );
  const onProgress = (done: number, total: number) => report(done / total);
  const packed = packValues(values, dim, split);
  const { centroids } = await kmeans(engine, packed, { split, ksub, iterations: PQ_STEPS, seed, signal, onProgress });
  return { kind: 'pq', quantizer: new ProductQuantizer(shape, grid, { split, ksub, weight: 2, centroids }) };
}

async function trainLvq(
  sample: Float32Array,
  rotation: LinearTransform,
  coarse: CoarsePlan | undefined,
  task: TrainTask,
  report: Report,
): Promise<TrainedPlan['codec']> {
  const { codec } = task.description;
  const rows = await leftOf(spread(sample, rotation.dimOut, LVQ_ROWS), rotation.dimOut, coarse, task);
  report(0.5);
  return { kind: 'lvq', plan: await fitLvq(task.engine.host, rows, rotation, codec.kind === 'LVQ' ? codec.bits : 8) };
}

/** Rows, or what is left of them beside their lists' centroids: f32 [n, dim]. */
async function leftOf(
  rows: Float32Array,
  dim: number,
  coarse: CoarsePlan | undefined,
  { engine, signal }: TrainTask,
): Promise<Float32Array> {
  if (!coarse) return rows;
  const centroids = centroidVectors(coarse);
  const lists = await listsOf(engine, rows, coarse, signal);
  return rows.map((x, at) => x - centroids[lists[Math.floor(at / dim)]! * dim + (at % dim)]!);
}

async function listsOf(
  engine: Engine,
  rows: Float32Array,
  coarse: CoarsePlan | undefined,
  signal: AbortSignal | undefined,
): Promise<Uint32Array> {
  if (!coarse) return new Uint32Array(0);
  using opened = await Coarse.open(engine, coarse, 'l2');
  return await opened.assign(rows, { signal }); // before `opened` goes
}
