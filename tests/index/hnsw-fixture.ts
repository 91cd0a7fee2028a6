/** What the tests of HNSW share: small indexes on an engine with one thread. */
import { afterAll } from 'vitest';
import type { Engine } from '../../src/host/engine.ts';
import { type IndexConfig, makeIndex } from '../../src/index/factory.ts';
import type { HnswIndex } from '../../src/index/hnsw.ts';
import type { Metric, SearchOptions, VectorIndex } from '../../src/index/vector-index.ts';
import { recallOf } from '../../src/tune/recall.ts';
import { makeVectors } from '../contract/data.ts';
import { type Hooks, hooked, nearest, oneThread, type Row } from './helpers.ts';

export const engine = await oneThread();
afterAll(() => engine.close());

export const dim = 8;
export const many = makeVectors('normal', 3000, dim, 1);
export const queries = makeVectors('normal', 5, dim, 2);

/** Beams so narrow that 3,000 rows are walked and not all looked at: 8 · 16 · 3,000 < 3,000². */
export const small = { efConstruction: 24, efSearch: 16 } as const;

export function hnsw(config: Partial<IndexConfig> = {}, description = 'HNSW6', on: Engine = engine): HnswIndex {
  return makeIndex(description, { dim, ...small, ...config }, on) as HnswIndex;
}

export async function filled(vectors = many, config: Partial<IndexConfig> = {}, description = 'HNSW6', on: Engine = engine) {
  const index = hnsw(config, description, on);
  await index.add(vectors);
  return index;
}

/** Adds the first rows, the last few in small steps: then link pages change in the arena where they lie. */
export async function growTo(index: VectorIndex, rows: number): Promise<void> {
  for (const end of [rows - 40, rows - 30, rows - 20, rows - 10, rows]) {
    if (end > index.size) await index.add(many.subarray(index.size * dim, end * dim));
  }
}

/** An index on an engine of which each call waits for what `hooks` says. */
export function observed(config: Partial<IndexConfig> = {}, description = 'HNSW6'): { index: HnswIndex; hooks: Hooks } {
  const hooks: Hooks = {};
  return { index: hnsw(config, description, hooked(engine, hooks)), hooks };
}

/** Distances of the true k nearest rows that pass. */
export function truthFor(
  metric: Metric,
  rows: readonly Row[],
  asked: Float32Array,
  width = dim,
  passes = (_label: number) => true,
  k = 10,
) {
  const passing = rows.filter(({ label }) => passes(label));
  return nearest(metric, passing, asked, width, k).distances;
}

/** The share of the true 10 nearest rows that the index finds, ties as hits. */
export async function recallAt(index: VectorIndex, truth: Float32Array, asked: Float32Array, options: SearchOptions): Promise<number> {
  return recallOf(await index.search(asked, { k: 10, ...options }), truth).recall;
}
