/** A slice of queries in all the forms that one search needs, and the thresholds that follow from what it knows. */
import type { Block } from '../host/block.ts';
import type { Engine, HostEngine } from '../host/engine.ts';
import { LAYOUT_PANELS, LAYOUT_ROWS } from '../kernels/sq8-encode.ts';
import { SATURATED } from '../kernels/sq8-filter.ts';
import { roundUp } from '../util/math.ts';
import { boundsOfDistance, boundsOfDot, ipQueryTerms, ipThreshold, l2Threshold, leastDot, reachOf } from './bounds.ts';
import { type CodePlan, type FlatCodes, projectWithNorms } from './flat-codes.ts';
import { projectionError } from './projection.ts';
import { Encoder, type Grid, QUERY_RANGE, ROW_RANGE, roomAt, safeError, scaleFor } from './sq8-codec.ts';

/** Takes a row that may be near enough, with bounds of its canonical distance. */
export type Keep = (q: number, row: number, least: number, most: number) => void;

/** What whole-row codes lost, in code steps; norms for ip. */
interface FineErrors {
  readonly errors: Float32Array;
  readonly norms: Float32Array | undefined;
}

/** One query's code on one grid, as bounds need it. */
interface CodedQuery {
  /** Steps per unit: the grid's, or for ip the query's own. */
  readonly scales: Float32Array;
  /** ‖q − q̂‖ and more, rounded up. [nq] */
  readonly errors: Float64Array;
  /** |c|², without bias. [nq] */
  readonly squares: Float64Array;
}

export class FlatQueries implements Disposable {
  readonly nq: number;
  /** i8 [nq up to 4, …] in panels, seven bits, on the engine. */
  readonly filterCodes: Block<'i8'>;
  /** i8 [nq, …] row after row, eight bits, on the engine; with a projection. */
  readonly fineCodes: Block<'i8'> | undefined;
  private readonly plan: CodePlan;
  private readonly width: number;
  private readonly filter: CodedQuery;
  private readonly fine: CodedQuery | undefined;
  private readonly norms: Float64Array;

  private constructor(
    codes: FlatCodes,
    width: number,
    norms: Float64Array,
    filter: CodedQuery & { block: Block<'i8'> },
    fine: (CodedQuery & { block: Block<'i8'> }) | undefined,
  ) {
    this.nq = norms.length;
    this.plan = codes.plan;
    this.width = width;
    this.norms = norms;
    this.filter = filter;
    this.filterCodes = filter.block;
    this.fine = fine;
    this.fineCodes = fine?.block;
  }

  /** Codes the queries f32 [nq, dim] for a scan of `codes`. */
  static async of(codes: FlatCodes, queries: Float32Array, dim: number, width: number): Promise<FlatQueries> {
    const { engine, plan } = codes;
    const { projection, filterGrid, fineGrid } = plan;
    const nq = queries.length / dim;
    const norms = Float64Array.from({ length: nq }, (_, q) => normOf(queries.subarray(q * dim, (q + 1) * dim)));
    if (!projection) {
      return new FlatQueries(codes, width, norms, await codeQueries(engine, plan, filterGrid, queries, 'filter', () => 0), undefined);
    }
    const { projected, norms: squared } = await projectWithNorms(engine, projection, queries);
    const loose = (q: number) => projectionError(projection, squared[2 * q]!, squared[2 * q + 1]!);
    const filter = await codeQueries(engine, plan, filterGrid, projected, 'filter', loose);
    const fine = await codeQueries(engine, plan, fineGrid!, queries, 'fine', () => 0);
    return new FlatQueries(codes, width, norms, filter, fine);
  }

  /** The filter's `bounds` [nq up to 4, 4] for canonical thresholds τ [nq]. */
  filterBounds(taus: Float64Array): Uint32Array {
    const { metric, filterGrid } = this.plan;
    const bounds = new Uint32Array(roundUp(this.nq, 4) * 4);
    for (let q = 0; q < this.nq; q++) {
      const error = this.filter.errors[q]!;
      const scale = this.filter.scales[q]!;
      if (metric === 'ip') {
        const [P, Q] = ipQueryTerms(this.norms[q]!, error, scale);
        const K = ipThreshold(leastDot(taus[q]!, this.width), scale, filterGrid.scale);
        bounds.set(Q > SATURATED ? [-(2 ** 30), 0, 0] : [K, P, Q], 4 * q);
      } else {
        // the query's seven-bit code has steps of 2 / scale: its integers are twice its codes
        bounds.set([4 * this.filter.squares[q]!, l2Threshold(reachOf(metric, taus[q]!, this.width), error, filterGrid.scale)], 4 * q);
      }
    }
    return bounds;
  }

  /**
   * Tests the filter's survivors again by their whole-row keys: pairs [n, 2] and keys [n] of rows whose errors and norms
   * are `fine`'s, in code steps. Passes on what τ [nq] cannot rule out, with bounds of its canonical distance. Tests are
   * written as what a bound rules out, so that NaN (an error that overflowed, times a norm of zero) keeps the row.
   */
  keepFine(fine: FineErrors, taus: Float64Array, n: number, pairs: Uint32Array, keys: Int32Array, keep: Keep): void {
    const { metric, fineGrid } = this.plan;
    const { errors, squares, scales } = this.fine!;
    const { scale } = fineGrid!;
    if (metric === 'ip') {
      for (let i = 0; i < n; i++) {
        const q = pairs[2 * i]!;
        const row = pairs[2 * i + 1]!;
        const slack = this.norms[q]! * fine.errors[row]! * scales[q]! + errors[q]! * fine.norms![row]! * scales[q]!;
        const unit = scales[q]! * scale;
        const { least, most } = boundsOfDot((-keys[i]! - slack) / unit, (-keys[i]! + slack) / unit, this.width);
        if (!(least > taus[q]!)) keep(q, row, least, most);
      }
      return;
    }
    // Squares first: the root is only taken of what stays.
    const reaches = taus.map((tau, q) => (reachOf(metric, tau, this.width) + errors[q]!) * scale * (1 + 1e-9));
    for (let i = 0; i < n; i++) {
      const q = pairs[2 * i]!;
      const row = pairs[2 * i + 1]!;
      const error = fine.errors[row]!;
      const reach = reaches[q]! + error;
      const squared = squares[q]! + keys[i]!;
      if (squared > reach * reach) continue;
      const distance = Math.sqrt(squared) / scale;
      const lost = errors[q]! + error / scale;
      const { least, most } = boundsOfDistance(metric, distance - lost, distance + lost, this.width);
      keep(q, row, least, most);
    }
  }

  [Symbol.dispose](): void {
    this.filterCodes[Symbol.dispose]();
    this.fineCodes?.[Symbol.dispose]();
  }
}

/** Codes rows f32 [nq, grid.dim] as queries and sends the codes to the engine. */
async function codeQueries(
  engine: Engine,
  { metric }: CodePlan,
  grid: Grid,
  rows: Float32Array,
  kind: 'filter' | 'fine',
  looseness: (q: number) => number,
): Promise<CodedQuery & { block: Block<'i8'> }> {
  const nq = rows.length / grid.dim;
  const range = kind === 'filter' ? QUERY_RANGE : ROW_RANGE;
  const scales = queryScales(metric, grid, rows, nq, range.high);
  const host: HostEngine = engine.host;
  using encoder = await Encoder.open(host, grid.dim, nq);
  encoder.input.set(rows);
  const encoded = await encoder.encode(nq, grid.shift, scales, range, kind === 'filter' ? LAYOUT_PANELS : LAYOUT_ROWS);
  const block = await engine.alloc('i8', encoded.codes.length, `queries: ${kind} codes`);
  engine.write(block, encoded.codes);
  return {
    block,
    scales,
    errors: Float64Array.from(encoded.errors, (error, q) => safeError(error, roomAt(grid, scales[q]!)) + looseness(q)),
    squares: Float64Array.from({ length: nq }, (_, q) => encoded.sums[2 * q]!),
  };
}

/** l2 and cosine share the rows' grid (seven bits: every other step); an ip query has a scale of its own. */
function queryScales(metric: CodePlan['metric'], grid: Grid, rows: Float32Array, nq: number, high: number): Float32Array {
  if (metric !== 'ip') return new Float32Array(nq).fill(high === QUERY_RANGE.high ? grid.scale / 2 : grid.scale);
  return Float32Array.from({ length: nq }, (_, q) => {
    let most = 0;
    for (const value of rows.subarray(q * grid.dim, (q + 1) * grid.dim)) most = Math.max(most, Math.abs(value));
    return scaleFor(most, high);
  });
}

function normOf(row: Float32Array): number {
  let sum = 0;
  for (const value of row) sum += value * value;
  return Math.sqrt(sum) * (1 + 1e-9);
}
