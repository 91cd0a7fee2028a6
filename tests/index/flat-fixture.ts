/** The small Flat indexes that its tests share, on an engine with one thread. */
import { afterAll } from 'vitest';
import { makeIndex } from '../../src/index/factory.ts';
import type { FlatIndex } from '../../src/index/flat.ts';
import type { Metric, VectorIndex } from '../../src/node.ts';
import { makeVectors } from '../contract/data.ts';
import { type Hooks, hooked, oneThread } from './helpers.ts';

export const engine = await oneThread();
afterAll(() => engine.close());

export const dim = 8;
export const many = makeVectors('normal', 3000, dim, 1);
export const queries = makeVectors('normal', 5, dim, 2);

export const flat = (metric: Metric = 'l2', width = dim, on = engine): VectorIndex => makeIndex('Flat', { dim: width, metric }, on);

export async function filled(vectors = many, metric: Metric = 'l2', width = dim, on = engine): Promise<VectorIndex> {
  const index = flat(metric, width, on);
  await index.add(vectors);
  return index;
}

/** An index on an engine of which each call waits for what `hooks` says. */
export function observed(metric: Metric = 'l2', width = dim): { index: FlatIndex; hooks: Hooks } {
  const hooks: Hooks = {};
  return { index: flat(metric, width, hooked(engine, hooks) as typeof engine) as FlatIndex, hooks };
}
