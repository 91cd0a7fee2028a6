/** Isodex's Flat index as a contender of the flat bench. */
import type * as Isodex from '../../src/node.ts';
import { readFloats, writeNumbers } from '../files.ts';
import type { BuildRequest, FlatRequests } from '../flat-protocol.ts';
import { type Opened, type OpenRequest, openIsodex } from './isodex.ts';
import { oneByOne, resident, sampled, serve, timed } from './serve.ts';

let opened: Opened | undefined;
let index: Isodex.VectorIndex;
let queries: Float32Array;
let settings: BuildRequest;
let answer: Isodex.Neighbors;

await serve<FlatRequests>({
  async open(request) {
    const result = await openIsodex(request as unknown as OpenRequest);
    if ('skip' in result) return result;
    opened = result;
    return result.info;
  },

  async build(request) {
    const { library, engine } = opened!;
    settings = request;
    queries = readFloats(request.queries);
    const { dim, metric } = request;
    index = await library.createIndex('Flat', { dim, metric: metric as Isodex.Metric, engine });
    const rssBefore = resident();
    let base: Float32Array | undefined = readFloats(request.base);
    const add = await timed(() => index.add(base!));
    base = undefined;
    const prepare = await timed(() => index.prepare());
    return { add, prepare, rssBefore, rssBuilt: resident(), memory: index.memory };
  },

  async search() {
    return sampled(async () => {
      answer = await index.search(queries, { k: settings.k });
    });
  },

  async single({ first, count }) {
    const { dim, k } = settings;
    const ask = (q: number) => index.search(queries.subarray(q * dim, (q + 1) * dim), { k });
    return { seconds: await oneByOne(first, count, queries.length / dim, ask) };
  },

  async answers({ labels, distances }) {
    writeNumbers(labels, answer.labels);
    writeNumbers(distances, answer.distances);
    return {};
  },

  async memory() {
    return { rss: resident(), peak: process.resourceUsage().maxRSS * 1024, memory: index.memory };
  },
});
opened?.engine.close();
