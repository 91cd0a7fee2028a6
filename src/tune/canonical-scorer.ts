import type { Engine, HostEngine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { checkedQueries } from '../index/checked-rows.ts';
import type { Metric } from '../index/vector-index.ts';
import { canonicalDistances, LANES, METRIC_CODES } from '../kernels/canonical-distances.ts';
import { roundUp } from '../util/math.ts';

/** Canonical distances of chosen (query, row) pairs, computed by one engine's host. */
export class CanonicalScorer {
  readonly nq: number;
  /** dim, padded to the canonical lanes. */
  readonly width: number;
  private readonly host: HostEngine;
  private readonly metric: Metric;
  private readonly queries: Float32Array;

  /** `queries` f32 [nq, dim] as a user gives them. */
  constructor(engine: Engine, metric: Metric, dim: number, queries: Float32Array) {
    const checked = checkedQueries(queries, dim, metric);
    this.host = engine.host;
    this.metric = metric;
    this.width = roundUp(dim, LANES);
    this.nq = checked.length / dim;
    this.queries = new Float32Array(this.nq * this.width);
    for (let q = 0; q < this.nq; q++) this.queries.set(checked.subarray(q * dim, (q + 1) * dim), q * this.width);
  }

  /** Distances of `pairs` u32 [n, 2] of (query, index into `rows`); `rows` f32 [m, width] as stored in an index. */
  async score(rows: Float32Array, pairs: Uint32Array): Promise<Float32Array> {
    const { host, width } = this;
    const n = pairs.length / 2;
    if (n === 0) return new Float32Array(0);
    using queryBlock = await host.alloc('f32', this.queries.length, 'truth: queries');
    using rowBlock = await host.alloc('f32', rows.length, 'truth: rows');
    using pairBlock = await host.alloc('u32', pairs.length, 'truth: pairs');
    using distances = await host.alloc('f32', n, 'truth: distances');
    host.write(queryBlock, this.queries);
    host.write(rowBlock, rows);
    host.write(pairBlock, pairs);
    const blocks = { queries: queryBlock, rows: rowBlock, pairs: pairBlock, distances };
    await host.run(new Recording().dispatch(canonicalDistances, blocks, { n, width, metric: METRIC_CODES[this.metric] }));
    return host.view(distances).slice();
  }
}
