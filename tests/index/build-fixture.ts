/** Graphs that are built on an engine and, for comparison, on a host. */
import { expect } from 'vitest';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import type { Engine } from '../../src/host/engine.ts';
import type { GraphState } from '../../src/index/graph-state.ts';
import { GraphStore } from '../../src/index/graph-store.ts';
import { HostWalker } from '../../src/index/graph-walk.ts';
import type { BuildingWalker } from '../../src/index/linker.ts';
import { emptySnapshot } from '../../src/index/rows.ts';
import type { Metric } from '../../src/index/vector-index.ts';
import { PAGE_ROWS } from '../../src/kernels/graph.ts';
import { type Kind, makeVectors } from '../contract/data.ts';
import { type Answer, expectSameAnswer, readFound } from './graph-fixture.ts';
import { snapshotOf } from './helpers.ts';

/** The same engine with smaller bindings. */
export function narrowed<E extends Engine>(engine: E, maxBlockBytes: number | undefined): E {
  return maxBlockBytes === undefined ? engine : (Object.assign(Object.create(engine), { maxBlockBytes }) as E);
}

export interface BuildShape {
  readonly dim: number;
  readonly M: number;
  readonly efConstruction: number;
  /** Rows of each add; before the third one, another fails. */
  readonly parts: readonly number[];
  /** Default: as suits the metric. */
  readonly kind?: Kind;
}

export const SHAPE: BuildShape = { dim: 12, M: 4, efConstruction: 12, parts: [150, 60, 40] };

type WalkerOver = (store: GraphStore) => BuildingWalker;

/** The graph that adds make, one of which fails, and what older and newer states find on the way. */
async function built({ dim, M, efConstruction, parts, kind: asked }: BuildShape, engine: Engine, metric: Metric, walkerOver: WalkerOver) {
  const { host } = engine;
  const store = new GraphStore(host, { dim, metric, seed: 3, M, efConstruction, codesOnly: true });
  const walker = walkerOver(store);
  const answers: Answer[] = [];
  const states: GraphState[] = [];
  const garbage: Disposable[] = [];
  let snapshot = emptySnapshot(store.newOriginals());
  const ask = async (graph: GraphState) => {
    using queries = await store.codec!.encodeQueries(makeVectors('unit', 20, dim, 3));
    answers.push(readFound(host, await walker.walk(store.view(graph), { nq: 20, queries, level: 0, ef: 10 })));
  };
  const kind = asked ?? (metric === 'cosine' ? 'unit' : 'normal');
  for (const [i, n] of parts.entries()) {
    const offset = i + 1;
    if (offset === 3) {
      const failing = snapshotOf(makeVectors(kind, 50, dim, 9), dim, snapshot);
      const signal = AbortSignal.abort(new Error('enough'));
      await expect(store.extend(failing, states.at(-1), walker, { signal })).rejects.toThrow('enough');
    }
    snapshot = snapshotOf(makeVectors(kind, n, dim, offset), dim, snapshot);
    const extended = await store.extend(snapshot, states.at(-1), walker, {});
    garbage.push(...extended.garbage);
    states.push(extended.graph);
    for (const state of [...states, states[0]!]) await ask(state);
  }
  const { pages, entry } = states.at(-1)!;
  const words = PAGE_ROWS * store.degree;
  const arena = host.view(pages.arena.block);
  const links = [...pages.table].map((slot) => arena.slice(slot * words, (slot + 1) * words));
  for (const thing of [...garbage, store, pages.block, pages.arena.block]) thing[Symbol.dispose]();
  return { entry, links, answers };
}

export async function expectSameBuild(engine: Engine, metric: Metric, walkerOver: WalkerOver, shape = SHAPE): Promise<void> {
  using host = await CpuEngine.open({ threads: 1 });
  const expected = await built(shape, host, metric, () => new HostWalker(host));
  const actual = await built(shape, engine, metric, walkerOver);
  expect(actual.entry).toBe(expected.entry);
  expect(actual.links).toEqual(expected.links);
  for (const [i, answer] of expected.answers.entries()) expectSameAnswer(actual.answers[i]!, answer, `answer ${i}`);
}
