/** Queries to an HNSW graph: nodes are scored by the codes of its store, answers by the vectors, or by what codes alone say. */
import type { TaskOptions } from '../util/tasks.ts';
import type { Collector } from './collectors.ts';
import { type ExhaustTask, exhaust } from './exhaust.ts';
import type { CodedSlice, GraphQueries } from './graph-queries.ts';
import type { GraphState } from './graph-state.ts';
import type { GraphStore } from './graph-store.ts';
import { lookedAt, refineFound } from './list-refiner.ts';

export interface HnswTask extends ExhaustTask {
  readonly store: GraphStore;
  /** Undefined where no row was ever added. */
  readonly graph: GraphState | undefined;
  /** Of the beam; raised to the number of neighbours that are wanted. */
  readonly efSearch: number;
}

export function hnswQueries(task: HnswTask): GraphQueries {
  const { engine, store, graph, snapshot, admission, queries, options, efSearch } = task;
  return {
    host: engine.host,
    view: graph && store.view(graph),
    ...{ snapshot, admission, queries, options },
    distancesOf: store.settings.codesOnly ? 'codes' : 'vectors',
    beamFor: (k = 0) => Math.max(efSearch, k),
    lookedAt,
    code: (rows) => codedSlice({ ...task, graph: graph! }, rows),
    exhaust: (rows: Float32Array, own: TaskOptions, collector: Collector) => exhaust({ ...task, queries: rows, options: own }, collector),
  };
}

async function codedSlice(task: HnswTask & { readonly graph: GraphState }, rows: Float32Array): Promise<CodedSlice> {
  const block = await task.store.codec!.encodeQueries(rows);
  return {
    block,
    refine: (lists, k, take) => refineFound(task, rows, lists, k, take),
    [Symbol.dispose]: () => block[Symbol.dispose](),
  };
}
