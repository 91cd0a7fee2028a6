/** Reads what coded-file.ts writes, and trusts none of it. */
import type { Engine } from '../host/engine.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { MOST_SQUARED_NORM } from './checked-rows.ts';
import { type CodedConfig, codedConfig, keepsVectors } from './coded-config.ts';
import { type CodedContent, originalsFor } from './coded-state.ts';
import { type CoarsePlan, centroidVector } from './coding/coarse-plan.ts';
import type { IntegerGrid } from './coding/integer-grid.ts';
import { bitsFor, splitOf } from './coding/integer-grid.ts';
import { type LinearTransform, transformWidth } from './coding/linear-transform.ts';
import { Lists } from './coding/lists.ts';
import { type LvqPlan, lvqBits, lvqBlocks, MOST_BITS } from './coding/lvq-codes.ts';
import type { TrainedPlan } from './coding/plan.ts';
import { type PqShape, ProductQuantizer, pqSplit } from './coding/product-quantizer.ts';
import { type ScalarRanges, TOP_LEVEL } from './coding/scalar-ranges.ts';
import { Trained } from './coding/trained.ts';
import { checkAgainstDim, type Description } from './description.ts';
import { type BodyReader, fromHeader, type Header } from './format.ts';
import { type CodecPlan, canonicalPlan, sq8Plan } from './graph-codec.ts';
import { damaged } from './graph-read.ts';
import type { OriginalsAt } from './originals.ts';
import { readLabels, readSettings, readVectors } from './row-file.ts';
import { allLive, type Snapshot } from './rows.ts';
import type { Metric, Settings } from './vector-index.ts';

/** No value of a vector is beyond it, as norms are bounded. */
const MOST_VALUE = 2 ** 63;

/** Reads the body of an index over codes; `originalsAt` gives its vectors, where it keeps them, another place than memory. */
export async function readCoded(
  reader: BodyReader,
  engine: Engine,
  options: TaskOptions,
  originalsAt: OriginalsAt | undefined,
): Promise<CodedContent> {
  const { header } = reader;
  const settings = readSettings(header);
  const config = readCodedConfig(header, settings.dim);
  const { withKeys, isTrained, ...counts } = checkedSections(header, config, settings.dim);
  const { count } = counts;
  const labels = await readLabels(reader, withKeys);
  checkLabels(labels, counts);
  const plan = isTrained ? await readPlan(reader, config, settings) : undefined;
  let originals = originalsFor(config, settings.dim);
  const trained = plan && (await Trained.open(engine, plan, settings.metric));
  let lists: Lists | undefined;
  try {
    if (trained) lists = await readLists(reader, engine, trained, count);
    if (keepsVectors(config)) originals = await readVectors(reader, count, settings.dim, { ...options, originalsAt, inMemory: originals });
    await reader.finish();
  } catch (error) {
    for (const thing of [trained, lists]) thing?.[Symbol.dispose]();
    throw error;
  }
  const snapshot: Snapshot = { ...labels, ...counts, originals, liveCount: count, live: allLive(count) };
  return { config, settings, snapshot, trained, lists };
}

interface Counts {
  readonly count: number;
  readonly nextLabel: number;
  readonly nextSerial: number;
}

/** Throws unless the header has the sections that belong to its description, its state and its count of rows. */
function checkedSections(
  { state, sections }: Header,
  config: CodedConfig,
  dim: number,
): Counts & { withKeys: boolean; isTrained: boolean } {
  const { count = -1, nextLabel = -1, nextSerial = -1, trained } = state;
  const withKeys = sections[2]?.name === 'keyEnds';
  const isTrained = trained === 1;
  const names = sectionNames(config, withKeys, isTrained);
  const named = names.length === sections.length && names.every((name, i) => sections[i]!.name === name);
  const lengths: Record<string, number> = { labels: count, serials: count, keyEnds: count, vectors: count * dim };
  const fits = sections.every(({ name, length }) => lengths[name] === undefined || lengths[name] === length);
  if (!named || !fits || nextLabel < 0 || nextSerial < count || (count > 0 && !isTrained)) {
    throw damaged('the sections of its header do not fit its row count');
  }
  return { count, nextLabel, nextSerial, withKeys, isTrained };
}

function sectionNames(config: CodedConfig, withKeys: boolean, isTrained: boolean): string[] {
  const { transforms, structure } = config.description;
  const hasLists = structure.kind === 'IVF';
  const plan = [
    ...transforms.flatMap((_, i) => [`mean${i}`, `matrix${i}`]),
    ...(hasLists ? ['listShift', 'listScale', 'listCentroids'] : []),
    ...codecSections(config.description),
    ...(hasLists ? ['lists', 'codes'] : ['codes']),
  ];
  return [
    ...['labels', 'serials', ...(withKeys ? ['keyEnds', 'keyBytes'] : [])],
    ...(isTrained ? plan : []),
    ...(keepsVectors(config) ? ['vectors'] : []),
  ];
}

function codecSections({ structure, codec }: Description): string[] {
  if (structure.kind === 'LSH') return ['planeMean', 'planes'];
  if (codec.kind === 'f16') return ['codeScale'];
  if (codec.kind === 'LVQ') return ['codeMean', 'codeMatrix', 'codeOffset', 'codeBits', 'codeStep', 'codeLengths'];
  if (codec.kind === 'SQ' && codec.bits === 4) return ['codeLow', 'codeStep'];
  return ['codeShift', 'codeScale', ...(codec.kind === 'PQ' ? ['centroids'] : [])];
}

/** Labels below the next one, and serials that ascend to below the next one. */
function checkLabels({ labels, serials }: Pick<Snapshot, 'labels' | 'serials'>, { nextLabel, nextSerial }: Counts): void {
  const label = labels.find((one) => one < 0 || one >= nextLabel);
  if (label !== undefined) throw damaged(`it has label ${label}, but its next label is ${nextLabel}`);
  for (let i = 1; i < labels.length; i++)
    if (serials.at(i) <= serials.at(i - 1)) throw damaged(`serial ${i} is not above the one before it`);
  if (labels.length > 0 && serials.at(labels.length - 1) >= nextSerial) throw damaged('its last serial is not below the next one');
}

/** The configuration that a header describes. */
export function readCodedConfig(header: Header, dim: number): CodedConfig {
  const { nprobe, refineThousandths = 0, maxPointsPerCentroid, efConstruction, efSearch } = header.state;
  const options = { nprobe, refineFactor: refineThousandths / 1000, maxPointsPerCentroid, efConstruction, efSearch };
  return fromHeader((text) => codedConfig(String(text), options, dim), header.description);
}

export async function readPlan(reader: BodyReader, { description }: CodedConfig, { dim, metric }: Settings): Promise<TrainedPlan> {
  const { bits = 0 } = reader.header.state;
  const { dims } = checkAgainstDim(description, dim);
  const transforms: LinearTransform[] = [];
  for (const [i, dimOut] of dims.entries()) {
    const dimIn = dims[i - 1] ?? dim;
    transforms.push(await readTransform(reader, `mean${i}`, `matrix${i}`, dimIn, dimOut));
  }
  const width = dims.at(-1) ?? dim;
  const { structure, codec } = description;
  const coarse = structure.kind === 'IVF' ? await readCoarse(reader, structure.nlist, width, bits % 16) : undefined;
  if (structure.kind === 'LSH') {
    const planes = await readTransform(reader, 'planeMean', 'planes', width, structure.nBits ?? width);
    return { transforms, coarse, codec: { kind: 'bits', planes }, build: undefined };
  }
  if (codec.kind === 'f16')
    return { transforms, coarse, codec: { kind: 'f16', dim: width, scale: await readScale(reader) }, build: undefined };
  if (codec.kind === 'LVQ')
    return { transforms, coarse, codec: { kind: 'lvq', plan: await readLvq(reader, width, codec.bits) }, build: undefined };
  if (codec.kind === 'SQ' && codec.bits === 4) {
    return { transforms, coarse, codec: { kind: 'sq4', ranges: await readRanges(reader, width) }, build: undefined };
  }
  if (codec.kind !== 'PQ') {
    const { shift, scale } = await readGrid(reader, 'code', width, 8);
    return { transforms, coarse, codec: { kind: 'sq8', plan: sq8Plan(width, metric, { shift, scale }) }, build: undefined };
  }
  const shape: PqShape = { dim: width, M: codec.M, nBits: codec.nBits };
  const split = pqSplit(shape);
  const most = bitsFor(split.dsub) - (coarse ? 1 : 0);
  const grid = await readGrid(reader, 'code', width, Math.floor(bits / 16));
  if (grid.bits < 1 || grid.bits > most) throw damaged(`its grid has ${grid.bits} bits; ${most} fit`);
  const ksub = 2 ** codec.nBits;
  const centroids = await values(reader, 'centroids', split.m * ksub * 2 * split.pairs);
  checkValues(centroids, coarse ? grid.bits + 1 : grid.bits);
  const quantizer = new ProductQuantizer(shape, grid, { split, ksub, weight: 2, centroids });
  const build = structure.kind === 'HNSW' ? await readBuild(reader, width, metric) : undefined;
  return { transforms, coarse, codec: { kind: 'pq', quantizer }, build };
}

async function readTransform(
  reader: BodyReader,
  meanName: string,
  matrixName: string,
  dimIn: number,
  dimOut: number,
): Promise<LinearTransform> {
  const mean = await finite(reader, meanName, dimIn);
  const matrix = await values(reader, matrixName, dimOut * transformWidth(dimIn));
  checkMatrix(matrix, transformWidth(dimIn));
  return { dimIn, dimOut, mean, matrix };
}

/** A power of two. */
async function readScale(reader: BodyReader): Promise<number> {
  const [scale = 0] = await finite(reader, 'codeScale', 1, 2 ** 101);
  if (!(scale >= 2 ** -100) || !Number.isInteger(Math.log2(scale))) throw damaged(`the scale of its codes is ${scale}`);
  return scale;
}

async function readLvq(reader: BodyReader, dim: number, bitsOfValue: 4 | 8): Promise<LvqPlan> {
  const rotation = await readTransform(reader, 'codeMean', 'codeMatrix', dim, dim);
  const offset = await finite(reader, 'codeOffset', dim);
  const blocks = lvqBlocks(dim);
  const bits = Uint8Array.from(await reader.readArray('codeBits', 'u32'), (b) => Math.min(b, 255));
  const count = bits.reduce((sum, b) => sum + b, 0);
  if (bits.length !== blocks || bits.some((b) => b > MOST_BITS) || count !== lvqBits(dim, bitsOfValue)) {
    throw damaged(`the bits of its blocks are not those of ${dim} values`);
  }
  const step = await finite(reader, 'codeStep', blocks);
  const [longest = 0, distortion = 0] = await finite(reader, 'codeLengths', 2, 2 ** 66);
  const most = Array.from(bits, (b) => 2 ** b);
  if (!step.every((x, i) => x >= 0 && x * most[i]! * 8 < MOST_VALUE) || longest < 0 || distortion < 0)
    throw damaged('the steps of its codes are none');
  return { rotation, distortion, offset, bits, step, longest };
}

async function readRanges(reader: BodyReader, dim: number): Promise<ScalarRanges> {
  const low = await finite(reader, 'codeLow', dim);
  const step = await finite(reader, 'codeStep', dim);
  if (!step.every((x) => x >= 0 && x * TOP_LEVEL < MOST_VALUE)) throw damaged('a step of its codes is below 0, or beyond all vectors');
  return { low, step };
}

/** What a graph is built on. */
async function readBuild(reader: BodyReader, dim: number, metric: Metric): Promise<CodecPlan> {
  const { form } = reader.header.state;
  const canonical = canonicalPlan(dim, metric);
  if (form === canonical.form) {
    for (const name of ['buildShift', 'buildScale']) await finite(reader, name, 0);
    return canonical;
  }
  const { shift, scale } = await readGrid(reader, 'build', dim, 8);
  const plan = sq8Plan(dim, metric, { shift, scale });
  if (form !== plan.form) throw damaged(`its graph is built on codes (form ${form}) that ${metric} cannot have`);
  return plan;
}

async function readCoarse(reader: BodyReader, nlist: number, dim: number, bits: number): Promise<CoarsePlan> {
  const grid = await readGrid(reader, 'list', dim, bits);
  if (bits !== bitsFor(dim)) throw damaged(`the grid of its lists has ${bits} bits, not ${bitsFor(dim)}`);
  const centroids = await values(reader, 'listCentroids', nlist * 2 * splitOf(dim, 1).pairs);
  checkValues(centroids, bits);
  const plan = { nlist, grid, values: centroids };
  checkCentroids(plan);
  return plan;
}

/** Distances to centroids stay within f32, as those to vectors do. */
function checkCentroids(plan: CoarsePlan): void {
  const vector = new Float32Array(plan.grid.shift.length);
  for (let i = 0; i < plan.nlist; i++) {
    centroidVector(plan, i, vector);
    const squares = vector.reduce((sum, x) => sum + x * x, 0);
    if (!(squares <= MOST_SQUARED_NORM)) throw damaged(`centroid ${i} of its lists is longer than vectors may be`);
  }
}

async function readGrid(reader: BodyReader, name: string, dim: number, bits: number): Promise<IntegerGrid> {
  const shift = await finite(reader, `${name}Shift`, dim);
  const [scale = 0] = await finite(reader, `${name}Scale`, 1, 2 ** 121);
  if (!(scale >= 2 ** -120 && scale <= 2 ** 120 && 2 ** bits / scale < MOST_VALUE))
    throw damaged(`the scale of its ${name} grid is ${scale}`);
  return { bits, shift, scale };
}

async function finite(reader: BodyReader, name: string, length: number, most = MOST_VALUE): Promise<Float32Array> {
  const array = await reader.readArray(name, 'f32');
  if (array.length !== length || !array.every((x) => Math.abs(x) < most)) {
    throw damaged(`its section ${name} is not ${length} numbers that vectors may have`);
  }
  return array;
}

/** Rows of a matrix are of unit length: longer ones would let products pass 32 bits. */
function checkMatrix(matrix: Int16Array, width: number): void {
  for (let at = 0; at < matrix.length; at += width) {
    let squares = 0;
    for (let j = at; j < at + width; j++) squares += matrix[j]! * matrix[j]!;
    if (squares > 2 ** 30) throw damaged(`row ${at / width} of its matrix has a squared length of ${squares}, beyond 2^30`);
  }
}

function checkValues(centroids: Int16Array, bits: number): void {
  const outside = centroids.find((value) => Math.abs(value) >= 2 ** bits);
  if (outside !== undefined) throw damaged(`a value of its centroids is ${outside}, beyond the ${bits} bits of their grid`);
}

/** i16 values. */
async function values(reader: BodyReader, name: string, length: number): Promise<Int16Array> {
  const words = await reader.readArray(name, 'u32');
  if (words.length * 2 !== length) throw damaged(`its section ${name} has ${words.length * 2} values, not ${length}`);
  return new Int16Array(words.buffer, words.byteOffset, length);
}

async function readLists(reader: BodyReader, engine: Engine, trained: Trained, count: number): Promise<Lists | undefined> {
  const { nlist, codec } = trained;
  const lists = trained.coarse ? await reader.readArray('lists', 'u32') : new Uint32Array(count);
  const codes = await reader.readArray('codes', 'i8');
  if (lists.length !== count || codes.length !== count * codec.stride) throw damaged('its codes are not those of its rows');
  const outside = lists.findIndex((list) => list >= nlist);
  if (outside >= 0) throw damaged(`row ${outside} is in list ${lists[outside]}, of ${nlist}`);
  if (count === 0) return undefined;
  const terms = codec.termsOf?.(codes, lists);
  return Lists.merged(
    engine.host,
    { nlist, stride: codec.stride, withTerms: codec.withTerms },
    undefined,
    [{ first: 0, lists, codes, terms }],
    allLive(count),
  );
}
