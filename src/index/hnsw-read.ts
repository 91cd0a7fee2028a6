/** Reads what hnsw-file.ts writes, and trusts none of it. */
import type { HostEngine } from '../host/engine.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { blocksUnder } from './block-originals.ts';
import { type BodyReader, fromHeader, type Header } from './format.ts';
import { type CodecPlan, canonicalPlan, sq8Plan } from './graph-codec.ts';
import { blocksOf } from './graph-pages.ts';
import { checkedLevels, countLive, damaged, readLinks } from './graph-read.ts';
import type { GraphState } from './graph-state.ts';
import { type GraphSettings, GraphStore } from './graph-store.ts';
import { type HnswConfig, hnswConfig } from './hnsw-config.ts';
import type { OriginalsAt, WritableOriginals } from './originals.ts';
import { readCounts, readLabels, readSettings, readVectors } from './row-file.ts';
import type { Snapshot } from './rows.ts';
import type { Metric } from './vector-index.ts';

/** Sections between the keys and the vectors: live, shift, scale, upperLinks, links. */
const OWN_SECTIONS = 5;

/** A graph index as it was read. */
export interface HnswContent {
  readonly config: HnswConfig;
  readonly store: GraphStore;
  readonly snapshot: Snapshot;
  /** Undefined where no row was ever added. */
  readonly graph: GraphState | undefined;
}

/** Reads an HNSW body onto a host engine; `originalsAt` gives its vectors another place than memory. */
export async function readHnsw(
  reader: BodyReader,
  host: HostEngine,
  options: TaskOptions,
  originalsAt: OriginalsAt | undefined,
): Promise<HnswContent> {
  const { header } = reader;
  const { efConstruction, efSearch } = header.state;
  const config = fromHeader((description) => hnswConfig(String(description), { efConstruction, efSearch }), header.description);
  const store = new GraphStore(host, { ...readSettings(header), ...config });
  try {
    return { config, store, ...(await readGraph(reader, store, options, originalsAt)) };
  } catch (error) {
    store[Symbol.dispose]();
    throw error;
  }
}

async function readGraph(
  reader: BodyReader,
  store: GraphStore,
  options: TaskOptions,
  originalsAt: OriginalsAt | undefined,
): Promise<Pick<HnswContent, 'snapshot' | 'graph'>> {
  const { header } = reader;
  const { settings } = store;
  const { dim, codesOnly, M } = settings;
  const { withKeys, ...counts } = readCounts(header, codesOnly ? planOf(header, settings).stride : dim, OWN_SECTIONS);
  const { count } = counts;
  const labels = await readLabels(reader, withKeys);
  const live = await reader.readArray('live', 'u32');
  const plan = planOf(header, settings, await reader.readArray('shift', 'f32'), (await reader.readArray('scale', 'f32'))[0]);
  const upper = await reader.readArray('upperLinks', 'u32');
  const levels = checkedLevels(header, labels.serials, count, settings, upper.length / M);
  const pages = await readLinks(reader, store.host, M, levels, upper, count);
  const inMemory = store.newOriginals();
  try {
    if (count > 0) await store.use(plan);
    const originals = await readRows(reader, store, inMemory, count, options, originalsAt);
    await reader.finish();
    const snapshot = { ...counts, ...labels, originals, live, liveCount: countLive(header, live, count) };
    if (count === 0) {
      for (const block of blocksOf(pages)) block[Symbol.dispose]();
      return { snapshot, graph: undefined };
    }
    await store.appendNodes(snapshot, 0, levels);
    const { entry = 0, entryLevel = 0, sinceRepair = 0 } = header.state;
    return { snapshot, graph: store.stateOf(snapshot, { entry, entryLevel, upperCount: levels.upperCount, pages, sinceRepair }) };
  } catch (error) {
    for (const thing of [...blocksOf(pages), ...blocksUnder(inMemory)]) thing[Symbol.dispose]();
    throw error;
  }
}

/** The codec that the header names, with the grid that was read. */
function planOf({ state }: Header, { dim, metric, codesOnly }: GraphSettings, shift?: Float32Array, scale?: number): CodecPlan {
  const sq8 = sq8Plan(dim, metric, { shift: shift ?? new Float32Array(dim), scale: scale ?? 1 });
  const canonical = canonicalPlan(dim, metric);
  const plan = state.form === canonical.form && !codesOnly ? canonical : sq8;
  const gridFits = shift === undefined || (plan === sq8 ? isGrid(dim, metric, shift, scale) : shift.length === 0);
  const sound = state.count === 0 || (state.form === plan.form && gridFits);
  if (!sound) throw damaged(`its codec (form ${state.form}) is none that ${metric} of dim ${dim} can have`);
  return plan;
}

/** Codes of inner products have no shift, and certificates count on it (docs/identity.md, part 13). */
function isGrid(dim: number, metric: Metric, shift: Float32Array, scale = 0): boolean {
  const isShift = metric === 'ip' ? (value: number) => value === 0 : Number.isFinite;
  return shift.length === dim && shift.every(isShift) && scale > 0 && scale < Infinity;
}

/** The vectors, coded as they go by, or the codes that were kept in their place. */
async function readRows(
  reader: BodyReader,
  store: GraphStore,
  inMemory: WritableOriginals,
  count: number,
  options: TaskOptions,
  originalsAt: OriginalsAt | undefined,
): Promise<WritableOriginals> {
  const { dim, codesOnly } = store.settings;
  if (codesOnly) {
    const codes = await reader.readArray('codes', 'i8');
    if (count > 0) await store.restoreCodes(codes, count);
    return inMemory;
  }
  const onPiece = (first: number, piece: Float32Array) => store.appendCodes(first, piece, count);
  return readVectors(reader, count, dim, { ...options, originalsAt, inMemory, onPiece });
}
