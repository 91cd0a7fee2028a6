/** Queries to an HNSW graph: nodes are scored by the codes of its store, answers by the vectors, or by what codes alone say. */
import { disposeAll } from '../host/alloc-all.ts';
import type { TaskOptions } from '../util/tasks.ts';
import type { Collector } from './collectors.ts';
import { type ExhaustTask, exhaust } from './exhaust.ts';
import { limbsReader } from './graph-limbs.ts';
import type { CodedSlice, GraphQueries } from './graph-queries.ts';
import type { GraphState } from './graph-state.ts';
import type { GraphStore } from './graph-store.ts';
import type { GraphView } from './graph-walk.ts';
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
    view: graph && searchedView({ store, graph, snapshot }),
    ...{ snapshot, admission, queries, options },
    distancesOf: store.settings.codesOnly ? 'codes' : 'vectors',
    beamFor: (k = 0) => Math.max(efSearch, k),
    lookedAt,
    code: (rows, withLimbs) => codedSlice({ ...task, graph: graph! }, rows, withLimbs),
    exhaust: (rows: Float32Array, own: TaskOptions, collector: Collector) => exhaust({ ...task, queries: rows, options: own }, collector),
  };
}

/** A graph as searches take it: with what a device may narrow by, where the vectors are in memory. */
export function searchedView({ store, graph, snapshot }: Pick<HnswTask, 'store' | 'snapshot'> & { readonly graph: GraphState }): GraphView {
  return { ...store.view(graph), readLimbs: graph.vectors && limbsReader(store.codec!, snapshot.originals) };
}

async function codedSlice(task: HnswTask & { readonly graph: GraphState }, rows: Float32Array, withLimbs: boolean): Promise<CodedSlice> {
  const codec = task.store.codec!;
  const { dim, stride } = codec.plan;
  const limbs = withLimbs ? await codec.host.alloc('i8', (rows.length / dim) * stride, 'search: limbs') : undefined;
  try {
    const block = await codec.encodeQueries(rows, limbs);
    const refine: CodedSlice['refine'] = (lists, k, take) => refineFound(task, rows, lists, k, take);
    return { block, limbs, refine, [Symbol.dispose]: () => disposeAll(limbs ? [block, limbs] : [block]) };
  } catch (error) {
    limbs?.[Symbol.dispose]();
    throw error;
  }
}
