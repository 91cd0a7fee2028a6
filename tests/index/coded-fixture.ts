/** What the tests of indexes over codes share: small indexes on an engine with one thread. */
import { afterAll } from 'vitest';
import type { Engine } from '../../src/host/engine.ts';
import type { CodedIndex } from '../../src/index/coded.ts';
import { type IndexConfig, makeIndex } from '../../src/index/factory.ts';
import { type Hooks, hooked, lowRank, oneThread } from './helpers.ts';

export const engine = await oneThread();
afterAll(() => engine.close());

export const dim = 16;
export const many = lowRank(1200, dim, 1, 6, 0.1);
export const queries = lowRank(6, dim, 2, 6, 0.1);
export const first = (n: number) => many.subarray(0, n * dim);

/** Every kind of code and place, in few enough centroids for some hundred rows; nprobe is so small that lists matter. */
export const descriptions = [
  'PQ8',
  'PQ4x4',
  'SQ8',
  'PQ4,RFlat',
  'IVF8,Flat',
  'IVF8,SQ8',
  'IVF8,PQ4x4',
  'IVF8,PQ8,RFlat',
  'OPQ4,PQ4x4',
  'SQ4',
  'IVF8,LVQ8',
  'LVQ4,RFlat',
];

export function coded(description: string, config: Partial<IndexConfig> = {}, on: Engine = engine): CodedIndex {
  const nprobe = /IVF/.test(description) ? { nprobe: 3 } : {};
  return makeIndex(description, { dim, ...nprobe, ...config }, on) as CodedIndex;
}

/** Trained on all of the rows, and holding them. */
export async function filled(
  description: string,
  vectors = many,
  config: Partial<IndexConfig> = {},
  on: Engine = engine,
): Promise<CodedIndex> {
  const index = coded(description, config, on);
  await index.train(many);
  await index.add(vectors);
  return index;
}

/** An index on an engine of which each call waits for what `hooks` says. */
export function observed(description: string, config: Partial<IndexConfig> = {}): { index: CodedIndex; hooks: Hooks } {
  const hooks: Hooks = {};
  return { index: coded(description, config, hooked(engine, hooks)), hooks };
}
