/** Search over lists of codes: integer keys choose candidates, canonical distances order them. */
import { allocAll } from '../host/alloc-all.ts';
import type { Engine, HostEngine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { LANES } from '../kernels/canonical-distances.ts';
import { NONE, queryStride } from '../kernels/graph.ts';
import { listScan, listScanScratchWords } from '../kernels/list-scan.ts';
import { roundUp } from '../util/math.ts';
import { Breather, type TaskOptions } from '../util/tasks.ts';
import { Candidates } from './candidates.ts';
import { type DeviceLists, isDeviceScannable } from './coded-device.ts';
import { toGrid } from './coding/integer-grid.ts';
import type { Lists } from './coding/lists.ts';
import { PqListCodec } from './coding/pq-list-codec.ts';
import type { Trained } from './coding/trained.ts';
import { BestCollector, type Collector } from './collectors.ts';
import type { Admission } from './filter.ts';
import type { Originals } from './originals.ts';
import { withHostBehind } from './per-engine.ts';
import { Refiner } from './refiner.ts';
import type { Snapshot } from './rows.ts';
import type { Metric } from './vector-index.ts';

/** Queries of one scan for each thread; tables of 32 subquantisers take 16 KiB each. */
const SLICE = 64;
/** Queries that a device scans for at a time, and multiply-adds that cost it what looking up a byte of a code does. */
const DEVICE_SLICE = 1024;
const TERMS_PER_BYTE = 8;
/** Rows that the first scan for a range keeps; the next keep twice as many. */
const RANGE_KEEP = 64;
/** Without vectors what codes say is compared: so many more than k, since keys are rounded. */
const SPARE = 16;

export interface CodedTask {
  readonly engine: Engine;
  /** Copies of the codes on devices. */
  readonly device: DeviceLists;
  readonly trained: Trained;
  readonly lists: Lists;
  readonly snapshot: Snapshot;
  readonly admission: Admission;
  readonly metric: Metric;
  /** f32 [nq, dim], checked, normalised under cosine. */
  readonly queries: Float32Array;
  readonly nprobe: number;
  readonly options: TaskOptions;
  /** What canonical distances are computed from: the vectors as added, or undefined for what the codes say. */
  readonly vectors: Originals | undefined;
}

/** Rows that the scan keeps for each query when k are wanted. */
export function candidatesFor(k: number, refineFactor: number, withVectors: boolean): number {
  return withVectors ? Math.ceil(k * refineFactor) : Math.max(2 * k, k + SPARE);
}

/**
 * The nearest `keep` rows of each query, by keys, each refined and handed to the collector. Returns the engine that scanned: a
 * device, where it has one list of product-quantiser codes, or the host.
 */
export async function searchLists(task: CodedTask, keep: number, collector: Collector): Promise<Engine> {
  const { engine, snapshot, queries, options, lists, device } = task;
  const { dim } = snapshot.originals;
  const nq = queries.length / dim;
  const most = Math.min(keep, Math.max(1, snapshot.liveCount));
  const codec = isDeviceScannable(lists, most) && task.trained.codec instanceof PqListCodec ? task.trained.codec : undefined;
  const work = {
    terms: nq * lists.codes.length * TERMS_PER_BYTE,
    waits: Math.ceil(nq / DEVICE_SLICE),
    uploadBytes: device.missing(engine, lists),
  };
  const chosen = codec ? await engine.pick(work) : engine.host;
  const slice = chosen === engine.host ? SLICE * engine.host.info.threads : DEVICE_SLICE;
  const breather = new Breather(options.signal);
  let answered = chosen;
  for (let first = 0; first < nq; first += slice) {
    const part = queries.subarray(first * dim, Math.min(nq, first + slice) * dim);
    const transformed = await task.trained.transform(part, {});
    const found = await withHostBehind(answered, engine.host, device, (on) => {
      answered = on;
      return on === engine.host || !codec
        ? scan(task, transformed, part.length / dim, most)
        : scanOn(on, codec, task, transformed, part.length / dim, most);
    });
    await refine(task, part, transformed, found, most, (q, row, distance) => collector.take(first + q, snapshot.labels[row]!, distance));
    options.onProgress?.(first + part.length / dim, nq);
    await breather.breathe();
  }
  return answered;
}

/** Rows within a radius, approximately: scans keep more and more rows as long as all that they keep lie within it. */
export async function searchListsWithin(task: CodedTask, radius: number, collector: Collector): Promise<void> {
  const { dim } = task.snapshot.originals;
  const nq = task.queries.length / dim;
  for (let q = 0; q < nq; q++) {
    await searchOneWithin({ ...task, queries: task.queries.subarray(q * dim, (q + 1) * dim) }, q, radius, collector);
  }
}

async function searchOneWithin(task: CodedTask, q: number, radius: number, collector: Collector): Promise<void> {
  for (let keep = RANGE_KEEP; ; keep *= 2) {
    const best = new BestCollector(1, keep);
    await searchLists(task, keep, best);
    const list = best.lists[0]!;
    if (list.size < keep || list.threshold > radius) {
      const [labels, distances] = [new Int32Array(keep), new Float32Array(keep)];
      list.writeTo(labels, distances, 0);
      for (let i = 0; i < list.size; i++) collector.take(q, labels[i]!, distances[i]!);
      return;
    }
  }
}

type Take = (q: number, row: number, distance: number) => void;

/** Canonical distances of what scans found, u32 [nq, keep]. */
async function refine(
  task: CodedTask,
  queries: Float32Array,
  transformed: Float32Array,
  found: Uint32Array,
  keep: number,
  take: Take,
): Promise<void> {
  const { engine, trained, vectors, snapshot, metric, lists } = task;
  const { dim } = snapshot.originals;
  const candidates = new Candidates(Math.max(1, found.length));
  for (let i = 0; i < found.length; i++) if (found[i] !== NONE) candidates.push(Math.floor(i / keep), found[i]!);
  if (vectors) {
    const refiner = new Refiner(engine.host, vectors, metric, roundUp(dim, LANES), queries);
    return refiner.refine(candidates, take);
  }
  const decoded = new DecodedLists(engine.host, trained, lists, trained.dimOf(dim));
  const refiner = new Refiner(engine.host, decoded, metric, roundUp(decoded.dim, LANES), transformed);
  await refiner.refine(candidates, take);
}

/** Rows by key, as `scan` finds them, on a device. */
async function scanOn(
  on: Engine,
  codec: PqListCodec,
  task: CodedTask,
  queries: Float32Array,
  nq: number,
  keep: number,
): Promise<Uint32Array> {
  const held = await task.device.acquire(on, task.lists, codec);
  try {
    return await held.nearest(toGrid(queries, codec.quantizer.grid), nq, keep, task.admission);
  } finally {
    held.release();
  }
}

/** Rows by key, u32 [nq, keep], NONE behind the last. */
async function scan(task: CodedTask, queries: Float32Array, nq: number, keep: number): Promise<Uint32Array> {
  const { trained, lists, admission, snapshot, options } = task;
  const { host } = task.engine;
  const { codec, coarse } = trained;
  const nprobe = coarse ? task.nprobe : 1;
  const probed = coarse ? await coarse.probe(queries, nprobe, { signal: options.signal }) : new Uint32Array(nq);
  using coded = await codec.queries(queries, { lists: probed, nprobe });
  const filtered = admission.count < snapshot.liveCount ? 1 : 0;
  const { form, stride } = codec;
  const withTerms = codec.withTerms ? 1 : 0;
  const slots = Math.min(nq, host.info.threads);
  const slotWords = listScanScratchWords({ nq, nprobe, form, stride, keep, withTerms });
  const [probes, admitted, keys, ids, scratch] = await allocAll(host, [
    ['u32', nq * nprobe, 'search: probes'],
    ['u32', Math.max(1, admission.bits.length), 'search: admitted'],
    ['i32', nq * keep, 'search: keys'],
    ['u32', nq * keep, 'search: rows'],
    ['u32', slots * slotWords, 'search: scratch'],
  ]);
  try {
    host.write(probes, probed);
    host.write(admitted, admission.bits);
    const { offsets, rows, codes, terms } = lists;
    const { queries: coded8, shifts, probeTerms } = coded;
    const blocks = { queries: coded8, codes, rowTerms: terms, rows, offsets, probes, probeTerms, shifts, admitted, keys, ids, scratch };
    const params = { nq, nprobe, form, stride, queryStride: queryStride(form, stride), keep, withTerms, filtered, slots, slotWords };
    await host.run(new Recording().dispatch(listScan, blocks, params));
    return host.view(ids).slice();
  } finally {
    for (const block of [probes, admitted, keys, ids, scratch]) block[Symbol.dispose]();
  }
}

/** What the codes of rows say, among transformed vectors. */
class DecodedLists implements Originals {
  readonly dim: number;
  readonly memoryBytes = 0;
  private readonly host: HostEngine;
  private readonly trained: Trained;
  private readonly lists: Lists;

  constructor(host: HostEngine, trained: Trained, lists: Lists, dim: number) {
    this.host = host;
    this.trained = trained;
    this.lists = lists;
    this.dim = dim;
  }

  async readRange(begin: number, end: number, out: Float32Array): Promise<void> {
    this.copyRows(
      Array.from({ length: end - begin }, (_, i) => begin + i),
      out,
      this.dim,
    );
  }

  async readRows(rows: ArrayLike<number>, out: Float32Array, width: number): Promise<void> {
    this.copyRows(rows, out, width);
  }

  copyRows(rows: ArrayLike<number>, out: Float32Array, width: number): void {
    const codes = this.host.view(this.lists.codes);
    for (let i = 0; i < rows.length; i++) {
      const { list, position } = this.lists.find(rows[i]!)!;
      this.trained.codec.decode(codes, position * this.lists.stride, list, out.subarray(i * width, i * width + this.dim));
    }
  }
}
