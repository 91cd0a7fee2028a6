/** Isodex's HNSW index as a contender: on one engine, through the public interface of the built library. */
import type * as Isodex from '../../src/node.ts';
import { readInts } from '../files.ts';
import type { IsodexRequests } from '../hnsw/protocol.ts';
import type { IndexShape, LoadRequest, Setting } from '../index-protocol.ts';
import { type Adapter, handlers, type Queries } from './adapter.ts';
import { codeHash, type Opened, type OpenRequest, openIsodex } from './isodex.ts';
import { sampled, serve } from './serve.ts';

class IsodexHnsw implements Adapter {
  private opened: Opened | undefined;
  private kind!: string;
  private index!: Isodex.VectorIndex;
  private queries!: Queries;
  private ef = 0;
  k = 0;
  private filter: Uint32Array | undefined;

  async open(request: Readonly<Record<string, unknown>>) {
    const options = request as unknown as OpenRequest & { kind: string };
    const result = await openIsodex(options);
    if ('skip' in result) return result;
    this.opened = result;
    this.kind = options.kind;
    return { ...result.info, version: `${result.info.isodex}-${codeHash(options.library)}` };
  }

  async build(rows: Float32Array, { dim, metric, description, efConstruction }: IndexShape) {
    const { library, engine } = this.opened!;
    const options = { dim, metric: metric as Isodex.Metric, engine, efConstruction };
    this.index = await library.createIndex(`${description},${this.kind}`, options);
    await this.index.add(rows);
    await this.index.prepare();
    return engine.info.threads;
  }

  save(path: string) {
    return this.index.save(path);
  }

  take(queries: Queries) {
    this.queries = queries;
  }

  async load({ path, k }: LoadRequest) {
    this.k = k;
    const { library, engine } = this.opened!;
    this.index = await library.openIndex(path, { engine });
    await this.index.prepare();
  }

  choose({ efSearch }: Setting, k: number) {
    this.ef = efSearch ?? this.ef;
    this.k = k;
  }

  searchAll() {
    return this.search(this.queries.all);
  }

  searchOne(q: number) {
    return this.search(this.queries.each[q]!);
  }

  labels(answer: unknown) {
    return (answer as Isodex.Neighbors).labels;
  }

  memory() {
    return this.index.memory;
  }

  close() {
    this.opened?.engine.close();
  }

  search(queries: Float32Array, stats = false) {
    return this.index.search(queries, { k: this.k, efSearch: this.ef, filter: this.filter, stats });
  }

  admit(filter: Uint32Array | undefined) {
    this.filter = filter;
  }

  async effort() {
    const { stats } = await this.search(this.queries.all, true);
    if (!stats) return { hops: 0, distances: 0 }; // so few rows that none was walked
    const mean = (counts: Uint32Array) => counts.reduce((sum, count) => sum + count, 0) / counts.length;
    return { hops: mean(stats.hops), distances: mean(stats.distances) };
  }

  /** `count` queries, around all of them. */
  some(count: number): Float32Array {
    const { all, each } = this.queries;
    const dim = each[0]!.length;
    return Float32Array.from({ length: count * dim }, (_, i) => all[i % all.length]!);
  }
}

const graph = new IsodexHnsw();
await serve<IsodexRequests>({
  ...handlers(graph),

  async filter({ path }) {
    graph.admit(path === null ? undefined : new Uint32Array(readInts(path).buffer));
    return {};
  },

  async effort({ ef }) {
    graph.choose({ efSearch: ef }, graph.k);
    return graph.effort();
  },

  async batch({ ef, count }) {
    graph.choose({ efSearch: ef }, graph.k);
    const queries = graph.some(count);
    let engine = '';
    const sample = await sampled(async () => {
      ({ engine } = await graph.search(queries));
    });
    return { ...sample, engine };
  },
});
graph.close();
