import type { HostEngine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { canonicalDistances, METRIC_CODES } from '../kernels/canonical-distances.ts';
import type { Candidates } from './candidates.ts';
import type { Originals } from './originals.ts';
import type { Metric } from './vector-index.ts';

/** Floats of original rows on the host at a time. */
const PIECE_FLOATS = 2 ** 20;
/** Pairs of one call stay below this. */
const PLACES = 2 ** 22;

/** Canonical distances of (query, row) pairs, from the rows as stored. What decides every answer. */
export class Refiner {
  readonly host: HostEngine;
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

  /** Calls `take(query, row, distance)` for each pair; each row is read once for a piece of pairs. */
  async refine({ queries, rows, length }: Candidates, take: (q: number, row: number, distance: number) => void): Promise<void> {
    if (length === 0) return;
    // Sorted by row, the pair's place in the low digits: length stays below 2^22 and rows below 2^31.
    const byRow = new Float64Array(length);
    for (let i = 0; i < length; i++) byRow[i] = rows[i]! * PLACES + i;
    byRow.sort();
    const most = Math.max(1, Math.floor(PIECE_FLOATS / this.width));
    const unique = new Uint32Array(Math.min(most, length));
    const pairs = new Uint32Array(2 * length);
    for (let begin = 0, end = 0; begin < length; begin = end) {
      let found = 0;
      for (; end < length; end++) {
        const i = byRow[end]! % PLACES;
        if (found === 0 || unique[found - 1] !== rows[i]!) {
          if (found === most) break;
          unique[found++] = rows[i]!;
        }
        pairs[2 * end] = queries[i]!;
        pairs[2 * end + 1] = found - 1;
      }
      const piece = pairs.subarray(2 * begin, 2 * end);
      const distances = await this.distances(unique.subarray(0, found), piece);
      for (let p = 0; p < distances.length; p++) take(piece[2 * p]!, unique[piece[2 * p + 1]!]!, distances[p]!);
    }
  }

  /** Distances f32 [n] of pairs u32 [n, 2] of (query, index into `rows`). */
  private async distances(rows: Uint32Array, pairs: Uint32Array): Promise<Float32Array> {
    const { host, width, originals } = this;
    const n = pairs.length / 2;
    using queryBlock = await host.alloc('f32', this.queries.length, 'refine: queries');
    using rowBlock = await host.alloc('f32', rows.length * width, 'refine: rows');
    using pairBlock = await host.alloc('u32', pairs.length, 'refine: pairs');
    using distances = await host.alloc('f32', n, 'refine: distances');
    if (originals.fillRows) {
      await originals.fillRows(rows, rowBlock, width);
    } else if (originals.copyRows) {
      originals.copyRows(rows, host.view(rowBlock), width);
    } else {
      const gathered = new Float32Array(rows.length * width);
      await originals.readRows(rows, gathered, width);
      host.write(rowBlock, gathered);
    }
    host.write(queryBlock, this.queries);
    host.write(pairBlock, pairs);
    const blocks = { queries: queryBlock, rows: rowBlock, pairs: pairBlock, distances };
    await host.run(new Recording().dispatch(canonicalDistances, blocks, { n, width, metric: METRIC_CODES[this.metric] }));
    return host.view(distances).slice();
  }
}
