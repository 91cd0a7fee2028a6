import type { Engine } from '../host/engine.ts';
import { badArgument, badFile } from '../util/errors.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { FlatIndex } from './flat.ts';
import { readFlat } from './flat-file.ts';
import { BodyReader, type ByteSource } from './format.ts';
import type { WritableOriginals } from './originals.ts';
import { checkDim, checkMetric, checkSeed, type Metric, type VectorIndex } from './vector-index.ts';

export interface IndexConfig {
  /** Values in a vector, 1 to 4,096. */
  readonly dim: number;
  /** Default 'l2'. */
  readonly metric?: Metric | undefined;
  /** Steers whatever an index draws at random; stored with it. Default 1. */
  readonly seed?: number | undefined;
}

/** Makes an empty index by its description. Throws 'bad-argument' for one that is not known. */
export function makeIndex(description: string, config: IndexConfig, engine: Engine, onClose?: () => void): VectorIndex {
  if (description !== 'Flat') throw badArgument(`the index description '${description}' is not known; this version knows 'Flat'`);
  const dim = checkDim(config?.dim);
  const metric = checkMetric(config.metric ?? 'l2');
  const seed = checkSeed(config.seed ?? 1);
  return new FlatIndex(engine, { dim, metric, seed }, onClose);
}

/** Reads an index of any kind. `originalsAt` gives the vectors another place than memory. */
export async function readIndex(
  source: ByteSource,
  engine: Engine,
  options: TaskOptions = {},
  originalsAt?: (position: number, count: number, dim: number) => WritableOriginals,
  onClose?: () => void,
): Promise<VectorIndex> {
  const reader = await BodyReader.open(source);
  const { description } = reader.header;
  if (description !== 'Flat') throw badFile(`${source.name} holds a '${description}' index, which this version does not know`);
  return new FlatIndex(engine, await readFlat(reader, options, originalsAt), onClose);
}
