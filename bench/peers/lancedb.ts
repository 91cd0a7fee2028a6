/**
 * LanceDB as a contender: a table in a folder, searched as it is, behind lists, or by a graph. Many queries in one call are far
 * faster than calls for each; they are split evenly over its threads. The numbers of those come by environment variables.
 */
import { type IndexShape, type LoadRequest, numberOf, type Setting } from '../index-protocol.ts';
import { type Adapter, handlers, type PackageRequest, type Queries, required, requirePackage } from './adapter.ts';
import { serve } from './serve.ts';

interface ArrowTable {
  getChild(name: string): { toArray(): Int32Array } | null;
}

/** What is used of Arrow. */
interface Arrow {
  readonly Int32: new () => object;
  readonly Float32: new () => object;
  readonly Field: new (name: string, type: object, nullable: boolean) => object;
  readonly FixedSizeList: new (length: number, field: object) => object;
  readonly Struct: new (fields: readonly object[]) => object;
  readonly Schema: new (fields: readonly object[]) => { readonly fields: readonly object[] };
  readonly RecordBatch: new (schema: object, data: object) => object;
  readonly Table: new (schema: object, batch: object) => ArrowTable;
  makeData(part: { type: object; length: number; data?: ArrayLike<number>; child?: object; children?: readonly object[] }): object;
}

interface Query {
  column(name: string): Query;
  distanceType(metric: string): Query;
  addQueryVector(vector: Float32Array): Query;
  nprobes(count: number): Query;
  ef(width: number): Query;
  refineFactor(factor: number): Query;
  bypassVectorIndex(): Query;
  select(columns: string[]): Query;
  limit(k: number): Query;
  toArrow(): Promise<ArrowTable>;
}

interface Table {
  vectorSearch(vector: Float32Array): Query;
  createIndex(column: string, options: { config: object; replace: boolean }): Promise<void>;
  prewarmIndex(name: string): Promise<void>;
}

interface Connection {
  createTable(name: string, rows: ArrowTable): Promise<Table>;
  openTable(name: string): Promise<Table>;
}

interface Library {
  connect(path: string): Promise<Connection>;
  Index: Readonly<Record<'ivfFlat' | 'ivfPq' | 'hnswSq', (options: object) => object>>;
}

/** The answers of queries `from` and on. */
interface Part {
  readonly from: number;
  readonly found: ArrowTable;
}

const TABLE = 'rows';
const COLUMN = 'vector';
/** As it names an index of that column. */
const INDEX = `${COLUMN}_idx`;

class LanceDb implements Adapter {
  private library!: Library;
  private request!: PackageRequest;
  private table!: Table;
  private metric = 'l2';
  private queries!: Queries;
  private setting: Setting = {};
  private k = 0;

  open(request: Readonly<Record<string, unknown>>) {
    this.request = request as unknown as PackageRequest;
    const { module, version } = requirePackage<Library>(this.request);
    this.library = module;
    return { version, compiled: 'npm binary, kernels chosen at run time' };
  }

  async build(rows: Float32Array, shape: IndexShape, path: string) {
    const database = await this.library.connect(path);
    this.table = await database.createTable(TABLE, arrowTable(required<Arrow>(this.request, 'apache-arrow'), rows, shape.dim));
    const config = this.config(shape);
    if (config) await this.table.createIndex(COLUMN, { config, replace: true });
    return this.request.threads;
  }

  /** It was built where it stays. */
  save() {}

  take(queries: Queries) {
    this.queries = queries;
  }

  async load({ path, metric, description }: LoadRequest) {
    this.metric = distanceType(metric);
    const database = await this.library.connect(path);
    this.table = await database.openTable(TABLE);
    if (description !== 'Flat') await this.table.prewarmIndex(INDEX);
  }

  choose(setting: Setting, k: number) {
    this.setting = setting;
    this.k = k;
  }

  searchAll() {
    const { each } = this.queries;
    const size = Math.ceil(each.length / this.request.threads);
    const starts = Array.from({ length: Math.ceil(each.length / size) }, (_, i) => i * size);
    return Promise.all(starts.map(async (from): Promise<Part> => ({ from, found: await this.search(each.slice(from, from + size)) })));
  }

  searchOne(q: number) {
    return this.search([this.queries.each[q]!]);
  }

  labels(answer: unknown) {
    const labels = new Int32Array(this.queries.each.length * this.k).fill(-1);
    const filled = new Uint32Array(this.queries.each.length);
    for (const { from, found } of answer as Part[]) {
      const ids = found.getChild('id')!.toArray();
      const asked = found.getChild('query_index')?.toArray(); // one query alone has none
      for (const [i, id] of ids.entries()) {
        const q = from + (asked?.[i] ?? 0);
        labels[q * this.k + filled[q]!++] = id;
      }
    }
    return labels;
  }

  private search([first, ...others]: readonly Float32Array[]): Promise<ArrowTable> {
    const { nprobe, efSearch, refineFactor } = this.setting;
    let query = this.table.vectorSearch(first!).column(COLUMN).distanceType(this.metric);
    for (const other of others) query = query.addQueryVector(other);
    if (nprobe !== undefined) query = query.nprobes(nprobe);
    // less than it keeps is an error
    if (efSearch !== undefined) query = query.ef(Math.max(efSearch, this.k * (refineFactor ?? 1)));
    if (refineFactor !== undefined) query = query.refineFactor(refineFactor);
    return query.select(['id', '_distance']).limit(this.k).toArrow();
  }

  /** 'Flat' has none; 'IVF256_FLAT', 'IVF256_PQ28', 'IVF1_HNSW32_SQ'. */
  private config({ description, metric, efConstruction }: IndexShape): object | undefined {
    if (description === 'Flat') return undefined;
    const { ivfFlat, ivfPq, hnswSq } = this.library.Index;
    const shared = { numPartitions: numberOf(description, 'IVF'), distanceType: distanceType(metric) };
    const m = numberOf(description, 'HNSW');
    if (m !== undefined) return hnswSq({ ...shared, m, efConstruction });
    const numSubVectors = numberOf(description, 'PQ');
    return numSubVectors === undefined ? ivfFlat(shared) : ivfPq({ ...shared, numSubVectors });
  }
}

/** Rows have length 1 under cosine, where inner products order alike and are the faster. */
function distanceType(metric: string): string {
  return metric === 'l2' ? 'l2' : 'dot';
}

/** Labels and rows as columns, by Arrow as LanceDB has it; rows are not copied. */
function arrowTable(arrow: Arrow, rows: Float32Array, dim: number): ArrowTable {
  const n = rows.length / dim;
  const vectors = new arrow.FixedSizeList(dim, new arrow.Field('item', new arrow.Float32(), true));
  const schema = new arrow.Schema([new arrow.Field('id', new arrow.Int32(), false), new arrow.Field(COLUMN, vectors, false)]);
  const values = arrow.makeData({ type: new arrow.Float32(), length: rows.length, data: rows });
  const columns = [
    arrow.makeData({ type: new arrow.Int32(), length: n, data: Int32Array.from({ length: n }, (_, row) => row) }),
    arrow.makeData({ type: vectors, length: n, child: values }),
  ];
  const data = arrow.makeData({ type: new arrow.Struct(schema.fields), length: n, children: columns });
  return new arrow.Table(schema, new arrow.RecordBatch(schema, data));
}

await serve(handlers(new LanceDb()));
