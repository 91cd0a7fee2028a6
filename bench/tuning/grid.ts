/** The full grid over the older system's ranges: every graph is built, and searched in every way. */
import type * as Isodex from '../../src/node.ts';
import { quantile } from '../statistics.ts';
import type { Rows } from './bench.ts';

/** M 8 to 64, efConstruction 100 to 400, efSearch 16 to 256. */
const MS = [8, 16, 32, 48, 64];
const EF_CONSTRUCTIONS = [100, 200, 400];
const EF_SEARCHES = [16, 32, 64, 128, 256];

/** A way to search a graph, as it was measured. Milliseconds. */
export interface GridPoint {
  readonly description: string;
  readonly M: number;
  readonly efConstruction: number;
  readonly efSearch: number;
  readonly recall: number;
  readonly p50: number;
  readonly p99: number;
  readonly queriesPerSecond: number;
  readonly buildSeconds: number;
  readonly memoryBytes: number;
}

/** Single queries, and batches of all, as the tuner times them. */
const SINGLES = 500;
const BATCHES = 3;

export async function measureGrid(
  library: typeof Isodex,
  engine: Isodex.Engine,
  rows: Rows,
  say: (line: string) => void,
): Promise<GridPoint[]> {
  const points: GridPoint[] = [];
  for (const M of MS) {
    for (const efConstruction of EF_CONSTRUCTIONS) {
      say(`grid: HNSW${M}, efConstruction ${efConstruction}`);
      const { dim, metric } = rows;
      using index = await library.createIndex(`HNSW${M}`, { dim, metric, efConstruction, engine });
      const started = performance.now();
      await index.add(rows.base);
      const buildSeconds = (performance.now() - started) / 1000;
      const { memoryBytes } = index.stats();
      await index.prepare();
      for (const efSearch of EF_SEARCHES) {
        const { recall } = await rows.recallOf(index, { efSearch });
        const { batches, singles } = await timed(index, rows, { efSearch }, SINGLES, BATCHES);
        const queriesPerSecond = (1000 * rows.nq) / Math.min(...batches);
        const latency = { p50: quantile(singles, 0.5), p99: quantile(singles, 0.99) };
        const made = { description: index.description, M, efConstruction, buildSeconds, memoryBytes };
        points.push({ ...made, efSearch, recall, ...latency, queriesPerSecond });
      }
    }
  }
  return points;
}

/** Milliseconds of batches of all queries, and of single ones. */
export async function timed(
  index: Isodex.VectorIndex,
  { queries, nq, dim, k }: Pick<Rows, 'queries' | 'nq' | 'dim' | 'k'>,
  search: Isodex.SearchOptions,
  count: number,
  rounds: number,
): Promise<{ batches: number[]; singles: number[] }> {
  const took = async (rows: Float32Array) => {
    const started = performance.now();
    await index.search(rows, { ...search, k });
    return performance.now() - started;
  };
  const one = (i: number) => took(queries.subarray((i % nq) * dim, ((i % nq) + 1) * dim));
  for (let i = 0; i < 20; i++) await one(i);
  const singles: number[] = [];
  for (let i = 0; i < count; i++) singles.push(await one(i));
  const batches: number[] = [];
  for (let round = 0; round < rounds; round++) batches.push(await took(queries));
  return { batches, singles };
}
