/** Whether a device gives what the CPU gives: files and answers of every kind of index, bit by bit. */
import type * as Isodex from '../../src/node.ts';
import { clustered } from '../../src/tune/clustered.ts';
import type { IdentityReport } from './report.ts';

export interface IdentitySizes {
  readonly indexes: readonly string[];
  readonly metrics: readonly Isodex.Metric[];
  readonly efConstruction: number;
  readonly rows: number;
  readonly dim: number;
  readonly queries: number;
}

/** What a GPU is asked for. */
export const WHOLE: IdentitySizes = {
  indexes: ['Flat', 'HNSW8', 'HNSW24,SQ8', 'IVF16,Flat', 'PQ8', 'OPQ8,PQ8,RFlat', 'OPQ8,HNSW8,PQ8,RFlat', 'LVQ4'],
  metrics: ['l2', 'ip', 'cosine'],
  ...{ efConstruction: 100, rows: 3000, dim: 64, queries: 40 },
};
/** And a driver in software, which is a thousand times slower. */
export const SMALL: IdentitySizes = {
  indexes: ['Flat', 'HNSW4', 'IVF4,PQ2'],
  metrics: ['l2'],
  ...{ efConstruction: 12, rows: 300, dim: 8, queries: 4 },
};
const K = 10;

/** Builds, changes and searches each index on both engines. */
export async function identitySuite(
  library: typeof Isodex,
  engines: readonly [gpu: Isodex.Engine, cpu: Isodex.Engine],
  sizes: IdentitySizes,
  say: (line: string) => void,
): Promise<IdentityReport[]> {
  const { base, queries } = clustered(sizes.rows, sizes.queries, sizes.dim, 7);
  const reports: IdentityReport[] = [];
  for (const index of sizes.indexes) {
    for (const metric of sizes.metrics) {
      say(`identity: ${index}, ${metric}`);
      const [gpu, cpu] = await Promise.all(engines.map((engine) => lifeOf(library, engine, index, { ...sizes, metric, base, queries })));
      const differing = cpu!.answers.filter((answer, q) => answer !== gpu!.answers[q]).length;
      reports.push({ index, metric, sameFile: cpu!.file === gpu!.file, differing, queries: cpu!.answers.length });
    }
  }
  return reports;
}

interface Life extends Pick<IdentitySizes, 'dim' | 'efConstruction'> {
  readonly metric: Isodex.Metric;
  readonly base: Float32Array;
  readonly queries: Float32Array;
}

/** The file and the answers, as text: labels, distance bits, hops. */
async function lifeOf(
  library: typeof Isodex,
  engine: Isodex.Engine,
  description: string,
  { metric, base, queries, dim, efConstruction }: Life,
): Promise<{ file: string; answers: string[] }> {
  using index = await library.createIndex(description, { dim, metric, engine, ...(/HNSW/.test(description) ? { efConstruction } : {}) });
  if (!index.isTrained) await index.train(base);
  const half = Math.floor(base.length / dim / 2) * dim;
  await index.add(base.subarray(0, half));
  await index.add(base.subarray(half));
  await index.remove([1, 5, 17]);
  const filter = (label: number) => label % 3 !== 0;
  const ways: Isodex.SearchOptions[] = [{}, { k: 1 }, { filter }];
  const answers: string[] = [];
  for (const way of ways) {
    const { k, labels, distances, stats } = await index.search(queries, { k: K, stats: true, ...way });
    const bits = new Uint32Array(distances.buffer, distances.byteOffset, distances.length);
    for (let q = 0; q < queries.length / dim; q++) {
      const own = [labels, bits].map((values) => values.subarray(q * k, (q + 1) * k).join());
      answers.push(`${own.join(' ')} ${stats?.hops[q] ?? ''}`);
    }
  }
  const digest = await crypto.subtle.digest('SHA-256', (await index.toBytes()) as Uint8Array<ArrayBuffer>);
  return { file: Buffer.from(digest).toString('hex'), answers };
}
