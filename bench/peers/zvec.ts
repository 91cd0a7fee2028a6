/**
 * @zvec/zvec as a contender: a database in a folder, one query a call, by its synchronous interface, which is the faster on one
 * thread; on more, queries are asked for together.
 */
import { type IndexShape, type LoadRequest, numberOf, type Setting } from '../index-protocol.ts';
import { type Adapter, handlers, type PackageRequest, type Queries, requirePackage, rowsOf } from './adapter.ts';
import { serve } from './serve.ts';

interface Doc {
  readonly id: string;
}

interface Collection {
  insertSync(docs: readonly object[]): { ok: boolean; message: string }[];
  optimizeSync(options: { concurrency: number }): void;
  querySync(query: object): Doc[];
  query(query: object): Promise<Doc[]>;
  closeSync(): void;
}

interface Library {
  ZVecInitialize(options: object): void;
  ZVecCreateAndOpen(path: string, schema: object): Collection;
  ZVecOpen(path: string, options: { readOnly: boolean }): Collection;
  ZVecCollectionSchema: new (schema: object) => object;
  ZVecIndexType: Readonly<Record<'HNSW' | 'IVF' | 'FLAT', number>>;
  ZVecMetricType: Readonly<Record<'L2' | 'IP', number>>;
  ZVecQuantizeType: Readonly<Record<string, number>>;
  ZVecDataType: { readonly VECTOR_FP32: number };
  ZVecLogLevel: { readonly ERROR: number };
}

/** Rows of one insertion; it takes 1,024 at most. */
const ROWS_AT_ONCE = 1000;

/** Its quantizers by the names that other contenders have for them. */
const QUANTIZERS: Readonly<Record<string, string>> = { f32: 'UNDEFINED', f16: 'FP16', i8: 'INT8' };

class Zvec implements Adapter {
  private library!: Library;
  private request!: PackageRequest;
  private collection!: Collection;
  private queries!: Queries;
  private description = '';
  private k = 0;
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

  build(rows: Float32Array, shape: IndexShape, path: string) {
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

  load({ path, description }: LoadRequest) {
    this.description = description;
    this.collection = this.library.ZVecOpen(path, { readOnly: true });
  }

  choose({ efSearch, nprobe }: Setting, k: number) {
    this.k = k;
    const indexType = this.indexType(this.description);
    // a full scan takes none
    const params = this.description === 'Flat' ? {} : { params: { indexType, ef: efSearch, nprobe } };
    this.calls = this.queries.each.map((vector) => ({ fieldName: 'row', vector, topk: k, outputFields: [], ...params }));
  }

  searchAll() {
    if (this.request.threads > 1) return Promise.all(this.calls.map((query) => this.collection.query(query)));
    return this.calls.map((query) => this.collection.querySync(query));
  }

  searchOne(q: number) {
    return this.collection.querySync(this.calls[q]!);
  }

  labels(answer: unknown) {
    const { k } = this;
    const labels = new Int32Array(this.queries.each.length * k).fill(-1);
    for (const [q, docs] of (answer as Doc[][]).entries()) {
      labels.set(
        docs.map(({ id }) => Number(id)),
        q * k,
      );
    }
    return labels;
  }

  private indexType(description: string): number {
    const { HNSW, IVF, FLAT } = this.library.ZVecIndexType;
    if (description === 'Flat') return FLAT;
    return description.startsWith('HNSW') ? HNSW : IVF;
  }

  private schema({ dim, metric, description, efConstruction }: IndexShape): object {
    const { ZVecCollectionSchema, ZVecDataType, ZVecMetricType, ZVecQuantizeType } = this.library;
    const m = numberOf(description, 'HNSW');
    const nList = numberOf(description, 'IVF');
    const indexParams = {
      indexType: this.indexType(description),
      metricType: metric === 'l2' ? ZVecMetricType.L2 : ZVecMetricType.IP,
      quantizeType: ZVecQuantizeType[QUANTIZERS[this.request.kind]!],
      ...(m === undefined ? {} : { m, efConstruction, useContiguousMemory: true }),
      ...(nList === undefined ? {} : { nList }),
    };
    return new ZVecCollectionSchema({
      name: 'bench',
      vectors: { name: 'row', dataType: ZVecDataType.VECTOR_FP32, dimension: dim, indexParams },
    });
  }
}

await serve(handlers(new Zvec()));
