/** A day in an index's life, with seeded data. Node and pages run it alike, and their answers must be equal. */
import type { Engine, Metric, Neighbors, RangeNeighbors } from '../../src/main.ts';
import { type Kind, makeVectors } from '../contract/data.ts';

export interface Workload {
  readonly description: string;
  readonly rows: number;
  readonly kind: Kind;
  readonly metric: Metric;
  readonly dim: number;
  /** How many `add` calls the rows come in: never visible in an answer of Flat; a graph follows from the calls. */
  readonly adds: number;
}

/** Everything an index said, in numbers that survive JSON: distances as their bits. */
export interface Answers {
  readonly size: number;
  readonly search: { readonly labels: readonly number[]; readonly distances: readonly number[] };
  /** Hops of each query's walk, where a graph was walked. */
  readonly hops: readonly number[];
  readonly filtered: { readonly labels: readonly number[]; readonly distances: readonly number[] };
  readonly range: { readonly offsets: readonly number[]; readonly labels: readonly number[]; readonly distances: readonly number[] };
  /** SHA-256 of `toBytes`, and of what is left after `compact`. */
  readonly sha256: string;
  readonly compacted: string;
  /** Whether `fromBytes` gave an index that answers the same and writes the same file. */
  readonly reopened: boolean;
}

const QUERIES = 16;
const K = 10;

type Library = Pick<typeof import('../../src/main.ts'), 'createIndex' | 'fromBytes'>;

export async function answersOf({ createIndex, fromBytes }: Library, engine: Engine, workload: Workload): Promise<Answers> {
  const { description, kind, metric, dim, adds } = workload;
  const rows = makeVectors(kind, workload.rows, dim, 1);
  const queries = makeVectors(kind, QUERIES, dim, 2);
  queries.set(rows.subarray(0, dim)); // one query is a row
  using index = await createIndex(description, { dim, metric, engine, efConstruction: 8, efSearch: K });
  const end = (i: number) => Math.floor((workload.rows * i) / adds) * dim;
  for (let i = 0; i < adds; i++) await index.add(rows.subarray(end(i), end(i + 1)));
  await index.remove([5, 77, 1234]);
  const search = await index.search(queries, { k: K, stats: true });
  const filtered = await index.search(queries, { k: K, filter: (label) => label % 3 !== 1 });
  const radius = search.distances[2 * K - 1]!; // the 10th of query 1: some queries find many rows, some none
  const range = await index.rangeSearch(queries, radius);
  const bytes = await index.toBytes();
  using reopened = await fromBytes(bytes, { engine });
  const again = await reopened.rangeSearch(queries, radius);
  const sha256 = await sha256Of(bytes);
  await index.compact();
  return {
    size: index.size,
    search: plain(search),
    hops: [...(search.stats?.hops ?? [])],
    filtered: plain(filtered),
    range: { offsets: [...range.offsets], ...plain(range) },
    sha256,
    compacted: await sha256Of(await index.toBytes()),
    reopened: String(again.labels) === String(range.labels) && (await sha256Of(await reopened.toBytes())) === sha256,
  };
}

function plain({ labels, distances }: Neighbors | RangeNeighbors) {
  return { labels: [...labels], distances: [...new Uint32Array(distances.slice().buffer)] };
}

async function sha256Of(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
