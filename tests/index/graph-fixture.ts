/** Made-up graphs on engines, and what is asked of walkers. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Block } from '../../src/host/block.ts';
import type { HostEngine } from '../../src/host/engine.ts';
import type { Found, GraphView, Walk } from '../../src/index/graph-walk.ts';
import { HostWalker } from '../../src/index/graph-walk.ts';
import { FORMS } from '../../src/kernels/graph.ts';
import type { ArrayOf, Dtype } from '../../src/kernels/kernel.ts';
import type { Filter, RowKind, Shape } from '../kernels/graph-cases.ts';
import { type SearchShape, searchCase } from '../kernels/search-cases.ts';

export const FILTERS: readonly Filter[] = ['none', 'all', 'half', 'few', 'entry excluded', 'entry alone', 'nobody'];
const KINDS: readonly RowKind[] = ['ordinary', 'few', 'terms', 'extremes', 'equal'];
const SHAPES: readonly Shape[] = ['random', 'ring', 'full', 'hub', 'path', 'isolated'];

/** Graphs of integer codes, and searches of them with beams of the given widths. */
export function searchShapes(...efs: number[]): fc.Arbitrary<SearchShape> {
  return fc
    .record({
      form: fc.constantFrom(FORMS.sq8L2, FORMS.sq8Ip),
      stride: fc.constantFrom(16, 32, 64),
      kind: fc.constantFrom(...KINDS),
      filter: fc.constantFrom(...FILTERS),
      shape: fc.constantFrom(...SHAPES),
      n: fc.integer({ min: 1, max: 300 }),
      nq: fc.integer({ min: 1, max: 9 }),
      degree: fc.constantFrom(4, 6, 10, 16),
      top: fc.nat(3),
      level: fc.nat(3),
      ef: fc.constantFrom(...efs),
    })
    .map((shape) => ({ ...shape, level: Math.min(shape.level, shape.top) }));
}

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
