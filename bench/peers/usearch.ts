/** usearch as a contender: batches for speed, one query a call for latency, any of its scalar kinds. */
import type { GraphShape, LoadRequest } from '../hnsw/protocol.ts';
import { type Graph, graphHandlers, type PackageRequest, type Queries, requirePackage } from './graph.ts';
import { serve } from './serve.ts';

interface Matches {
  readonly keys: BigUint64Array;
  /** Of a batch: how many were found for each query. */
  readonly counts: BigUint64Array;
}

interface Index {
  add(keys: BigUint64Array, rows: Float32Array, threads: number): void;
  search(queries: Float32Array, k: number, threads: number): Matches;
  save(path: string): void;
  load(path: string): void;
}

interface Library {
  Index: new (config: Readonly<Record<string, unknown>>) => Index;
}

class Usearch implements Graph {
  private library!: Library;
  private request!: PackageRequest;
  private index: Index | undefined;
  private loaded!: LoadRequest;
  private ef = 0;
  private queries!: Queries;

  open(request: Readonly<Record<string, unknown>>) {
    this.request = request as unknown as PackageRequest;
    const { module, version } = requirePackage<Library>(this.request);
    this.library = module;
    return { version, kind: this.request.kind, compiled: 'npm binary, kernels chosen at run time' };
  }

  build(rows: Float32Array, shape: GraphShape) {
    this.index = this.make(shape, 64);
    const { threads } = this.request;
    this.index.add(
      BigUint64Array.from({ length: rows.length / shape.dim }, (_, row) => BigInt(row)),
      rows,
      threads,
    );
    return threads;
  }

  save(path: string) {
    this.index!.save(path);
  }

  take(queries: Queries) {
    this.queries = queries;
  }

  load(request: LoadRequest) {
    this.loaded = request;
    this.setEf(64);
  }

  /** Its interface for Node takes ef when an index is made, so the file is loaded again. */
  setEf(ef: number) {
    if (this.ef === ef) return;
    this.index = undefined;
    globalThis.gc?.(); // the one before is freed with its object
    this.index = this.make(this.loaded, ef);
    this.index.load(this.loaded.path);
    this.ef = ef;
  }

  searchAll() {
    const { all, k } = this.queries;
    return this.index!.search(all, k, this.request.threads);
  }

  searchOne(q: number) {
    const { each, k } = this.queries;
    return this.index!.search(each[q]!, k, 1);
  }

  labels(answer: unknown) {
    const { keys, counts } = answer as Matches;
    const { k } = this.queries;
    return Int32Array.from(keys, (key, i) => (i % k < Number(counts[Math.floor(i / k)]) ? Number(key) : -1));
  }

  private make({ dim, metric, m, efConstruction }: GraphShape, ef: number): Index {
    return new this.library.Index({
      dimensions: dim,
      metric: metric === 'l2' ? 'l2sq' : 'ip',
      quantization: this.request.kind,
      connectivity: m,
      expansion_add: efConstruction,
      expansion_search: ef,
      multi: false,
    });
  }
}

await serve(graphHandlers(new Usearch()));
