/** Exact search over a snapshot: which rows to look at, in which order; distances are canonical, so the order never shows. */
import type { Block } from '../host/block.ts';
import type { Engine } from '../host/engine.ts';
import { Breather, runInFlight } from '../util/tasks.ts';
import type { Candidates } from './candidates.ts';
import type { Collector } from './collectors.ts';
import { type DerivedCodes, uploadMasks } from './derived-codes.ts';
import { type ExhaustTask, exhaust } from './exhaust.ts';
import { FlatQueries } from './flat-queries.ts';
import { FlatScan } from './flat-scan.ts';
import { withHostBehind } from './per-engine.ts';
import { Refiner } from './refiner.ts';
import { Seeds, Survivors } from './survivors.ts';

/** Below so many admissible rows, or when k asks for more than one in eight, every row is refined. */
const EXHAUSTIVE_ROWS = 1024;
const EXHAUSTIVE_SHARE = 8;
/** Queries of one slice, at most and at least, and the multiply-adds it should stay under. */
const SLICE_MOST = 256;
const SLICE_LEAST = 16;
const SLICE_TERMS = 2 ** 33;
/** Slices that each thread should get, so that none waits long for the last one. */
const SLICES_PER_THREAD = 2;

export interface FlatTask extends ExhaustTask {
  readonly codes: DerivedCodes;
}

/** Searches on the engine that is cheaper; returns the one that answered. */
export async function searchFlat<C extends Collector>(task: FlatTask, collector: () => C): Promise<{ engine: Engine; collector: C }> {
  const { engine, snapshot, admission, queries, codes } = task;
  const nq = queries.length / snapshot.originals.dim;
  const fresh = collector();
  if (admission.count <= EXHAUSTIVE_ROWS || (fresh.k ?? 0) * EXHAUSTIVE_SHARE >= admission.count) {
    await exhaust(task, fresh);
    return { engine: engine.host, collector: fresh };
  }
  const bytes = snapshot.count * Math.min(snapshot.originals.dim, 128);
  const chosen = await engine.pick({ terms: nq * bytes, waits: 4 * Math.ceil(nq / SLICE_MOST), uploadBytes: codes.missing(engine, bytes) });
  return withHostBehind(chosen, engine.host, codes, async (on) => {
    const into = on === chosen ? fresh : collector();
    await scan(task, on, into);
    return { engine: on, collector: into };
  });
}

/** Filters by codes, slice by slice, and refines what is left. */
async function scan(task: FlatTask, engine: Engine, collector: Collector): Promise<void> {
  const { snapshot, admission, queries, options } = task;
  const { dim } = snapshot.originals;
  const nq = queries.length / dim;
  const codes = await task.codes.acquire(engine, snapshot, { signal: options.signal });
  const masks: Block<'u32'>[] = [];
  try {
    await uploadMasks(codes, admission.bits, masks);
    const rowTerms = snapshot.count * codes.plan.filterGrid.words * 4;
    const threads = engine.kind === 'gpu' ? 1 : engine.info.threads;
    const share = threads > 1 ? Math.ceil(nq / (threads * SLICES_PER_THREAD)) : nq;
    const slice = Math.max(SLICE_LEAST, Math.min(SLICE_MOST, share, Math.floor(SLICE_TERMS / rowTerms)));
    let done = 0;
    const tasks = Array.from({ length: Math.ceil(nq / slice) }, (_, i) => async () => {
      const first = i * slice;
      const rows = queries.subarray(first * dim, Math.min(nq, first + slice) * dim);
      using coded = await FlatQueries.of(codes, rows, dim, task.width);
      using scanner = await FlatScan.open(codes, coded, masks);
      await scanSlice(task, engine, scanner, first, rows, collector);
      done += rows.length / dim;
      options.onProgress?.(done, nq);
    });
    // One more than compute: while they do, the host handles what the last one found.
    await runInFlight(threads + 1, tasks);
  } finally {
    for (const mask of masks) mask[Symbol.dispose]();
    codes.release();
  }
}

/** Seeds, passes, and refining what they left of one slice, whose first query is the `first` of the call. */
async function scanSlice(
  task: FlatTask,
  engine: Engine,
  scanner: FlatScan,
  first: number,
  queries: Float32Array,
  collector: Collector,
): Promise<void> {
  const { snapshot, metric, width, options } = task;
  const refiner = new Refiner(engine.host, snapshot.originals, metric, width, queries);
  const breather = new Breather(options.signal);
  const nq = queries.length / snapshot.originals.dim;
  const refine = (candidates: Candidates) =>
    refiner.refine(candidates, (q, row, distance) => collector.take(first + q, snapshot.labels[row]!, distance));
  const known = (q: number) => collector.threshold(first + q);
  if (collector.k === undefined) {
    const survivors = new Survivors(nq, undefined, known, refine, breather);
    await scanner.pass({ step: 1, skip: 0 }, survivors);
    return survivors.finish();
  }
  const { k } = collector;
  const step = scanner.seedStep(k);
  const seeds = new Seeds(nq, k);
  await scanner.seed(k, step, seeds.keep);
  await seeds.finish((candidates, take) => refiner.refine(candidates, take));
  const survivors = new Survivors(nq, k, (q) => Math.min(seeds.threshold(q), known(q)), refine, breather);
  for (const pass of FlatScan.passes(step)) await scanner.pass(pass, survivors);
  await survivors.finish();
}
