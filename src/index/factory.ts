import type { Engine } from '../host/engine.ts';
import { badArgument, badFile } from '../util/errors.ts';
import type { TaskOptions } from '../util/tasks.ts';
import type { ByteSource } from './byte-source.ts';
import { CodedIndex } from './coded.ts';
import { type CodedOptions, codedConfig } from './coded-config.ts';
import { CodedGraphIndex } from './coded-graph.ts';
import { checkedM, readCodedGraph } from './coded-graph-read.ts';
import { readCoded } from './coded-read.ts';
import { originalsFor } from './coded-state.ts';
import { FlatIndex } from './flat.ts';
import { readFlat } from './flat-file.ts';
import { BodyReader } from './format.ts';
import { emptyHnsw, HnswIndex } from './hnsw.ts';
import { HNSW_PATTERN, type HnswOptions, hnswConfig } from './hnsw-config.ts';
import { readHnsw } from './hnsw-read.ts';
import { MemoryOriginals, type OriginalsAt } from './originals.ts';
import { type Circumstances, TUNED_SECTION } from './row-index.ts';
import { emptySnapshot } from './rows.ts';
import { readTuned, type TunedChoice } from './tuned.ts';
import { checkDim, checkMetric, checkSeed, type Metric, type Settings, type VectorIndex } from './vector-index.ts';

export interface IndexConfig extends HnswOptions, Omit<CodedOptions, 'M'> {
  /** Values in a vector, 1 to 4,096. */
  readonly dim: number;
  /** Default 'l2'. */
  readonly metric?: Metric | undefined;
  /** Steers whatever an index draws at random; stored with it. Default 1. */
  readonly seed?: number | undefined;
}

/** What is given to an index whatever its kind: where it computes, and what it has around it. */
interface Surroundings {
  readonly engine: Engine;
  readonly around: Circumstances;
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
    make: (_description, settings, _config, { engine, around }) =>
      new FlatIndex(engine, { ...settings, snapshot: emptySnapshot(new MemoryOriginals(settings.dim)) }, around),
    read: async (reader, options, originalsAt, { engine, around }) =>
      new FlatIndex(engine, await readFlat(reader, options, originalsAt), around),
  },
  {
    form: "'HNSW<M>', 'HNSW<M>,SQ8'",
    pattern: HNSW_PATTERN,
    make: (description, settings, config, { engine, around }) =>
      new HnswIndex(engine, emptyHnsw(engine, settings, hnswConfig(description, config)), around),
    read: async (reader, options, originalsAt, { engine, around }) =>
      new HnswIndex(engine, await readHnsw(reader, engine.host, options, originalsAt), around),
  },
  {
    form: "'HNSW<M>,PQ<M>', behind 'OPQ<M>', 'PCA<d>' or 'RR' and with ',RFlat' too ('OPQ+HNSW' is 'OPQ32,HNSW16,PQ32')",
    pattern: /HNSW/,
    make: (description, settings, options, { engine, around }) => {
      const config = codedConfig(description, options, settings.dim);
      checkedM(config);
      const snapshot = emptySnapshot(originalsFor(config, settings.dim));
      const nothing = { trained: undefined, nodes: undefined, graph: undefined };
      return new CodedGraphIndex(engine, { config, settings, snapshot, ...nothing }, around);
    },
    read: async (reader, options, originalsAt, { engine, around }) =>
      new CodedGraphIndex(engine, await readCodedGraph(reader, engine, options, originalsAt), around),
  },
  {
    form: "'PQ<M>', 'SQ8', 'SQ4', 'SQfp16', 'LVQ8', 'LVQ4', 'LSH<bits>', 'IVF<nlist>,Flat|SQ8|SQ4|SQfp16|LVQ8|LVQ4|PQ<M>', each behind 'OPQ<M>', 'PCA<d>' or 'RR' and with ',RFlat'",
    pattern: /^/,
    make: (description, settings, options, { engine, around }) => {
      const config = codedConfig(description, options, settings.dim);
      const snapshot = emptySnapshot(originalsFor(config, settings.dim));
      return new CodedIndex(engine, { config, settings, snapshot, trained: undefined, lists: undefined }, around);
    },
    read: async (reader, options, originalsAt, { engine, around }) =>
      new CodedIndex(engine, await readCoded(reader, engine, options, originalsAt), around),
  },
];

/** Makes an empty index by its description. Throws 'bad-argument' for one that is not known. */
export function makeIndex(description: string, config: IndexConfig, engine: Engine, around: Circumstances = {}): VectorIndex {
  const kind = kindOf(description);
  if (!kind) {
    const known = KINDS.map(({ form }) => form).join(', ');
    throw badArgument(`the index description '${description}' is not known; this version knows ${known}`);
  }
  const dim = checkDim(config?.dim);
  const metric = checkMetric(config.metric ?? 'l2');
  const seed = checkSeed(config.seed ?? 1);
  return kind.make(description, { dim, metric, seed }, config, { engine, around });
}

/** Reads an index of any kind. `originalsAt` gives the vectors another place than memory. */
export async function readIndex(
  source: ByteSource,
  engine: Engine,
  options: TaskOptions = {},
  originalsAt?: OriginalsAt,
  circumstances: Omit<Circumstances, 'tuned'> = {},
): Promise<VectorIndex> {
  const reader = await BodyReader.open(source);
  const { description } = reader.header;
  const kind = kindOf(description);
  if (!kind) throw badFile(`${source.name} holds a '${description}' index, which this version does not know`);
  const around = { ...circumstances, tuned: tunedIn(reader, source.name) };
  return kind.read(reader, options, originalsAt, { engine, around });
}

/** How the index of a file was chosen, where it says so. */
export function tunedIn({ optional }: BodyReader, name: string): TunedChoice | undefined {
  const content = optional.get(TUNED_SECTION);
  return content === undefined ? undefined : readTuned(content, `${name}'s section ${TUNED_SECTION}`);
}

function kindOf(description: unknown): Kind | undefined {
  return typeof description === 'string' ? KINDS.find(({ pattern }) => pattern.test(description)) : undefined;
}
