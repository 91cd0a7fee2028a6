import type { Engine } from '../host/engine.ts';
import { badArgument, badFile } from '../util/errors.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { CodedIndex } from './coded.ts';
import { type CodedOptions, codedConfig } from './coded-config.ts';
import { CodedGraphIndex } from './coded-graph.ts';
import { checkedM, readCodedGraph } from './coded-graph-read.ts';
import { readCoded } from './coded-read.ts';
import { originalsFor } from './coded-state.ts';
import { FlatIndex } from './flat.ts';
import { readFlat } from './flat-file.ts';
import { BodyReader, type ByteSource } from './format.ts';
import { emptyHnsw, HnswIndex } from './hnsw.ts';
import { HNSW_PATTERN, type HnswOptions, hnswConfig } from './hnsw-config.ts';
import { readHnsw } from './hnsw-read.ts';
import { MemoryOriginals, type OriginalsAt } from './originals.ts';
import { emptySnapshot } from './rows.ts';
import { checkDim, checkMetric, checkSeed, type Metric, type Settings, type VectorIndex } from './vector-index.ts';

export interface IndexConfig extends HnswOptions, Omit<CodedOptions, 'M'> {
  /** Values in a vector, 1 to 4,096. */
  readonly dim: number;
  /** Default 'l2'. */
  readonly metric?: Metric | undefined;
  /** Steers whatever an index draws at random; stored with it. Default 1. */
  readonly seed?: number | undefined;
}

/** What is given to an index whatever its kind: where it computes, and what runs when it closes. */
interface Surroundings {
  readonly engine: Engine;
  readonly onClose: (() => void) | undefined;
}

/** A kind of index: the descriptions that name it, and how it comes to be. */
interface Kind {
  /** The descriptions, as an error tells them. */
  readonly form: string;
  readonly pattern: RegExp;
  /** An empty index. */
  make(description: string, settings: Settings, config: IndexConfig, surroundings: Surroundings): VectorIndex;
  read(reader: BodyReader, options: TaskOptions, originalsAt: OriginalsAt | undefined, surroundings: Surroundings): Promise<VectorIndex>;
}

const KINDS: readonly Kind[] = [
  {
    form: "'Flat'",
    pattern: /^Flat$/,
    make: (_description, settings, _config, { engine, onClose }) =>
      new FlatIndex(engine, { ...settings, snapshot: emptySnapshot(new MemoryOriginals(settings.dim)) }, onClose),
    read: async (reader, options, originalsAt, { engine, onClose }) =>
      new FlatIndex(engine, await readFlat(reader, options, originalsAt), onClose),
  },
  {
    form: "'HNSW<M>', 'HNSW<M>,SQ8'",
    pattern: HNSW_PATTERN,
    make: (description, settings, config, { engine, onClose }) =>
      new HnswIndex(engine, emptyHnsw(engine, settings, hnswConfig(description, config)), onClose),
    read: async (reader, options, originalsAt, { engine, onClose }) =>
      new HnswIndex(engine, await readHnsw(reader, engine.host, options, originalsAt), onClose),
  },
  {
    form: "'HNSW<M>,PQ<M>', behind 'OPQ<M>', 'PCA<d>' or 'RR' and with ',RFlat' too ('OPQ+HNSW' is 'OPQ32,HNSW16,PQ32')",
    pattern: /HNSW/,
    make: (description, settings, options, { engine, onClose }) => {
      const config = codedConfig(description, options, settings.dim);
      checkedM(config);
      const snapshot = emptySnapshot(originalsFor(config, settings.dim));
      const nothing = { trained: undefined, nodes: undefined, graph: undefined };
      return new CodedGraphIndex(engine, { config, settings, snapshot, ...nothing }, onClose);
    },
    read: async (reader, options, originalsAt, { engine, onClose }) =>
      new CodedGraphIndex(engine, await readCodedGraph(reader, engine, options, originalsAt), onClose),
  },
  {
    form: "'PQ<M>', 'SQ8', 'SQ4', 'SQfp16', 'LVQ8', 'LVQ4', 'LSH<bits>', 'IVF<nlist>,Flat|SQ8|SQ4|SQfp16|LVQ8|LVQ4|PQ<M>', each behind 'OPQ<M>', 'PCA<d>' or 'RR' and with ',RFlat'",
    pattern: /^/,
    make: (description, settings, options, { engine, onClose }) => {
      const config = codedConfig(description, options, settings.dim);
      const snapshot = emptySnapshot(originalsFor(config, settings.dim));
      return new CodedIndex(engine, { config, settings, snapshot, trained: undefined, lists: undefined }, onClose);
    },
    read: async (reader, options, originalsAt, { engine, onClose }) =>
      new CodedIndex(engine, await readCoded(reader, engine, options, originalsAt), onClose),
  },
];

/** Makes an empty index by its description. Throws 'bad-argument' for one that is not known. */
export function makeIndex(description: string, config: IndexConfig, engine: Engine, onClose?: () => void): VectorIndex {
  const kind = kindOf(description);
  if (!kind) {
    const known = KINDS.map(({ form }) => form).join(', ');
    throw badArgument(`the index description '${description}' is not known; this version knows ${known}`);
  }
  const dim = checkDim(config?.dim);
  const metric = checkMetric(config.metric ?? 'l2');
  const seed = checkSeed(config.seed ?? 1);
  return kind.make(description, { dim, metric, seed }, config, { engine, onClose });
}

/** Reads an index of any kind. `originalsAt` gives the vectors another place than memory. */
export async function readIndex(
  source: ByteSource,
  engine: Engine,
  options: TaskOptions = {},
  originalsAt?: OriginalsAt,
  onClose?: () => void,
): Promise<VectorIndex> {
  const reader = await BodyReader.open(source);
  const { description } = reader.header;
  const kind = kindOf(description);
  if (!kind) throw badFile(`${source.name} holds a '${description}' index, which this version does not know`);
  return kind.read(reader, options, originalsAt, { engine, onClose });
}

function kindOf(description: unknown): Kind | undefined {
  return typeof description === 'string' ? KINDS.find(({ pattern }) => pattern.test(description)) : undefined;
}
