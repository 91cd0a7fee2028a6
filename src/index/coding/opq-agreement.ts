/** What the rotation of optimised product quantisation should agree with: rows, and what their codes say of them. */
import { allocAll } from '../../host/alloc-all.ts';
import type { HostEngine } from '../../host/engine.ts';
import { Recording } from '../../host/recording.ts';
import { CHUNK, cellSums } from '../../kernels/cell-sums.ts';
import { ceilDiv } from '../../util/math.ts';
import type { Breather } from '../../util/tasks.ts';
import { unitScale } from '../linear/unit-scale.ts';
import type { Split } from './integer-grid.ts';
import type { Clustering } from './kmeans.ts';

/** Rows whose cells are summed at a time. */
const SUMMED_ROWS = 2048;

/** Rows f32 [n, dim] less an offset f32 [dim], times a power of two that keeps sums of them in range. */
export interface ScaledRows {
  readonly rows: Float32Array;
  readonly offset: Float32Array;
  readonly scale: number;
}

export function scaledRows(rows: Float32Array, offset: Float32Array): ScaledRows {
  let most = 0;
  for (let at = 0; at < rows.length; at += offset.length) {
    for (let j = 0; j < offset.length; j++) most = Math.max(most, Math.abs(rows[at + j]! - offset[j]!));
  }
  return { rows, offset, scale: unitScale(most) };
}

/**
 * Σ x̂ (x − offset)ᵀ over the sample, times what does not matter: f64 [dimOut, dim], x̂ in grid units. First rows are summed up by
 * cell, then weighed by centroids.
 */
export async function agreement(
  host: HostEngine,
  { rows: sample, offset, scale }: ScaledRows,
  clustering: Clustering,
  split: Split,
  ksub: number,
  breather: Breather,
): Promise<Float64Array> {
  const { m, M } = split;
  const dim = offset.length;
  const n = sample.length / dim;
  const chunks = ceilDiv(dim, CHUNK);
  const width = chunks * CHUNK;
  const most = Math.min(n, SUMMED_ROWS);
  const [rows, cells, sums] = await allocAll(host, [
    ['f32', most * width, 'OPQ: rows'],
    ['u32', most * m, 'OPQ: cells'],
    ['f32', chunks * M * ksub * CHUNK, 'OPQ: sums of cells'],
  ]);
  try {
    host.view(rows).fill(0);
    host.view(sums).fill(0);
    for (let first = 0; first < n; first += most) {
      const count = Math.min(most, n - first);
      const view = host.view(rows);
      for (let i = 0; i < count; i++) {
        const from = (first + i) * dim;
        for (let j = 0; j < dim; j++) view[i * width + j] = (sample[from + j]! - offset[j]!) * scale;
      }
      host.write(cells, clustering.assigned.subarray(first * m, (first + count) * m));
      await host.run(new Recording().dispatch(cellSums, { rows, cells, sums }, { n: count, chunks, m, M, ksub }));
      await breather.breathe();
    }
    return weighed(host.view(sums), clustering.centroids, split, ksub, dim);
  } finally {
    for (const block of [rows, cells, sums]) block[Symbol.dispose]();
  }
}

/** Sums f32 [chunks, M, ksub, CHUNK] times the values of their centroids: f64 [M · dsub, dim]. */
function weighed(sums: Float32Array, centroids: Int16Array, { M, dsub, pairs }: Split, ksub: number, dim: number): Float64Array {
  const out = new Float64Array(M * dsub * dim);
  for (let at = 0, cell = 0; at < sums.length; at += CHUNK, cell++) {
    const first = Math.floor(cell / (M * ksub)) * CHUNK;
    const sub = Math.floor(cell / ksub) % M;
    const centroid = (sub * ksub + (cell % ksub)) * 2 * pairs;
    const last = Math.min(CHUNK, dim - first);
    for (let i = 0; i < dsub; i++) {
      const weight = centroids[centroid + i]!;
      const to = (sub * dsub + i) * dim + first;
      for (let j = 0; j < last; j++) out[to + j]! += weight * sums[at + j]!;
    }
  }
  return out;
}
