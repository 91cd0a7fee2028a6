/** @zvec/zvec as a contender: a database in a folder, one query a call, by its synchronous interface, which is the faster. */
import type { GraphShape, LoadRequest } from '../hnsw/protocol.ts';
import { type Graph, graphHandlers, type PackageRequest, type Queries, requirePackage, rowsOf } from './graph.ts';
import { serve } from './serve.ts';

interface Doc {
  readonly id: string;
}

interface Collection {
  insertSync(docs: readonly object[]): { ok: boolean; message: string }[];
  optimizeSync(options: { concurrency: number }): void;
  querySync(query: object): Doc[];
  closeSync(): void;
}

interface Library {
  ZVecInitialize(options: object): void;
  ZVecCreateAndOpen(path: string, schema: object): Collection;
  ZVecOpen(path: string, options: { readOnly: boolean }): Collection;
  ZVecCollectionSchema: new (schema: object) => object;
  ZVecIndexType: { readonly HNSW: number };
  ZVecMetricType: Readonly<Record<'L2' | 'IP', number>>;
  ZVecQuantizeType: Readonly<Record<string, number>>;
  ZVecDataType: { readonly VECTOR_FP32: number };
  ZVecLogLevel: { readonly ERROR: number };
}

/** Rows of one insertion; it takes 1,024 at most. */
const ROWS_AT_ONCE = 1000;

/** Its quantizers by the names that other contenders have for them. */
const QUANTIZERS: Readonly<Record<string, string>> = { f32: 'UNDEFINED', f16: 'FP16', i8: 'INT8' };

class Zvec implements Graph {
  private library!: Library;
  private request!: PackageRequest;
  private collection!: Collection;
  private queries!: Queries;
  /** The queries as it wants them, ef and all. */
  private calls: object[] = [];

  open(request: Readonly<Record<string, unknown>>) {
    this.request = request as unknown as PackageRequest;
    const { module, version } = requirePackage<Library>(this.request);
    const { threads, kind } = this.request;
    module.ZVecInitialize({ queryThreads: threads, optimizeThreads: threads, logLevel: module.ZVecLogLevel.ERROR });
    this.library = module;
    return { version, kind, compiled: 'npm binary, kernels chosen at run time' };
  }

  build(rows: Float32Array, shape: GraphShape, path: string) {
    const { threads } = this.request;
    this.collection = this.library.ZVecCreateAndOpen(path, this.schema(shape));
    const docs = rowsOf(rows, shape.dim).map((row, label) => ({ id: String(label), vectors: { row } }));
    for (let at = 0; at < docs.length; at += ROWS_AT_ONCE) {
      const failed = this.collection.insertSync(docs.slice(at, at + ROWS_AT_ONCE)).find(({ ok }) => !ok);
      if (failed) throw new Error(failed.message);
    }
    this.collection.optimizeSync({ concurrency: threads });
    return threads;
  }

  /** It was built where it stays. */
  save() {
    this.collection.closeSync();
  }

  take(queries: Queries) {
    this.queries = queries;
  }

  load({ path }: LoadRequest) {
    this.collection = this.library.ZVecOpen(path, { readOnly: true });
  }

  setEf(ef: number) {
    const params = { indexType: this.library.ZVecIndexType.HNSW, ef };
    const { each, k } = this.queries;
    this.calls = each.map((vector) => ({ fieldName: 'row', vector, topk: k, outputFields: [], params }));
  }

  searchAll() {
    return this.calls.map((query) => this.collection.querySync(query));
  }

  searchOne(q: number) {
    return this.collection.querySync(this.calls[q]!);
  }

  labels(answer: unknown) {
    const { each, k } = this.queries;
    const labels = new Int32Array(each.length * k).fill(-1);
    for (const [q, docs] of (answer as Doc[][]).entries()) {
      labels.set(
        docs.map(({ id }) => Number(id)),
        q * k,
      );
    }
    return labels;
  }

  private schema({ dim, metric, m, efConstruction }: GraphShape): object {
    const { ZVecCollectionSchema, ZVecDataType, ZVecIndexType, ZVecMetricType, ZVecQuantizeType } = this.library;
    const indexParams = {
      indexType: ZVecIndexType.HNSW,
      metricType: metric === 'l2' ? ZVecMetricType.L2 : ZVecMetricType.IP,
      m,
      efConstruction,
      quantizeType: ZVecQuantizeType[QUANTIZERS[this.request.kind]!],
      useContiguousMemory: true,
    };
    return new ZVecCollectionSchema({
      name: 'bench',
      vectors: { name: 'row', dataType: ZVecDataType.VECTOR_FP32, dimension: dim, indexParams },
    });
  }
}

await serve(graphHandlers(new Zvec()));
