import type { HostEngine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { canonicalDistances, METRIC_CODES } from '../kernels/canonical-distances.ts';
import type { Originals } from './originals.ts';
import type { Metric } from './vector-index.ts';

/** Floats of original rows on the host at a time. */
const PIECE_FLOATS = 2 ** 20;

/** Canonical distances of (query, row) pairs, from the rows as stored. What decides every answer. */
export class Refiner {
  private readonly host: HostEngine;
  private readonly originals: Originals;
  private readonly metric: Metric;
  private readonly width: number;
  private readonly queries: Float32Array;

  /** `queries` f32 [nq, dim] as checked; `width` is dim padded to the canonical lanes. */
  constructor(host: HostEngine, originals: Originals, metric: Metric, width: number, queries: Float32Array) {
    this.host = host;
    this.originals = originals;
    this.metric = metric;
    this.width = width;
    const { dim } = originals;
    this.queries = new Float32Array((queries.length / dim) * width);
    for (let at = 0, q = 0; at < queries.length; at += dim, q++) this.queries.set(queries.subarray(at, at + dim), q * width);
  }

  /** Calls `take(query, row, distance)` for each pair (queries[i], rows[i]); each row is read once for a piece of pairs. */
  async refine(
    queries: ArrayLike<number>,
    rows: ArrayLike<number>,
    take: (q: number, row: number, distance: number) => void,
  ): Promise<void> {
    const n = rows.length;
    if (n === 0) return;
    const byRow = Float64Array.from({ length: n }, (_, i) => rows[i]! * 2 ** 22 + i).sort(); // n stays below 2^22
    const pieceRows = Math.max(1, Math.floor(PIECE_FLOATS / this.width));
    for (let begin = 0; begin < n; ) {
      const unique: number[] = [];
      let end = begin;
      const pairs: number[] = [];
      for (; end < n; end++) {
        const i = byRow[end]! % 2 ** 22;
        const row = rows[i]!;
        if (unique.at(-1) !== row) {
          if (unique.length === pieceRows) break;
          unique.push(row);
        }
        pairs.push(queries[i]!, unique.length - 1);
      }
      const distances = await this.distances(unique, Uint32Array.from(pairs));
      for (let p = 0; p < distances.length; p++) take(pairs[2 * p]!, unique[pairs[2 * p + 1]!]!, distances[p]!);
      begin = end;
    }
  }

  /** Distances f32 [n] of pairs u32 [n, 2] of (query, index into `rows`). */
  private async distances(rows: readonly number[], pairs: Uint32Array): Promise<Float32Array> {
    const { host, width } = this;
    const n = pairs.length / 2;
    const gathered = new Float32Array(rows.length * width);
    await this.originals.readRows(rows, gathered, width);
    using queryBlock = await host.alloc('f32', this.queries.length, 'refine: queries');
    using rowBlock = await host.alloc('f32', gathered.length, 'refine: rows');
    using pairBlock = await host.alloc('u32', pairs.length, 'refine: pairs');
    using distances = await host.alloc('f32', n, 'refine: distances');
    host.write(queryBlock, this.queries);
    host.write(rowBlock, gathered);
    host.write(pairBlock, pairs);
    const blocks = { queries: queryBlock, rows: rowBlock, pairs: pairBlock, distances };
    await host.run(new Recording().dispatch(canonicalDistances, blocks, { n, width, metric: METRIC_CODES[this.metric] }));
    return host.view(distances).slice();
  }
}
