/** What the tests of graphs over codes share: small indexes on an engine with one thread. */
import { afterAll } from 'vitest';
import type { Engine } from '../../src/host/engine.ts';
import type { CodedGraphIndex } from '../../src/index/coded-graph.ts';
import { type IndexConfig, makeIndex } from '../../src/index/factory.ts';
import type { VectorIndex } from '../../src/index/vector-index.ts';
import { type Hooks, hooked, lowRank, oneThread } from './helpers.ts';

export const engine = await oneThread();
afterAll(() => engine.close());

export const dim = 16;
export const many = lowRank(1500, dim, 1, 8, 0.1);
export const queries = lowRank(12, dim, 2, 8, 0.1);
export const rows = (from: number, to: number) => many.subarray(from * dim, to * dim);

/** Beams so narrow that a thousand rows are walked and not all looked at. */
const small = { efConstruction: 24, efSearch: 16, refineFactor: 2 } as const;

/** Codes of both widths, with and without vectors and transforms. */
export const descriptions = ['HNSW6,PQ8x4', 'HNSW5,PQ8', 'HNSW6,PQ4x4,RFlat', 'OPQ4_12,HNSW4,PQ4x4', 'PCA12,HNSW6,PQ6x4,RFlat'];

export function coded(description: string, config: Partial<IndexConfig> = {}, on: Engine = engine): CodedGraphIndex {
  return makeIndex(description, { dim, ...small, ...config }, on) as CodedGraphIndex;
}

/** Trained on all of the rows, and holding some. */
export async function filled(description: string, vectors = many, config: Partial<IndexConfig> = {}, on: Engine = engine) {
  const index = coded(description, config, on);
  await index.train(many);
  await index.add(vectors);
  return index;
}

/** An index on an engine of which each call waits for what `hooks` says. */
export function observed(description: string, config: Partial<IndexConfig> = {}): { index: CodedGraphIndex; hooks: Hooks } {
  const hooks: Hooks = {};
  return { index: coded(description, config, hooked(engine, hooks)), hooks };
}

/** The share of the nearest 10 that an index returns of those that the other does. */
export async function agreement(
  index: VectorIndex,
  other: VectorIndex,
  options: Parameters<VectorIndex['search']>[1] = {},
): Promise<number> {
  const found = await index.search(queries, { k: 10, ...options });
  const truth = await other.search(queries, { k: 10, filter: options.filter, refineFactor: options.refineFactor });
  let hits = 0;
  for (let q = 0; q < queries.length / dim; q++) {
    const right = new Set(truth.labels.subarray(10 * q, 10 * q + 10));
    for (const label of found.labels.subarray(10 * q, 10 * q + 10)) if (right.has(label)) hits++;
  }
  return hits / truth.labels.length;
}
