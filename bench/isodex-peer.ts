/** Isodex as a contender: speaks the protocol of bench/peer.ts for the built library. Run with --expose-gc. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import type * as Isodex from '../src/node.ts';
import type { BuildReply, BuildRequest, MemoryParts, PeerInfo, Requests } from './peer.ts';

interface OpenRequest {
  /** Path of the built library's node.js. */
  library: string;
  engine: Isodex.EngineOptions;
  /** Take a GPU that is a software driver. */
  software: boolean;
}

let library: typeof Isodex;
let engine: Isodex.Engine | undefined;
let index: Isodex.VectorIndex;
let queries: Float32Array;
let settings: BuildRequest;
let answer: Isodex.Neighbors;

const handlers: { [Op in keyof Requests]: (request: Requests[Op][0]) => Promise<Requests[Op][1]> } = {
  async open(request): Promise<PeerInfo> {
    const options = request as unknown as OpenRequest;
    library = await import(pathToFileURL(options.library).href);
    try {
      engine = await library.openEngine(options.engine);
    } catch (error) {
      if (error instanceof library.IsodexError && error.code === 'unsupported') return { skip: error.message };
      throw error;
    }
    const { description, threads, features, adapter } = engine.info;
    if (adapter?.software && !options.software) {
      return {
        skip: `the adapter is a software driver (${adapter.description || adapter.device}), which says nothing about speed; --software runs it`,
      };
    }
    return { isodex: library.version, description, threads, features, adapter };
  },

  async build(request): Promise<BuildReply> {
    settings = request;
    queries = floats(request.queries);
    const { dim, metric } = request;
    index = await library.createIndex('Flat', { dim, metric: metric as Isodex.Metric, engine: engine! });
    const rssBefore = resident();
    let base: Float32Array | undefined = floats(request.base);
    const add = await timed(async () => void (await index.add(base!)));
    base = undefined;
    const prepare = await timed(() => index.prepare());
    return { add, prepare, rssBefore, rssBuilt: resident(), memory: memoryOf(index) };
  },

  async search() {
    const cpu = process.cpuUsage();
    const start = performance.now();
    answer = await index.search(queries, { k: settings.k });
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return { seconds, cpuSeconds: (user + system) / 1e6 };
  },

  async single({ first, count }) {
    const { dim, k } = settings;
    const nq = queries.length / dim;
    const seconds: number[] = [];
    for (let i = first; i < first + count; i++) {
      const at = (i % nq) * dim;
      const start = performance.now();
      await index.search(queries.subarray(at, at + dim), { k });
      seconds.push((performance.now() - start) / 1000);
    }
    return { seconds };
  },

  async answers({ labels, distances }) {
    writeFileSync(labels, new Uint8Array(answer.labels.buffer));
    writeFileSync(distances, new Uint8Array(answer.distances.buffer));
    return {};
  },

  async memory() {
    return { rss: resident(), peak: process.resourceUsage().maxRSS * 1024, memory: memoryOf(index) };
  },
};

function memoryOf(one: Isodex.VectorIndex): MemoryParts {
  return (one as unknown as { memory: MemoryParts }).memory;
}

function floats(path: string): Float32Array {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** Resident bytes after a collection: V8 gives array memory back a little later. */
function resident(): number {
  for (let i = 0; i < 3; i++) globalThis.gc?.();
  return process.memoryUsage.rss();
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { op, ...request } = JSON.parse(line);
  let reply: object;
  try {
    reply = await handlers[op as keyof Requests](request as never);
  } catch (error) {
    reply = { error: error instanceof Error ? error.message : String(error) };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
engine?.close();
