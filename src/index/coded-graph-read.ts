/** Reads what coded-graph-file.ts writes, and trusts none of it. */
import type { Engine } from '../host/engine.ts';
import { badArgument } from '../util/errors.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { type CodedConfig, keepsVectors } from './coded-config.ts';
import { type CodedGraph, type CodedGraphContent, CodedNodes } from './coded-graph-state.ts';
import { readCodedConfig, readPlan } from './coded-read.ts';
import { originalsFor } from './coded-state.ts';
import { Trained } from './coding/trained.ts';
import { printDescription } from './description.ts';
import { type BodyReader, fromHeader, type Header } from './format.ts';
import { blocksOf } from './graph-pages.ts';
import { checkedLevels, countLive, damaged, readLinks } from './graph-read.ts';
import type { OriginalsAt } from './originals.ts';
import { readLabels, readSettings, readVectors } from './row-file.ts';
import type { Serials } from './serials.ts';
import type { Settings } from './vector-index.ts';

/** Links that a node chooses on each level. Throws 'bad-argument' for descriptions of no graph over product-quantiser codes. */
export function checkedM({ description }: CodedConfig): number {
  const { structure, codec } = description;
  if (structure.kind === 'HNSW' && codec.kind === 'PQ') return structure.M;
  throw badArgument(
    `the index description '${printDescription(description)}' is not known: graphs take PQ<M>, which transforms and RFlat may go ` +
      "with; without those 'HNSW<M>' and 'HNSW<M>,SQ8' are known",
  );
}

/** Reads the body of a graph over codes; `originalsAt` gives its vectors, where it keeps them, another place than memory. */
export async function readCodedGraph(
  reader: BodyReader,
  engine: Engine,
  options: TaskOptions,
  originalsAt: OriginalsAt | undefined,
): Promise<CodedGraphContent> {
  const { header } = reader;
  const settings = readSettings(header);
  const config = readCodedConfig(header, settings.dim);
  const M = fromHeader(() => checkedM(config), header.description);
  const counts = checkedCounts(header);
  const { count } = counts;
  const labels = await readLabels(reader, header.sections[2]?.name === 'keyEnds');
  const live = await reader.readArray('live', 'u32');
  const plan = header.state.trained === 1 ? await readPlan(reader, config, settings) : undefined;
  const held: Disposable[] = [];
  const hold = <T extends Disposable>(thing: T): T => {
    held.push(thing);
    return thing;
  };
  try {
    const trained = plan && hold(await Trained.open(engine, plan, settings.metric));
    const { nodes, graph } = await readGraph(reader, engine, { count, M, serials: labels.serials, settings, trained }, hold);
    const inMemory = originalsFor(config, settings.dim);
    const reading = { ...options, originalsAt, inMemory };
    const originals = keepsVectors(config) ? await readVectors(reader, count, settings.dim, reading) : inMemory;
    if (keepsVectors(config) && header.sections.at(-1)?.length !== count * settings.dim)
      throw damaged('its vectors are not those of its rows');
    await reader.finish();
    const snapshot = { ...counts, ...labels, originals, live, liveCount: countLive(header, live, count) };
    return { config, settings, snapshot, trained, nodes, graph };
  } catch (error) {
    for (const thing of held) thing[Symbol.dispose]();
    throw error;
  }
}

function checkedCounts({ state, sections }: Header) {
  const { count = -1, nextLabel = -1, nextSerial = -1, trained } = state;
  const sizes = sections.slice(0, 2).map(({ length }) => length);
  const fits = nextLabel >= 0 && nextSerial >= count && sizes[0] === count && sizes[1] === count;
  if (!fits || (count > 0 && trained !== 1)) throw damaged('the sections of its header do not fit its row count');
  return { count, nextLabel, nextSerial };
}

interface GraphReading {
  readonly count: number;
  readonly M: number;
  readonly serials: Serials;
  readonly settings: Settings;
  readonly trained: Trained | undefined;
}

/** Codes and links. */
async function readGraph(
  reader: BodyReader,
  { host }: Engine,
  { count, M, serials, settings, trained }: GraphReading,
  hold: <T extends Disposable>(thing: T) => T,
): Promise<{ nodes: CodedNodes | undefined; graph: CodedGraph | undefined }> {
  const { entry = 0, entryLevel = 0, sinceRepair = 0 } = reader.header.state;
  const codes = await reader.readArray('codes', 'i8');
  if (codes.length !== count * (trained?.codec.stride ?? 0)) throw damaged('its codes are not those of its rows');
  const upper = await reader.readArray('upperLinks', 'u32');
  const levels = checkedLevels(reader.header, serials, count, { seed: settings.seed, M }, upper.length / M);
  const pages = await readLinks(reader, host, M, levels, upper, count);
  if (count === 0 || !trained) {
    for (const block of blocksOf(pages)) block[Symbol.dispose]();
    return { nodes: undefined, graph: undefined };
  }
  for (const block of blocksOf(pages)) hold(block);
  const nodes = hold(new CodedNodes(host, trained.codec.stride));
  await nodes.reserve(count);
  nodes.putCodes(0, codes);
  nodes.putUpperRows(0, levels.upperRows);
  return { nodes, graph: { count, entry, entryLevel, upperCount: levels.upperCount, pages, sinceRepair, ...nodes.blocks } };
}
