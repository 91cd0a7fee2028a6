/** The graph that searches walk: read from a file that an earlier run has left, or built, on the GPU where it can. */
import { existsSync, writeFileSync } from 'node:fs';
import type * as Isodex from '../../src/node.ts';
import type { Agenda } from './agenda.ts';
import type { Data } from './data.ts';
import type { BuildReport } from './report.ts';
import { secondsOf } from './search.ts';

export interface GraphOptions {
  readonly m: number;
  readonly efConstruction: number;
  /** Where the graph is kept between runs. */
  readonly graph: string | undefined;
  /** Builds it on the GPU, which takes as long as it takes. */
  readonly build: boolean;
  readonly say: (line: string) => void;
}

export interface Engines {
  readonly gpu: Isodex.Engine;
  readonly cpu: Isodex.Engine;
}

export interface Graph {
  readonly index: Isodex.VectorIndex;
  /** How it was built, unless it was read. */
  readonly built: BuildReport | undefined;
}

/** On the GPU's engine. */
export async function graphOn(library: typeof Isodex, engines: Engines, data: Data, options: GraphOptions, agenda: Agenda): Promise<Graph> {
  const { graph, say } = options;
  if (graph && existsSync(graph)) {
    say(`reading ${graph}`);
    const index = await library.openIndex(graph, { engine: engines.gpu });
    checkFits(index, data, options);
    return { index, built: undefined };
  }
  const made =
    (options.build && (await builtOnGpu(library, engines, data, options, agenda))) || (await builtOnCpu(library, engines, data, options));
  if (graph) writeFileSync(graph, await made.index.toBytes());
  return made;
}

async function builtOnGpu(
  library: typeof Isodex,
  { gpu }: Engines,
  data: Data,
  options: GraphOptions,
  agenda: Agenda,
): Promise<Graph | undefined> {
  const signal = agenda.buildSignal();
  try {
    return await build(library, gpu, data, options, signal);
  } catch (error) {
    if (!signal?.aborted) throw error;
    agenda.skip(
      `${descriptionOf(options)} on the GPU, ${data.rows} rows`,
      'building took more than its share of --budget, so the CPU builds',
    );
    return undefined;
  }
}

/** Every engine builds the same file, so what the CPU has built the GPU can search. */
async function builtOnCpu(library: typeof Isodex, { gpu, cpu }: Engines, data: Data, options: GraphOptions): Promise<Graph> {
  const { index, built } = await build(library, cpu, data, options);
  using onCpu = index;
  return { index: await library.fromBytes(await onCpu.toBytes(), { engine: gpu }), built };
}

export function descriptionOf({ m }: Pick<GraphOptions, 'm'>): string {
  return `HNSW${m}`;
}

/** Builds on one engine and tells how long it took. */
export async function build(
  library: typeof Isodex,
  engine: Isodex.Engine,
  { base, rows, dim }: Data,
  options: Pick<GraphOptions, 'm' | 'efConstruction' | 'say'>,
  signal?: AbortSignal,
): Promise<Graph & { readonly built: BuildReport }> {
  const description = descriptionOf(options);
  const by = engine.kind === 'gpu' ? 'gpu' : 'cpu';
  const { threads } = engine.info;
  options.say(`${description}: building ${rows} rows on the ${by.toUpperCase()}`);
  const index = await library.createIndex(description, { dim, efConstruction: options.efConstruction, engine });
  try {
    const seconds = await secondsOf(() => index.add(base, { signal }));
    const sha256 = await digestOf(await index.toBytes());
    const label = by === 'gpu' ? 'GPU' : `CPU, ${threads} thread${threads === 1 ? '' : 's'}`;
    return { index, built: { index: description, by, label, rows, threads, seconds, sha256 } };
  } catch (error) {
    index[Symbol.dispose]();
    throw error;
  }
}

async function digestOf(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Buffer.from(digest).toString('hex');
}

function checkFits(index: Isodex.VectorIndex, { rows, dim }: Data, options: GraphOptions): void {
  const wanted = `${descriptionOf(options)} of ${rows} × ${dim}`;
  const there = `${index.description} of ${index.size} × ${index.dim}`;
  if (there !== wanted) throw new Error(`--graph: ${options.graph} is ${there}, not ${wanted}`);
}
