/** Search over lists of codes: integer keys choose candidates, canonical distances order them. */
import { allocAll } from '../host/alloc-all.ts';
import type { Engine, Work } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { LANES } from '../kernels/canonical-distances.ts';
import { isPq, NONE } from '../kernels/graph.ts';
import { listScan, listScanScratchWords } from '../kernels/list-scan.ts';
import { roundUp } from '../util/math.ts';
import { Breather, type TaskOptions } from '../util/tasks.ts';
import { Candidates } from './candidates.ts';
import { refineCertified, type Scanned } from './certified-search.ts';
import { type DeviceLists, isDeviceScannable } from './coded-device.ts';
import type { Probes } from './coding/list-codec.ts';
import type { Lists } from './coding/lists.ts';
import type { Trained } from './coding/trained.ts';
import { BestCollector, type Collector } from './collectors.ts';
import { DecodedRows } from './decoded-rows.ts';
import type { Admission } from './filter.ts';
import type { Originals } from './originals.ts';
import { withHostBehind } from './per-engine.ts';
import { Refiner } from './refiner.ts';
import type { Snapshot } from './rows.ts';
import type { Metric } from './vector-index.ts';

/** Queries of one scan for each thread; tables of 32 subquantisers take 16 KiB each. */
const SLICE = 64;
/** Queries that a device scans for at a time, and multiply-adds that take as long as looking up a byte of a code. */
const DEVICE_SLICE = 1024;
const TERMS_PER_BYTE = 8;
/** Candidates of a slice, at most, unless a single query has more. */
const SLICE_PAIRS = 2 ** 20;
/** Candidates that are refined at a time; a refiner takes no more than 2^22. */
const REFINED_PAIRS = 2 ** 21;
/** Where an answer is not certain, the next scan keeps so many times as many rows. */
const WIDER = 4;
/** Rows that the first scan for a range keeps; the next keep twice as many. */
const RANGE_KEEP = 64;
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
  /** Rows that a scan keeps when so many are wanted. */
  readonly candidatesFor: (k: number) => number;
  readonly options: TaskOptions;
  /** Whether answers are to be certain (certified-search.ts): scans keep more rows until they are. */
  readonly certified?: boolean | undefined;
  /** What canonical distances are computed from: the vectors as added, or undefined for what the codes say. */
  readonly vectors: Originals | undefined;
}

/**
 * The nearest `keep` rows of each query, by keys, each refined and handed to the collector. Returns the engine that scanned: a
 * device, where one scans what the codes are (coded-device.ts), or the host. A query whose lists hold fewer than `enough` rows that it may
 * return probes twice as many, until it has them or met all.
 */
export async function searchLists(task: CodedTask, keep: number, enough: number, collector: Collector): Promise<Engine> {
  const { engine, snapshot, queries, options, lists, device, admission } = task;
  const { dim } = snapshot.originals;
  const nq = queries.length / dim;
  const most = Math.min(keep, Math.max(1, admission.count));
  const scannable = isDeviceScannable(lists, task.trained.codec.form, most);
  const chosen = scannable ? await engine.pick(workOf(task, nq)) : engine.host;
  const together = chosen === engine.host ? SLICE * engine.host.info.threads : DEVICE_SLICE;
  const slice = Math.max(1, Math.min(together, Math.floor(SLICE_PAIRS / most)));
  const breather = new Breather(options.signal);
  const short: number[] = [];
  const uncertain: number[] = [];
  let answered = chosen;
  for (let first = 0; first < nq; first += slice) {
    const part = queries.subarray(first * dim, Math.min(nq, first + slice) * dim);
    const transformed = await task.trained.transform(part, {});
    const scanned = await withHostBehind(answered, engine.host, device, (on) => {
      answered = on;
      const scanning = on === engine.host ? scan : scanOn;
      return scanning(task, transformed, part.length / dim, most, on);
    });
    if (task.nprobe < lists.nlist) takeShort(scanned.ids, most, Math.min(enough, admission.count), (q) => short.push(first + q));
    const taking = shifted(collector, (q) => first + q);
    if (task.certified) {
      for (const q of await refineCertified(task, part, transformed, scanned, most, taking)) uncertain.push(first + q);
    } else {
      await refine(task, part, transformed, scanned.ids, most, (q, row, distance) => taking.take(q, snapshot.labels[row]!, distance));
    }
    options.onProgress?.(first + part.length / dim, nq);
    await breather.breathe();
  }
  const farther = { ...task, nprobe: Math.min(2 * task.nprobe, lists.nlist) };
  if (short.length > 0) await searchAgain(farther, keep, enough, short, collector);
  if (uncertain.length > 0) await searchAgain(task, WIDER * most, enough, uncertain, collector);
  return answered;
}

/** Takes out what queries found that found fewer than `enough` rows: u32 [nq, keep]. */
function takeShort(found: Uint32Array, keep: number, enough: number, take: (q: number) => void): void {
  for (let q = 0; q < found.length / keep; q++) {
    if (enough === 0 || found[q * keep + Math.min(enough, keep) - 1] !== NONE) continue;
    found.fill(NONE, q * keep, (q + 1) * keep);
    take(q);
  }
}

/** Searches for some of the queries. */
async function searchAgain(task: CodedTask, keep: number, enough: number, some: readonly number[], collector: Collector): Promise<void> {
  const { dim } = task.snapshot.originals;
  const queries = new Float32Array(some.length * dim);
  for (const [i, q] of some.entries()) queries.set(task.queries.subarray(q * dim, (q + 1) * dim), i * dim);
  const taking = shifted(collector, (i) => some[i]!);
  await searchLists({ ...task, queries, options: { signal: task.options.signal } }, keep, enough, taking);
}

/** A collector for queries that have other numbers. */
function shifted(collector: Collector, numberOf: (q: number) => number): Collector {
  return {
    k: collector.k,
    threshold: (q) => collector.threshold(numberOf(q)),
    take: (q, label, distance) => collector.take(numberOf(q), label, distance),
  };
}

/**
 * Rows within a radius, approximately: scans keep more and more rows until they kept as many as a search for one more than lie
 * within it would. Returns the engine of the last scan.
 */
export async function searchListsWithin(task: CodedTask, radius: number, collector: Collector): Promise<Engine> {
  const { dim } = task.snapshot.originals;
  const { signal, onProgress } = task.options;
  const nq = task.queries.length / dim;
  let answered: Engine = task.engine.host;
  for (let q = 0; q < nq; q++) {
    const one = { ...task, certified: false, queries: task.queries.subarray(q * dim, (q + 1) * dim), options: { signal } };
    answered = await searchOneWithin(one, q, radius, collector);
    onProgress?.(q + 1, nq);
  }
  return answered;
}

async function searchOneWithin(task: CodedTask, q: number, radius: number, collector: Collector): Promise<Engine> {
  for (let keep = RANGE_KEEP; ; keep *= 2) {
    const best = new BestCollector(1, keep);
    const answered = await searchLists(task, keep, 0, best);
    const list = best.lists[0]!;
    const [labels, distances] = [new Int32Array(keep), new Float32Array(keep)];
    list.writeTo(labels, distances, 0);
    const beyond = distances.findIndex((distance) => distance > radius);
    const within = beyond < 0 ? list.size : Math.min(beyond, list.size);
    if (list.size < keep || task.candidatesFor(within + 1) <= keep) {
      for (let i = 0; i < within; i++) collector.take(q, labels[i]!, distances[i]!);
      return answered;
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
  const decoded = () => new DecodedRows(engine.host, trained.codec, lists.codes, trained.dimOf(dim), (row) => lists.find(row)!);
  const originals = vectors ?? decoded();
  const refiner = new Refiner(
    engine.host,
    originals,
    vectors ? metric : trained.metricOf(metric),
    roundUp(originals.dim, LANES),
    vectors ? queries : transformed,
  );
  const candidates = new Candidates(Math.max(1, Math.min(found.length, REFINED_PAIRS)));
  for (let i = 0; i < found.length; i++) {
    if (found[i] !== NONE) candidates.push(Math.floor(i / keep), found[i]!);
    if (candidates.length < REFINED_PAIRS && i < found.length - 1) continue;
    await refiner.refine(candidates, take);
    candidates.length = 0;
  }
}

/** What scanning costs. A device is waited for twice: for the units of tables, and for what it finds. */
function workOf({ engine, trained, lists, nprobe, device }: CodedTask, nq: number): Work {
  const bytes = nq * lists.codes.length * (trained.coarse ? nprobe / lists.nlist : 1);
  return {
    terms: isPq(trained.codec.form) ? bytes * TERMS_PER_BYTE : bytes,
    waits: 2 * Math.ceil(nq / DEVICE_SLICE),
    uploadBytes: device.missing(engine, lists),
  };
}

/** The lists that queries probe: the nearest ones, or the only one. */
async function probesOf({ trained, nprobe }: CodedTask, queries: Float32Array, nq: number): Promise<Probes> {
  if (!trained.coarse) return { lists: new Uint32Array(nq), nprobe: 1 };
  return { lists: await trained.coarse.probe(queries, nprobe), nprobe };
}

/** Rows by key, as `scan` finds them, on a device. */
async function scanOn(task: CodedTask, queries: Float32Array, nq: number, keep: number, on: Engine): Promise<Scanned> {
  const probes = await probesOf(task, queries, nq);
  const held = await task.device.acquire(on, task.lists, task.trained.codec);
  try {
    return { ids: await held.nearest(queries, probes, keep, task.admission) };
  } finally {
    held.release();
  }
}

/** Rows by key. */
async function scan(task: CodedTask, queries: Float32Array, nq: number, keep: number): Promise<Scanned> {
  const { trained, lists, admission, snapshot } = task;
  const { host } = task.engine;
  const { codec } = trained;
  const probed = await probesOf(task, queries, nq);
  const { nprobe } = probed;
  using coded = await codec.queries(queries, probed);
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
    host.write(probes, probed.lists);
    host.write(admitted, admission.bits);
    const { offsets, rows, codes, terms } = lists;
    const { queries: coded8, shifts, probeTerms } = coded;
    const blocks = { queries: coded8, codes, rowTerms: terms, rows, offsets, probes, probeTerms, shifts, admitted, keys, ids, scratch };
    const params = { nq, nprobe, form, stride, queryStride: coded8.length / nq, keep, withTerms, filtered, slots, slotWords };
    await host.run(new Recording().dispatch(listScan, blocks, params));
    return { ids: host.view(ids).slice(), keys: host.view(keys).slice(), scores: coded.scores };
  } finally {
    for (const block of [probes, admitted, keys, ids, scratch]) block[Symbol.dispose]();
  }
}
