/** Reads what coded-file.ts writes, and trusts none of it. */
import type { Engine } from '../host/engine.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { type CodedConfig, codedConfig, keepsVectors } from './coded-config.ts';
import { type CodedContent, originalsFor } from './coded-state.ts';
import type { CoarsePlan } from './coding/coarse.ts';
import type { IntegerGrid } from './coding/integer-grid.ts';
import { bitsFor, splitOf } from './coding/integer-grid.ts';
import { type LinearTransform, transformWidth } from './coding/linear-transform.ts';
import { Lists } from './coding/lists.ts';
import type { TrainedPlan } from './coding/plan.ts';
import { type PqShape, ProductQuantizer, pqSplit } from './coding/product-quantizer.ts';
import { Trained } from './coding/trained.ts';
import { checkAgainstDim } from './description.ts';
import { type BodyReader, fromHeader, type Header } from './format.ts';
import { type CodecPlan, canonicalPlan, sq8Plan } from './graph-codec.ts';
import { damaged } from './graph-read.ts';
import type { OriginalsAt } from './originals.ts';
import { readLabels, readSettings, readVectors } from './row-file.ts';
import { allLive, type Snapshot } from './rows.ts';
import type { Metric, Settings } from './vector-index.ts';

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
  const { count = -1, nextLabel = -1, nextSerial = -1, trained: isTrained } = header.state;
  const sizes = header.sections.slice(0, 2).map(({ length }) => length);
  if (count < 0 || nextSerial < count || sizes[0] !== count || sizes[1] !== count || (count > 0 && isTrained !== 1)) {
    throw damaged('the sections of its header do not fit its row count');
  }
  const labels = await readLabels(reader, header.sections[2]?.name === 'keyEnds');
  const plan = isTrained === 1 ? await readPlan(reader, config, settings) : undefined;
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
  const snapshot: Snapshot = { ...labels, originals, count, liveCount: count, live: allLive(count), nextLabel, nextSerial };
  return { config, settings, snapshot, trained, lists };
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
    const mean = await finite(reader, `mean${i}`, dimIn);
    const matrix = await values(reader, `matrix${i}`, dimOut * transformWidth(dimIn));
    transforms.push({ dimIn, dimOut, mean, matrix });
  }
  const width = dims.at(-1) ?? dim;
  const { structure, codec } = description;
  const coarse = structure.kind === 'IVF' ? await readCoarse(reader, structure.nlist, width, bits % 16) : undefined;
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
  const quantizer = new ProductQuantizer(shape, grid, { split, ksub, weight: 2, centroids });
  const build = structure.kind === 'HNSW' ? await readBuild(reader, width, metric) : undefined;
  return { transforms, coarse, codec: { kind: 'pq', quantizer }, build };
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
  return { nlist, grid, values: await values(reader, 'listCentroids', nlist * 2 * splitOf(dim, 1).pairs) };
}

async function readGrid(reader: BodyReader, name: string, dim: number, bits: number): Promise<IntegerGrid> {
  const shift = await finite(reader, `${name}Shift`, dim);
  const [scale = 0] = await finite(reader, `${name}Scale`, 1);
  if (!(scale > 0)) throw damaged(`the scale of its ${name} grid is ${scale}`);
  return { bits, shift, scale };
}

async function finite(reader: BodyReader, name: string, length: number): Promise<Float32Array> {
  const array = await reader.readArray(name, 'f32');
  if (array.length !== length || !array.every(Number.isFinite)) throw damaged(`its section ${name} is not ${length} finite numbers`);
  return array;
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
