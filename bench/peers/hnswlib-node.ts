/** hnswlib-node as a contender: one thread, one query a call, rows as arrays of numbers; its interface knows nothing else. */
import type { GraphShape, LoadRequest } from '../hnsw/protocol.ts';
import { type Graph, graphHandlers, type PackageRequest, type Queries, requirePackage, rowsOf } from './graph.ts';
import { serve } from './serve.ts';

interface HierarchicalNSW {
  initIndex(most: number, m: number, efConstruction: number): void;
  addPoint(point: number[], label: number): void;
  searchKnn(query: number[], k: number): { neighbors: number[] };
  setEf(ef: number): void;
  writeIndexSync(path: string): void;
  readIndexSync(path: string): void;
}

interface Library {
  HierarchicalNSW: new (space: 'l2' | 'ip', dim: number) => HierarchicalNSW;
}

class HnswlibNode implements Graph {
  private library!: Library;
  private index!: HierarchicalNSW;
  private queries: number[][] = [];
  private k = 0;

  open(request: Readonly<Record<string, unknown>>) {
    const { module, version } = requirePackage<Library>(request as unknown as PackageRequest);
    this.library = module;
    return { version, compiled: request.compiled };
  }

  build(rows: Float32Array, { dim, metric, m, efConstruction }: GraphShape) {
    this.make(dim, metric);
    this.index.initIndex(rows.length / dim, m, efConstruction);
    for (const [label, row] of rowsOf(rows, dim).entries()) this.index.addPoint(Array.from(row), label);
    return 1;
  }

  save(path: string) {
    this.index.writeIndexSync(path);
  }

  take({ each, k }: Queries) {
    this.queries = each.map((query) => Array.from(query));
    this.k = k;
  }

  load({ dim, metric, path }: LoadRequest) {
    this.make(dim, metric);
    this.index.readIndexSync(path);
  }

  setEf(ef: number) {
    this.index.setEf(ef);
  }

  searchAll() {
    return this.queries.map((query) => this.index.searchKnn(query, this.k));
  }

  searchOne(q: number) {
    return this.index.searchKnn(this.queries[q]!, this.k);
  }

  labels(answer: unknown) {
    const labels = new Int32Array(this.queries.length * this.k).fill(-1);
    for (const [q, { neighbors }] of (answer as { neighbors: number[] }[]).entries()) labels.set(neighbors, q * this.k);
    return labels;
  }

  /** Rows have length 1 under cosine: its own 'cosine' would normalise every query again. */
  private make(dim: number, metric: string) {
    this.index = new this.library.HierarchicalNSW(metric === 'l2' ? 'l2' : 'ip', dim);
  }
}

await serve(graphHandlers(new HnswlibNode()));
