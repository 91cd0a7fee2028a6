/** hnswlib-node as a contender: one thread, one query a call, rows as arrays of numbers; its interface knows nothing else. */
import { type IndexShape, type LoadRequest, numberOf, type Setting } from '../index-protocol.ts';
import { type Adapter, handlers, type PackageRequest, type Queries, requirePackage, rowsOf } from './adapter.ts';
import { serve } from './serve.ts';

interface Index {
  /** Graphs alone take the last two. */
  initIndex(most: number, m?: number, efConstruction?: number): void;
  addPoint(point: number[], label: number): void;
  searchKnn(query: number[], k: number): { neighbors: number[] };
  /** Of graphs. */
  setEf?(ef: number): void;
  writeIndexSync(path: string): void;
  readIndexSync(path: string): void;
}

type IndexClass = new (space: 'l2' | 'ip', dim: number) => Index;

interface Library {
  HierarchicalNSW: IndexClass;
  BruteforceSearch: IndexClass;
}

class HnswlibNode implements Adapter {
  private library!: Library;
  private index!: Index;
  private queries: number[][] = [];
  private k = 0;

  open(request: Readonly<Record<string, unknown>>) {
    const { module, version } = requirePackage<Library>(request as unknown as PackageRequest);
    this.library = module;
    return { version, compiled: request.compiled };
  }

  build(rows: Float32Array, shape: IndexShape) {
    const { dim, description, efConstruction } = shape;
    this.make(shape);
    const m = numberOf(description, 'HNSW');
    if (m === undefined) this.index.initIndex(rows.length / dim);
    else this.index.initIndex(rows.length / dim, m, efConstruction);
    for (const [label, row] of rowsOf(rows, dim).entries()) this.index.addPoint(Array.from(row), label);
    return 1;
  }

  save(path: string) {
    this.index.writeIndexSync(path);
  }

  take({ each }: Queries) {
    this.queries = each.map((query) => Array.from(query));
  }

  load(request: LoadRequest) {
    this.make(request);
    this.index.readIndexSync(request.path);
  }

  choose({ efSearch }: Setting, k: number) {
    this.k = k;
    if (efSearch !== undefined) this.index.setEf!(efSearch);
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
  private make({ dim, metric, description }: IndexShape) {
    const { HierarchicalNSW, BruteforceSearch } = this.library;
    const Index = description === 'Flat' ? BruteforceSearch : HierarchicalNSW;
    this.index = new Index(metric === 'l2' ? 'l2' : 'ip', dim);
  }
}

await serve(handlers(new HnswlibNode()));
