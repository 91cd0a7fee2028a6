/** Searches of an HNSW index in slices as small as a test wants them, on any engine over the state that its own host holds. */
import type { Block } from '../../src/host/block.ts';
import type { Engine, HostEngine } from '../../src/host/engine.ts';
import type { Recording } from '../../src/host/recording.ts';
import { checkedQueries } from '../../src/index/checked-rows.ts';
import { EngineWalker } from '../../src/index/engine-walker.ts';
import { makeIndex } from '../../src/index/factory.ts';
import { admit, type LabelFilter } from '../../src/index/filter.ts';
import { sq8Plan } from '../../src/index/graph-codec.ts';
import { nearestInGraph } from '../../src/index/graph-queries.ts';
import type { GraphState } from '../../src/index/graph-state.ts';
import type { GraphStore } from '../../src/index/graph-store.ts';
import type { HnswIndex } from '../../src/index/hnsw.ts';
import { hnswQueries } from '../../src/index/hnsw-search.ts';
import type { Snapshot } from '../../src/index/rows.ts';
import { gridOf } from '../../src/index/sq8-codec.ts';
import type { Metric } from '../../src/index/vector-index.ts';
import { NONE } from '../../src/kernels/graph.ts';
import { refineLists } from '../../src/kernels/refine-lists.ts';

interface State {
  readonly snapshot: Snapshot;
  readonly store: GraphStore;
  readonly graph: GraphState | undefined;
}

export interface Question {
  readonly queries: Float32Array;
  readonly k: number;
  readonly efSearch: number;
  readonly filter?: LabelFilter;
  readonly signal?: AbortSignal;
}

/** An index that is walked by codes of 8 bits however coarse these are for its rows, all of which it takes in one add. */
export async function codedIndex(host: Engine, metric: Metric, vectors: Float32Array, dim: number): Promise<HnswIndex> {
  const index = makeIndex('HNSW5', { dim, metric, efConstruction: 16 }, host) as HnswIndex;
  await stateOf(index).store.use(sq8Plan(dim, metric, gridOf(checkedQueries(vectors, dim, metric), dim, metric !== 'ip')));
  await index.add(vectors);
  return index;
}

export function stateOf(index: HnswIndex): State {
  return (index as unknown as { states: { current: State } }).states.current;
}

/** What `engine` answers, in slices of `slice` queries where it is a device. */
export async function searchOn(engine: Engine, index: HnswIndex, question: Question, slice = 5) {
  const { metric, dim } = index;
  const state = stateOf(index);
  const { k, efSearch, filter, signal } = question;
  const queries = checkedQueries(question.queries, dim, metric);
  const task = { ...state, engine, metric, queries, efSearch, admission: admit(state.snapshot, filter), options: { signal } };
  const walker = new EngineWalker(engine, state.store.device, { host: 64, device: slice });
  const answer = await nearestInGraph(hnswQueries({ ...task, width: Math.ceil(dim / 16) * 16 }), k, true, walker);
  return { ...answer, engine: walker.answered.kind };
}

/** Counts the rows that an engine compares canonically for searches in graphs. */
export function countingRefined<H extends HostEngine>(host: H): { readonly host: H; readonly count: { rows: number; most: number } } {
  const count = { rows: 0, most: 0 };
  const run = (recording: Recording) => {
    for (const { kernel, blocks, named } of recording.dispatches) {
      if (kernel.name !== refineLists.name) continue;
      const lists = host.view(blocks[Object.keys(kernel.bindings).indexOf('lists')] as Block<'u32'>);
      for (let q = 0; q < named.nq!; q++) {
        const list = lists.subarray(q * named.listStride!, q * named.listStride! + named.listLength!);
        count.rows += list.includes(NONE) ? list.indexOf(NONE) : list.length;
        count.most += list.length;
      }
    }
    return host.run(recording);
  };
  const counting = Object.assign(Object.create(host), { run }) as H;
  Object.defineProperty(counting, 'host', { value: counting });
  return { host: counting, count };
}
