/** Queries to a graph over product-quantiser codes: nodes are scored by lookups, answers by vectors or by what codes say. */
import type { Engine } from '../host/engine.ts';
import { LANES } from '../kernels/canonical-distances.ts';
import { hasBit } from '../util/bits.ts';
import { roundUp } from '../util/math.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { DeviceLists } from './coded-device.ts';
import type { CodedGraph, CodedNodes } from './coded-graph-state.ts';
import { searchLists, searchListsWithin } from './coded-search.ts';
import { Lists } from './coding/lists.ts';
import type { Trained } from './coding/trained.ts';
import type { Collector } from './collectors.ts';
import { DecodedRows } from './decoded-rows.ts';
import { DeviceCopies, EngineWalker } from './engine-walker.ts';
import type { Admission } from './filter.ts';
import type { CodecPlan } from './graph-codec.ts';
import type { CodedSlice, GraphQueries } from './graph-queries.ts';
import { viewOf } from './graph-state.ts';
import { refineBeams } from './list-refiner.ts';
import type { Originals } from './originals.ts';
import { Refiner } from './refiner.ts';
import type { Snapshot } from './rows.ts';
import type { Metric } from './vector-index.ts';

/** Queries of one walk for each thread, and on a device; tables of 32 subquantisers take 16 KiB each. */
const SLICE = 64;
const DEVICE_SLICE = 1024;

export interface CodedGraphTask {
  readonly engine: Engine;
  readonly trained: Trained;
  /** Undefined where no row was ever added. */
  readonly graph: CodedGraph | undefined;
  /** Links that a node chooses on each level. */
  readonly M: number;
  readonly snapshot: Snapshot;
  readonly admission: Admission;
  readonly metric: Metric;
  /** f32 [nq, dim], checked, normalised under cosine. */
  readonly queries: Float32Array;
  readonly options: TaskOptions;
  /** Of the beam; raised to the number of rows that are compared canonically. */
  readonly efSearch: number;
  /** Rows that are compared canonically when so many are wanted. */
  readonly candidatesFor: (k: number) => number;
  /** What canonical distances are computed from: the vectors as added, or undefined for what the codes say. */
  readonly vectors: Originals | undefined;
}

/** Walks by lookups. */
export function lookupWalker(engine: Engine, nodes: CodedNodes | undefined): EngineWalker {
  return new EngineWalker(engine, nodes?.device ?? new DeviceCopies(), { host: SLICE, device: DEVICE_SLICE });
}

/** One plan for all walks over what was trained: devices know by it that the rows they have are those. */
const plans = new WeakMap<Trained, CodecPlan>();

function planOf(trained: Trained, dim: number, metric: Metric): CodecPlan {
  const { form, stride } = trained.codec;
  let plan = plans.get(trained);
  if (!plan) plans.set(trained, (plan = { dim: trained.dimOf(dim), metric, form, stride, grid: undefined }));
  return plan;
}

export function codedGraphQueries(task: CodedGraphTask): GraphQueries {
  const { engine, trained, graph, M, snapshot, admission, metric, queries, options, efSearch, vectors } = task;
  const plan = planOf(trained, snapshot.originals.dim, metric);
  return {
    host: engine.host,
    view: graph && viewOf(graph, plan, 2 * M),
    ...{ snapshot, admission, queries, options },
    distancesOf: vectors ? 'vectors' : 'codes',
    beamFor: (k) => Math.max(efSearch, k === undefined ? 0 : keepOf(task, k)),
    lookedAt: (ef, k) => (k === undefined ? ef : Math.min(ef, keepOf(task, k))),
    code: (rows) => codedSlice({ ...task, graph: graph! }, rows),
    exhaust: (rows, own, collector) => exhaustCodes({ ...task, graph: graph!, queries: rows, options: own }, collector),
  };
}

/** Rows that are compared canonically when k are wanted. */
function keepOf({ candidatesFor, admission }: CodedGraphTask, k: number): number {
  return Math.min(admission.count, candidatesFor(k));
}

type GraphTask = CodedGraphTask & { readonly graph: CodedGraph };

async function codedSlice(task: GraphTask, rows: Float32Array): Promise<CodedSlice> {
  const { trained, snapshot } = task;
  const transformed = await trained.transform(rows, {});
  const nq = rows.length / snapshot.originals.dim;
  const coded = await trained.codec.queries(transformed, { lists: new Uint32Array(nq), nprobe: 1 });
  return {
    block: coded.queries,
    refine: (lists, k, take) => refineBeams(refinerOf(task, rows, transformed), lists, k, snapshot, take),
    [Symbol.dispose]: () => coded[Symbol.dispose](),
  };
}

function refinerOf(
  { engine, trained, graph, metric, vectors, snapshot }: GraphTask,
  rows: Float32Array,
  transformed: Float32Array,
): Refiner {
  const { host } = engine;
  if (vectors) return new Refiner(host, vectors, metric, roundUp(vectors.dim, LANES), rows);
  const dim = trained.dimOf(snapshot.originals.dim);
  const said = new DecodedRows(host, trained.codec, graph.codes, dim, (position) => ({ list: 0, position }));
  return new Refiner(host, said, metric, roundUp(dim, LANES), transformed);
}

/** Scores every admissible row, as an index without a graph would. */
async function exhaustCodes(task: GraphTask, collector: Collector): Promise<void> {
  const { engine, trained, graph, snapshot, admission } = task;
  const rows = new Uint32Array(admission.count);
  let found = 0;
  for (let row = 0; row < snapshot.count; row++) if (hasBit(admission.bits, row)) rows[found++] = row;
  using lists = await Lists.ofRows(engine.host, trained.codec.stride, rows, graph.codes);
  const scan = { ...task, engine: engine.host, device: new DeviceLists(), lists, nprobe: 1 };
  if (collector.k === undefined) await searchListsWithin(scan, collector.threshold(0), collector);
  else await searchLists(scan, keepOf(task, collector.k), 0, collector);
}
