/**
 * How rows join a graph over product-quantiser codes. Links are chosen by finer codes than the graph is searched with, SQ8 of the
 * transformed vectors: codes of 32 bytes take many rows for copies of one another, and the heuristic that spreads links would choose
 * among them by chance. Finer codes cost memory only while rows are being added, and then go.
 */
import type { Engine } from '../host/engine.ts';
import { Breather, type TaskOptions } from '../util/tasks.ts';
import type { CodedGraph, CodedNodes } from './coded-graph-state.ts';
import type { Trained } from './coding/trained.ts';
import { DecodedRows } from './decoded-rows.ts';
import { EngineWalker } from './engine-walker.ts';
import type { GraphState } from './graph-state.ts';
import { type GraphSettings, GraphStore, levelsOf } from './graph-store.ts';
import { MemoryOriginals } from './originals.ts';
import type { Snapshot } from './rows.ts';

/** Rows coded at a time. */
const PIECE_ROWS = 4096;

/** Rows that are to be a graph, and what of it is there. */
export interface Growth {
  readonly engine: Engine;
  readonly trained: Trained;
  /** `dim` is that of the vectors as added. */
  readonly settings: Omit<GraphSettings, 'codesOnly'>;
  /** Whether `snapshot` has the vectors of all rows; without them those below `coded` are what their codes say. */
  readonly withVectors: boolean;
  readonly snapshot: Snapshot;
  readonly nodes: CodedNodes;
  /** Rows below have their codes in `nodes`. */
  readonly coded: number;
  readonly from: CodedGraph | undefined;
}

/**
 * The graph of all rows of the snapshot, and what only `from` and states before it use. Where it throws, `from` is as it was. Rows
 * that are in it already are coded finely again: from their vectors, or, where only codes are kept, from what these say, so that
 * links of rows which come later lead to places a little beside the old ones.
 */
export async function grow(growth: Growth, options: TaskOptions): Promise<{ graph: CodedGraph; garbage: Disposable[] }> {
  const { engine, trained, settings, snapshot, nodes, from } = growth;
  const dim = trained.dimOf(settings.dim);
  using store = new GraphStore(engine.host, { ...settings, dim, codesOnly: true });
  await store.use(trained.plan.build!);
  await nodes.reserve(snapshot.count);
  await codeRows(growth, store, options);
  // The store has codes already, and never asks for vectors.
  const rows = { ...snapshot, originals: new MemoryOriginals(dim) };
  const before = from && (await stateBefore(store, rows, from));
  const { graph, garbage } = await store.link(rows, before, new EngineWalker(engine, store.device), options);
  const first = from?.count ?? 0;
  nodes.putUpperRows(first, engine.host.view(graph.upperRows).subarray(first, snapshot.count));
  const { count, entry, entryLevel, upperCount, pages, sinceRepair } = graph;
  const next = { count, entry, entryLevel, upperCount, pages, sinceRepair, ...nodes.blocks };
  return { graph: next, garbage: [...garbage, ...nodes.takeOutgrown()] };
}

/** Codes of all rows to build on, and of those that are new to search on. */
async function codeRows({ trained, snapshot, nodes, coded, ...growth }: Growth, store: GraphStore, options: TaskOptions): Promise<void> {
  const { host } = growth.engine;
  const { originals, count } = snapshot;
  const breather = new Breather(options.signal);
  const said = new DecodedRows(host, trained.codec, nodes.blocks.codes, store.settings.dim, (position) => ({ list: 0, position }));
  for (let begin = 0, end = 0; begin < count; begin = end) {
    const isCoded = begin < coded;
    end = Math.min(begin + PIECE_ROWS, isCoded ? coded : count);
    const transformed =
      isCoded && !growth.withVectors ? await rowsOf(said, begin, end) : await transformedRows(trained, originals, begin, end);
    await store.appendCodes(begin, transformed, count);
    if (!isCoded) nodes.putCodes(begin, (await trained.codec.encode(transformed, new Uint32Array(end - begin), options)).codes);
    options.onProgress?.(0, count - (growth.from?.count ?? 0));
    await breather.breathe();
  }
}

async function transformedRows(trained: Trained, originals: Snapshot['originals'], begin: number, end: number): Promise<Float32Array> {
  return trained.transform(await rowsOf(originals, begin, end), {});
}

async function rowsOf(originals: Pick<Snapshot['originals'], 'dim' | 'readRange'>, begin: number, end: number): Promise<Float32Array> {
  const rows = new Float32Array((end - begin) * originals.dim);
  await originals.readRange(begin, end, rows);
  return rows;
}

/** The graph so far, over the codes of the store. */
async function stateBefore(store: GraphStore, rows: Snapshot, from: CodedGraph): Promise<GraphState> {
  const before = { ...rows, count: from.count };
  await store.appendNodes(before, 0, levelsOf(rows.serials, 0, from.count, 0, store.settings));
  return store.stateOf(before, from);
}
