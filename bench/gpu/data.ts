/** Rows and queries, made on the spot or read, and what a full scan on the CPU finds among them. */
import type * as Isodex from '../../src/node.ts';
import { clustered } from '../../src/tune/clustered.ts';
import { intrinsicDimension } from '../statistics.ts';

export interface DataOptions {
  readonly rows: number;
  readonly dim: number;
  /** A file of vectors instead, of which the last rows are queries. */
  readonly data: string | undefined;
  readonly batches: readonly number[];
}

export interface Data {
  readonly base: Float32Array;
  readonly queries: Float32Array;
  readonly rows: number;
  readonly dim: number;
}

/** Neighbours of the first queries, exactly. */
export interface Truth {
  readonly queries: Float32Array;
  /** Distance of the k-th neighbour of each. */
  readonly worst: Float32Array;
  readonly intrinsicDimension: number;
}

const MOST_QUERIES = 10_000;
/** Queries that recall is told of, at most. */
const RECALL_QUERIES = 1000;
/** Neighbours by which the data's dimension is told. */
const NEIGHBOURS = 100;

export async function dataOf(library: typeof Isodex, { rows, dim, data, batches }: DataOptions): Promise<Data> {
  const nq = Math.min(Math.max(...batches, Math.min(RECALL_QUERIES, Math.ceil(rows / 10))), MOST_QUERIES);
  if (data === undefined) return { ...clustered(rows, nq, dim), rows, dim };
  const { vectors, n, dim: own } = await library.readVectors(data, { limit: rows });
  const first = Math.max(1, n - Math.min(nq, Math.floor(n / 10)));
  return { base: vectors.subarray(0, first * own), queries: vectors.subarray(first * own), rows: first, dim: own };
}

export async function truthOf(flat: Isodex.VectorIndex, { queries, rows, dim }: Data, k: number): Promise<Truth> {
  const asked = queries.subarray(0, RECALL_QUERIES * dim);
  const most = Math.max(k, Math.min(NEIGHBOURS, rows));
  const { distances } = await flat.search(asked, { k: most });
  const worst = Float32Array.from({ length: asked.length / dim }, (_, q) => distances[q * most + k - 1]!);
  return { queries: asked, worst, intrinsicDimension: intrinsicDimension(distances.map(Math.sqrt), most) };
}

/** The share of what was found that is no farther than the k-th true neighbour. */
export function recallOf({ k, distances }: Isodex.Neighbors, { worst }: Truth): number {
  return distances.reduce((hits, distance, i) => hits + Number(distance <= worst[Math.floor(i / k)]!), 0) / distances.length;
}

/** A batch of queries, from the `first` on, around all that there are. */
export function batchOf({ queries, dim }: Pick<Data, 'queries' | 'dim'>, batch: number, first = 0): Float32Array {
  const rows = new Float32Array(batch * dim);
  const all = queries.length / dim;
  for (let at = 0, from = first % all; at < batch; from = 0) {
    const count = Math.min(batch - at, all - from);
    rows.set(queries.subarray(from * dim, (from + count) * dim), at * dim);
    at += count;
  }
  return rows;
}
