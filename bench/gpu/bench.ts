/** A GPU beside the CPU of the same machine: the same bits first, then what it takes to build and to search. */
import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import type * as Isodex from '../../src/node.ts';
import { clustered } from '../../src/tune/clustered.ts';
import { thisMachine } from '../machine.ts';
import { deviceRates, subgroupMatrices } from './device.ts';
import { identitySuite, SMALL, WHOLE } from './identity.ts';
import type { BuildReport, GpuReport, SearchReport } from './report.ts';

export const PARTS = ['identity', 'rates', 'flat', 'hnsw'] as const;
type Part = (typeof PARTS)[number];

export interface GpuOptions {
  readonly library: string;
  readonly parts: readonly Part[];
  readonly rows: number;
  readonly dim: number;
  /** A file of vectors instead, of which the last rows are queries. */
  readonly data: string | undefined;
  readonly batches: readonly number[];
  readonly m: number;
  readonly efConstruction: number;
  readonly efs: readonly number[];
  readonly software: boolean;
  /** Builds the graph on the GPU too, which takes as long as it takes. */
  readonly build: boolean;
  readonly say: (line: string) => void;
  readonly keep: (report: GpuReport) => void;
}

const K = 10;
/** Times that a batch is searched; the fastest tells what can be had. */
const ROUNDS = 3;
/** Queries that recall is told of, at most. */
const RECALL_QUERIES = 1000;

export async function benchGpu(options: GpuOptions): Promise<GpuReport> {
  const { say, parts, rows, dim } = options;
  const library: typeof Isodex = await import(pathToFileURL(options.library).href);
  using gpu = await library.openEngine({ prefer: 'gpu' });
  using cpu = await library.openEngine({ prefer: 'cpu' });
  if (gpu.info.adapter?.software && !options.software)
    throw new Error('this GPU is a software driver; give --software to run it all the same');
  const { description, features, adapter, limits, notes } = gpu.info;
  let report: GpuReport = {
    ...{ bench: 'gpu', date: new Date().toISOString(), version: library.version, machine: thisMachine() },
    engine: { description, features, notes, ...(adapter && { adapter }), ...(limits && { limits }) },
    subgroupMatrices: await subgroupMatrices(),
    cpuThreads: availableParallelism(),
    settings: { rows, dim, k: K, data: options.data ?? `clustered, ${dim} dimensions` },
    ...{ identity: [], rates: null, builds: [], searches: [] },
  };
  const add = (more: Partial<GpuReport>) => {
    report = { ...report, ...more };
    options.keep(report);
  };
  if (parts.includes('identity')) {
    add({ identity: await identitySuite(library, [gpu, cpu], adapter?.software ? SMALL : WHOLE, say) });
  }
  if (parts.includes('rates')) add({ rates: await deviceRates() });
  const data = await dataOf(library, options);
  const truth = await flatOf(library, data, gpu, cpu, options, (one) => add({ searches: [...report.searches, one] }));
  if (parts.includes('hnsw')) {
    await hnswOf(library, { ...data, truth }, gpu, cpu, options, {
      built: (one) => add({ builds: [...report.builds, one] }),
      searched: (one) => add({ searches: [...report.searches, one] }),
    });
  }
  return report;
}

interface Data {
  readonly base: Float32Array;
  readonly queries: Float32Array;
  readonly dim: number;
}

async function dataOf(library: typeof Isodex, { rows, dim, data, batches }: GpuOptions): Promise<Data> {
  const nq = Math.min(Math.max(...batches, Math.min(RECALL_QUERIES, Math.ceil(rows / 10))), 10_000);
  if (data === undefined) return { ...clustered(rows, nq, dim), dim };
  const { vectors, n, dim: own } = await library.readVectors(data, { limit: rows });
  const first = Math.max(1, n - Math.min(nq, Math.floor(n / 10))) * own;
  return { base: vectors.subarray(0, first), queries: vectors.subarray(first), dim: own };
}

/** Distances of the k nearest of the queries that recall is told of, from Flat on the CPU; and how fast Flat is, where that is asked for. */
async function flatOf(
  library: typeof Isodex,
  { base, queries, dim }: Data,
  gpu: Isodex.Engine,
  cpu: Isodex.Engine,
  options: GpuOptions,
  searched: (report: SearchReport) => void,
): Promise<Float32Array> {
  options.say('Flat: adding rows');
  using onCpu = await library.createIndex('Flat', { dim, engine: cpu });
  await onCpu.add(base);
  const asked = queries.subarray(0, RECALL_QUERIES * dim);
  const { distances: truth } = await onCpu.search(asked, { k: K });
  if (!options.parts.includes('flat')) return truth;
  using onGpu = await library.createIndex('Flat', { dim, engine: gpu });
  await onGpu.add(base);
  await onGpu.prepare();
  searched({ index: 'Flat', search: {}, recall: 1, ...(await speeds({ gpu: onGpu, cpu: onCpu }, queries, {}, options)) });
  return truth;
}

interface Reports {
  readonly built: (report: BuildReport) => void;
  readonly searched: (report: SearchReport) => void;
}

async function hnswOf(
  library: typeof Isodex,
  { base, queries, dim, truth }: Data & { readonly truth: Float32Array },
  gpu: Isodex.Engine,
  cpu: Isodex.Engine,
  options: GpuOptions,
  { built, searched }: Reports,
): Promise<void> {
  const description = `HNSW${options.m}`;
  const config = { dim, efConstruction: options.efConstruction };
  options.say(`${description}: building on the CPU`);
  using onCpu = await library.createIndex(description, { ...config, engine: cpu });
  const cpuSeconds = await seconds(() => onCpu.add(base));
  const bytes = await onCpu.toBytes();
  if (options.build) {
    options.say(`${description}: building on the GPU`);
    using other = await library.createIndex(description, { ...config, engine: gpu });
    const gpuSeconds = await seconds(() => other.add(base));
    built({ index: description, gpuSeconds, cpuSeconds, sameFile: Buffer.compare(await other.toBytes(), bytes) === 0 });
  }
  using onGpu = await library.fromBytes(bytes, { engine: gpu });
  await onGpu.prepare();
  for (const efSearch of options.efs) {
    const { distances } = await onGpu.search(queries.subarray(0, RECALL_QUERIES * dim), { k: K, efSearch });
    const hits = distances.reduce((sum, distance, i) => sum + Number(distance <= truth[Math.floor(i / K) * K + K - 1]!), 0);
    const rates = await speeds({ gpu: onGpu, cpu: onCpu }, queries, { efSearch }, options);
    searched({ index: description, search: { efSearch }, recall: hits / distances.length, ...rates });
  }
}

/** Both in turns, batch by batch; queries are asked again from the first on where a batch is larger. */
async function speeds(
  lanes: { readonly gpu: Isodex.VectorIndex; readonly cpu: Isodex.VectorIndex },
  queries: Float32Array,
  search: Isodex.SearchOptions,
  { batches, say }: GpuOptions,
): Promise<Pick<SearchReport, 'gpu' | 'cpu'>> {
  const rates: { gpu: Record<string, number>; cpu: Record<string, number> } = { gpu: {}, cpu: {} };
  const { dim } = lanes.cpu;
  for (const batch of batches) {
    say(`${lanes.cpu.description} ${JSON.stringify(search)}: batches of ${batch}`);
    const rows = new Float32Array(batch * dim);
    for (let at = 0; at < rows.length; at += queries.length) rows.set(queries.subarray(0, Math.min(queries.length, rows.length - at)), at);
    const best = { gpu: Infinity, cpu: Infinity };
    for (let round = 0; round < ROUNDS; round++) {
      for (const lane of ['gpu', 'cpu'] as const) {
        best[lane] = Math.min(best[lane], await seconds(() => lanes[lane].search(rows, { k: K, ...search })));
      }
    }
    for (const lane of ['gpu', 'cpu'] as const) rates[lane][batch] = batch / best[lane];
  }
  return rates;
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}
