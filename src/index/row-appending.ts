/** Copies rows that are to be added behind those that an index has. */
import { badArgument } from '../util/errors.ts';
import { Breather, type TaskOptions } from '../util/tasks.ts';
import { checkedSquaredNorm, normaliseRow } from './checked-rows.ts';
import type { Snapshot } from './rows.ts';
import { checkShape, type Metric, type VectorBatches } from './vector-index.ts';

export interface Appending extends TaskOptions {
  readonly vectors: VectorBatches;
  /** In all, where that is known. */
  readonly rows: number | undefined;
}

/** Whether these are several arrays; whatever else is no array is refused by the check of its shape. */
export function isBatches(vectors: VectorBatches): vectors is Exclude<VectorBatches, Float32Array> {
  if (typeof vectors !== 'object' || vectors === null || ArrayBuffer.isView(vectors)) return false;
  return Symbol.asyncIterator in vectors || Symbol.iterator in vectors;
}

/** Copies checked rows behind the committed ones, where no search looks yet; returns how many. */
export async function appendRows(
  { originals, count }: Snapshot,
  metric: Metric,
  { vectors, rows = 0, signal, onProgress }: Appending,
): Promise<number> {
  const { dim } = originals;
  const breather = new Breather(signal);
  let done = 0;
  await originals.reserve?.(count + rows);
  for await (const batch of isBatches(vectors) ? vectors : [vectors]) {
    const n = checkShape(batch, dim, 'vectors');
    await originals.reserve?.(count + done + n);
    for (let i = 0; i < n; i++, done++) {
      const source = batch.subarray(i * dim, (i + 1) * dim);
      const squaredNorm = checkedSquaredNorm(source, done, metric, 'vectors');
      const row = originals.rowForWriting(count + done, Math.max(n - i, rows - done));
      row.set(source);
      if (metric === 'cosine') normaliseRow(row, squaredNorm);
      if (done % 1024 !== 1023 && i < n - 1) continue;
      onProgress?.(done + 1, Math.max(rows, done + n - i));
      await breather.breathe();
    }
  }
  if (done === 0) throw badArgument(`vectors is empty; give at least one row of dim ${dim}`);
  return done;
}
