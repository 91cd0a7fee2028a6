/** Made-up graphs on engines, and what is asked of walkers. */
import { expect } from 'vitest';
import type { Block } from '../../src/host/block.ts';
import type { HostEngine } from '../../src/host/engine.ts';
import type { Found, GraphView, Walk } from '../../src/index/graph-walk.ts';
import { HostWalker } from '../../src/index/graph-walk.ts';
import type { ArrayOf, Dtype } from '../../src/kernels/kernel.ts';
import { type SearchShape, searchCase } from '../kernels/search-cases.ts';

export interface Walked extends Disposable {
  readonly graph: GraphView;
  readonly walk: Walk;
}

/** A made-up graph and queries, on an engine. */
export async function walkOn(host: HostEngine, shape: SearchShape, offset: number): Promise<Walked> {
  const { params, arrays } = searchCase(shape, offset);
  const made: Block[] = [];
  const put = async <D extends Dtype>(dtype: D, data: ArrayOf[D]) => {
    const block = await host.alloc(dtype, data.length, 'a made-up graph');
    host.write(block, data);
    made.push(block);
    return block;
  };
  const { degree, basePages, entry, entryLevel, n, stride, nq, level, ef, filtered } = params;
  const plan = { dim: stride - 4, metric: 'l2', form: params.form, stride, grid: undefined } as GraphView['plan'];
  return {
    graph: {
      ...{ plan, degree, basePages, entry, entryLevel, count: n },
      ...{ table: arrays.pages, stamps: Float64Array.from(arrays.pages, (_, page) => page + 1) },
      codes: await put('i8', arrays.codes),
      links: await put('u32', arrays.links),
      pages: await put('u32', arrays.pages),
      upperRows: await put('u32', arrays.upperRows),
    },
    walk: {
      ...{ nq, level, ef },
      queries: await put('i8', arrays.queries),
      admitted: filtered ? await put('u32', arrays.admitted) : undefined,
    },
    [Symbol.dispose]() {
      for (const block of made) block[Symbol.dispose]();
    },
  };
}

/** What a walk found, read out, and given back. */
export function readFound(host: HostEngine, found: Found) {
  using _ = found;
  const stats = host.view(found.stats);
  return {
    keys: host.view(found.keys).slice(),
    ids: host.view(found.ids).slice(),
    hops: stats.filter((_count, i) => i % 2 === 0),
    distances: stats.filter((_count, i) => i % 2 === 1),
  };
}

export type Answer = ReturnType<typeof readFound>;

export async function hostAnswer(host: HostEngine, { graph, walk }: Walked): Promise<Answer> {
  return readFound(host, await new HostWalker(host).walk(graph, walk));
}

/** The same but for how many distances it took. */
export function expectSameAnswer(actual: Answer, expected: Answer, what = ''): void {
  for (const part of ['hops', 'ids', 'keys'] as const) expect([...actual[part]], `${what}: ${part}`).toEqual([...expected[part]]);
}
