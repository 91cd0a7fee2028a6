/** Search without an index: every admissible row is refined. */
import type { Engine } from '../host/engine.ts';
import { hasBit } from '../util/bits.ts';
import { Breather, type TaskOptions } from '../util/tasks.ts';
import { Candidates } from './candidates.ts';
import type { Collector } from './collectors.ts';
import type { Admission } from './filter.ts';
import { Refiner } from './refiner.ts';
import type { Snapshot } from './rows.ts';
import type { Metric } from './vector-index.ts';

export interface ExhaustTask {
  readonly engine: Engine;
  readonly snapshot: Snapshot;
  readonly admission: Admission;
  readonly metric: Metric;
  /** dim padded to the canonical lanes. */
  readonly width: number;
  /** f32 [nq, dim], checked, normalised under cosine. */
  readonly queries: Float32Array;
  readonly options: TaskOptions;
}

/** Refines every admissible row: for few rows, or many neighbours, codes would rule out too little. */
export async function exhaust(
  { engine, snapshot, admission, metric, width, queries, options }: ExhaustTask,
  collector: Collector,
): Promise<void> {
  const { dim } = snapshot.originals;
  const nq = queries.length / dim;
  const breather = new Breather(options.signal);
  const admissible: number[] = [];
  for (let row = 0; row < snapshot.count; row++) if (hasBit(admission.bits, row)) admissible.push(row);
  const slice = 64;
  for (let first = 0; first < nq; first += slice) {
    const count = Math.min(slice, nq - first);
    const refiner = new Refiner(engine.host, snapshot.originals, metric, width, queries.subarray(first * dim, (first + count) * dim));
    const piece = Math.max(1, Math.floor(2 ** 17 / count));
    for (let at = 0; at < admissible.length; at += piece) {
      const candidates = new Candidates(piece * count);
      for (const row of admissible.slice(at, at + piece)) for (let q = 0; q < count; q++) candidates.push(q, row);
      await refiner.refine(candidates, (q, row, distance) => collector.take(first + q, snapshot.labels[row]!, distance));
      await breather.breathe();
    }
    options.onProgress?.(first + count, nq);
  }
}
