/** usearch as a contender: batches for speed, one query a call for latency, any of its scalar kinds; its exact search as Flat. */
import { readFloats, writeNumbers } from '../files.ts';
import { type IndexShape, type LoadRequest, numberOf, type Setting } from '../index-protocol.ts';
import { type Adapter, handlers, type PackageRequest, type Queries, requirePackage } from './adapter.ts';
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

type ExactSearch = (rows: Float32Array, queries: Float32Array, dim: number, k: number, metric: string, threads: number) => Matches;

interface Library {
  Index: new (config: Readonly<Record<string, unknown>>) => Index;
  exactSearch: ExactSearch;
}

class Usearch implements Adapter {
  private library!: Library;
  private request!: PackageRequest;
  private index: Index | undefined;
  /** In place of an index where all are compared. */
  private rows: Float32Array | undefined;
  private loaded!: LoadRequest;
  private ef = 0;
  private k = 0;
  private queries!: Queries;

  open(request: Readonly<Record<string, unknown>>) {
    this.request = request as unknown as PackageRequest;
    const { module, version } = requirePackage<Library>(this.request);
    this.library = module;
    return { version, kind: this.request.kind, compiled: 'npm binary, kernels chosen at run time' };
  }

  build(rows: Float32Array, shape: IndexShape) {
    if (shape.description === 'Flat') {
      this.rows = rows;
      return 1;
    }
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
    if (this.rows) writeNumbers(path, this.rows);
    else this.index!.save(path);
  }

  take(queries: Queries) {
    this.queries = queries;
  }

  load(request: LoadRequest) {
    this.loaded = request;
    if (request.description === 'Flat') this.rows = readFloats(request.path);
    else this.setEf(64);
  }

  choose({ efSearch }: Setting, k: number) {
    this.k = k;
    if (efSearch !== undefined) this.setEf(efSearch);
  }

  /** Its interface for Node takes ef when an index is made, so the file is loaded again. */
  private setEf(ef: number) {
    if (this.ef === ef) return;
    this.index = undefined;
    globalThis.gc?.(); // the one before is freed with its object
    this.index = this.make(this.loaded, ef);
    this.index.load(this.loaded.path);
    this.ef = ef;
  }

  searchAll() {
    return this.search(this.queries.all, this.request.threads);
  }

  searchOne(q: number) {
    return this.search(this.queries.each[q]!, 1);
  }

  private search(queries: Float32Array, threads: number): Matches {
    if (!this.rows) return this.index!.search(queries, this.k, threads);
    const { dim, metric } = this.loaded;
    return this.library.exactSearch(this.rows, queries, dim, this.k, metricOf(metric), threads);
  }

  labels(answer: unknown) {
    const { keys, counts } = answer as Matches;
    const { k } = this;
    return Int32Array.from(keys, (key, i) => (i % k < Number(counts[Math.floor(i / k)]) ? Number(key) : -1));
  }

  private make({ dim, metric, description, efConstruction }: IndexShape, ef: number): Index {
    return new this.library.Index({
      dimensions: dim,
      metric: metricOf(metric),
      quantization: this.request.kind,
      connectivity: numberOf(description, 'HNSW'),
      expansion_add: efConstruction,
      expansion_search: ef,
      multi: false,
    });
  }
}

function metricOf(metric: string): string {
  return metric === 'l2' ? 'l2sq' : 'ip';
}

await serve(handlers(new Usearch()));
