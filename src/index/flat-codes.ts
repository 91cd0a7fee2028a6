/**
 * What Flat derives from its rows to scan less: eight-bit codes in panels for the filter and, where those only cover a
 * projection, eight-bit codes of the whole rows for its survivors. Derived for one engine, never stored, never trusted:
 * they choose which rows are refined, and a certificate covers the rest.
 */
import type { Block } from '../host/block.ts';
import type { Engine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { BLOCK_ROWS } from '../kernels/panels.ts';
import { project } from '../kernels/project.ts';
import { LAYOUT_PANELS, LAYOUT_ROWS } from '../kernels/sq8-encode.ts';
import { roundUp } from '../util/math.ts';
import { Breather, type TaskOptions } from '../util/tasks.ts';
import { dotRounding, ipSlack, l2Slack, roundUpToFloat } from './bounds.ts';
import type { Originals } from './originals.ts';
import { Held, largestChunk } from './per-engine.ts';
import { type Projection, projectionError, trainProjection } from './projection.ts';
import type { Snapshot } from './rows.ts';
import { type Encoded, Encoder, type Grid, gridOf, ROW_RANGE, safeError } from './sq8-codec.ts';
import type { Metric } from './vector-index.ts';

/** Codes of a run of rows; kernels bind one chunk. */
export interface CodeChunk {
  /** The first row, a multiple of 64, and how many rows fit. */
  readonly begin: number;
  readonly capacity: number;
  readonly filter: { readonly codes: Block<'i8'>; readonly rowTerms: Block<'i32'>; readonly slacks: Block<'u32'> };
  readonly fine: FineChunk | undefined;
}

interface FineChunk {
  readonly codes: Block<'i8'>;
  readonly rowTerms: Block<'i32'>;
  /** [capacity] on the host: the error of each row's code in code steps, rounded up. */
  readonly errors: Float32Array;
  /** [capacity] on the host, ip only: the norm of each row's code in code steps, rounded up. */
  readonly norms: Float32Array | undefined;
}

/** How rows were mapped: what queries must be mapped by too. */
export interface CodePlan {
  readonly metric: Metric;
  readonly projection: Projection | undefined;
  /** Grid of the scanned rows: projected ones, or the rows themselves. */
  readonly filterGrid: Grid;
  /** Grid of the whole rows, with a projection. */
  readonly fineGrid: Grid | undefined;
}

/** Rows that grids and directions are chosen from. */
const SAMPLE_ROWS = 2048;
/** Rows encoded at a time. */
const BATCH_ROWS = 1024;
/** Chunks are not halved below so many rows when memory is short. */
const LEAST_CHUNK_ROWS = 2 ** 14;
/** Room left for rows that trickle in behind the codes. */
const SPARE_ROWS = 1024;

export class FlatCodes extends Held {
  readonly engine: Engine;
  /** The rows that these codes are of. */
  readonly originals: Originals;
  readonly plan: CodePlan;
  readonly chunks: CodeChunk[] = [];
  /** Rows whose codes are in. */
  count = 0;
  /** Rows when the plan was made: far beyond it, a new plan pays. */
  readonly plannedCount: number;
  private readonly width: number;

  private constructor(engine: Engine, originals: Originals, plan: CodePlan, plannedCount: number, width: number) {
    super();
    this.engine = engine;
    this.originals = originals;
    this.plan = plan;
    this.plannedCount = plannedCount;
    this.width = width;
  }

  /** Plans codes for a snapshot's rows; `extend` then encodes them. `width` is dim padded to the canonical lanes. */
  static async plan(
    engine: Engine,
    snapshot: Snapshot,
    metric: Metric,
    seed: number,
    width: number,
    signal?: AbortSignal,
  ): Promise<FlatCodes> {
    const { dim } = snapshot.originals;
    const sample = await sampleRows(snapshot, SAMPLE_ROWS);
    const centred = metric !== 'ip';
    const projection = await trainProjection(sample, dim, metric === 'l2', seed, signal);
    const fineGrid = projection && gridOf(sample, dim, centred);
    const scanned = projection ? (await projectWithNorms(engine, projection, sample)).projected : sample;
    const filterGrid = gridOf(scanned, scanned.length / (sample.length / dim), centred);
    return new FlatCodes(engine, snapshot.originals, { metric, projection, filterGrid, fineGrid }, snapshot.count, width);
  }

  /** Encodes rows that the codes do not cover yet. On failure what was added is dropped again. */
  async extend(snapshot: Snapshot, { signal, onProgress }: TaskOptions = {}): Promise<void> {
    if (this.count >= snapshot.count) return;
    const breather = new Breather(signal);
    const { host } = this.engine;
    const { projection, filterGrid } = this.plan;
    const { dim } = snapshot.originals;
    using rows = await Encoder.open(host, dim, BATCH_ROWS);
    using projected = projection && (await Encoder.open(host, filterGrid.dim, BATCH_ROWS));
    using norms = await host.alloc('f64', projection ? 2 * BATCH_ROWS : 1, 'flat codes: norms');
    using mean = await host.alloc('f32', projection?.width ?? 1, 'flat codes: mean');
    using basis = await host.alloc('f32', projection?.basis.length ?? 1, 'flat codes: basis');
    if (projection) {
      host.write(mean, projection.mean);
      host.write(basis, projection.basis);
    }
    const batch = new Float32Array(BATCH_ROWS * dim);
    for (let begin = this.count - (this.count % BLOCK_ROWS); begin < snapshot.count; ) {
      const chunk = await this.chunkFor(begin, snapshot.count);
      const end = Math.min(begin + BATCH_ROWS, chunk.begin + chunk.capacity, snapshot.count);
      const n = end - begin;
      await snapshot.originals.readRange(begin, end, batch);
      rows.input.set(batch.subarray(0, n * dim));
      if (projection && projected) {
        const blocks = { vectors: rows.inputBlock, mean, basis, projected: projected.inputBlock, norms };
        await host.run(new Recording().dispatch(project, blocks, { n, dim, p: projection.p }));
        const squaredNorms = host.view(norms);
        const loose = (i: number) => projectionError(projection, squaredNorms[2 * i]!, squaredNorms[2 * i + 1]!);
        this.writeFilter(chunk, begin, await projected.encode(n, filterGrid.shift, filterGrid.scale, ROW_RANGE, LAYOUT_PANELS), loose);
        this.writeFine(chunk, begin, await rows.encode(n, this.plan.fineGrid!.shift, this.plan.fineGrid!.scale, ROW_RANGE, LAYOUT_ROWS));
      } else {
        this.writeFilter(chunk, begin, await rows.encode(n, filterGrid.shift, filterGrid.scale, ROW_RANGE, LAYOUT_PANELS), () => 0);
      }
      begin = end;
      onProgress?.(end, snapshot.count);
      await breather.breathe();
    }
    this.count = snapshot.count;
  }

  /** Bytes of codes and what goes with them, on the engine and the host. */
  override get bytes(): number {
    const { filterGrid, fineGrid } = this.plan;
    const perRow = filterGrid.words * 4 + 8 + (fineGrid ? fineGrid.words * 4 + 8 + (this.plan.metric === 'ip' ? 4 : 0) : 0);
    return this.chunks.reduce((sum, chunk) => sum + chunk.capacity * perRow, 0);
  }

  protected override free(): void {
    for (const { filter, fine } of this.chunks) {
      for (const block of Object.values(filter)) block[Symbol.dispose]();
      fine?.codes[Symbol.dispose]();
      fine?.rowTerms[Symbol.dispose]();
    }
    this.chunks.length = 0;
  }

  /** The chunk that holds row `begin`, made if need be: as large as the rows to come, within what a kernel can bind. */
  private async chunkFor(begin: number, total: number): Promise<CodeChunk> {
    const last = this.chunks.at(-1);
    if (last && begin < last.begin + last.capacity) return last;
    const { filterGrid, fineGrid } = this.plan;
    const rowBytes = Math.max(filterGrid.words * 4, (fineGrid?.words ?? 0) * 4, 4);
    const most = Math.floor(this.engine.maxBlockBytes / rowBytes / BLOCK_ROWS) * BLOCK_ROWS;
    const spare = begin === 0 ? 0 : SPARE_ROWS;
    const wanted = Math.min(most, roundUp(total - begin + spare, BLOCK_ROWS));
    const chunk = await largestChunk(wanted, LEAST_CHUNK_ROWS, BLOCK_ROWS, (rows) => this.makeChunk(begin, rows));
    this.chunks.push(chunk);
    return chunk;
  }

  private async makeChunk(begin: number, capacity: number): Promise<CodeChunk> {
    const { filterGrid, fineGrid, metric } = this.plan;
    const made: Block[] = [];
    const make = async <D extends 'i8' | 'i32' | 'u32'>(dtype: D, length: number, label: string) => {
      const block = await this.engine.alloc(dtype, length, `flat codes: ${label}`);
      made.push(block);
      return block;
    };
    try {
      const filter = {
        codes: await make('i8', capacity * filterGrid.words * 4, 'filter'),
        rowTerms: await make('i32', capacity, 'filter terms'),
        slacks: await make('u32', capacity, 'filter slacks'),
      };
      const fine = fineGrid && {
        codes: await make('i8', capacity * fineGrid.words * 4, 'whole rows'),
        rowTerms: await make('i32', capacity, 'whole-row terms'),
        errors: new Float32Array(capacity),
        norms: metric === 'ip' ? new Float32Array(capacity) : undefined,
      };
      return { begin, capacity, filter, fine };
    } catch (error) {
      for (const block of made) block[Symbol.dispose]();
      throw error;
    }
  }

  private writeFilter(chunk: CodeChunk, begin: number, encoded: Encoded, looseness: (i: number) => number): void {
    const { metric, filterGrid } = this.plan;
    const n = encoded.errors.length;
    const rowTerms = new Int32Array(n);
    const slacks = new Uint32Array(n);
    for (let i = 0; i < n; i++) {
      const squares = encoded.sums[2 * i]!;
      const sum = encoded.sums[2 * i + 1]!;
      const error = safeError(encoded.errors[i]!, filterGrid.errorRoom) + looseness(i);
      if (metric === 'ip') {
        const norm = Math.sqrt(squares);
        rowTerms[i] = 64 * sum;
        slacks[i] = ipSlack(error + dotRounding(norm / filterGrid.scale + error, this.width), norm, filterGrid.scale);
      } else {
        rowTerms[i] = squares + 256 * sum;
        slacks[i] = l2Slack(error, filterGrid.scale);
      }
    }
    const at = begin - chunk.begin;
    this.engine.write(chunk.filter.codes, encoded.codes, at * filterGrid.words * 4);
    this.engine.write(chunk.filter.rowTerms, rowTerms, at);
    this.engine.write(chunk.filter.slacks, slacks, at);
  }

  private writeFine(chunk: CodeChunk, begin: number, encoded: Encoded): void {
    const { scale, errorRoom, words } = this.plan.fineGrid!;
    const fine = chunk.fine!;
    const n = encoded.errors.length;
    const at = begin - chunk.begin;
    const rowTerms = new Int32Array(n);
    for (let i = 0; i < n; i++) {
      const squares = encoded.sums[2 * i]!;
      let error = safeError(encoded.errors[i]!, errorRoom);
      if (fine.norms) {
        error += dotRounding(Math.sqrt(squares) / scale + error, this.width);
        fine.norms[at + i] = roundUpToFloat(Math.sqrt(squares));
      } else {
        rowTerms[i] = squares;
      }
      fine.errors[at + i] = roundUpToFloat(error * scale);
    }
    this.engine.write(fine.codes, encoded.codes, at * words * 4);
    this.engine.write(fine.rowTerms, rowTerms, at);
  }
}

/** At most `most` rows spread evenly, f32 [≤ most, dim]. */
async function sampleRows({ originals, count }: Snapshot, most: number): Promise<Float32Array> {
  const n = Math.min(count, most);
  const rows = Float64Array.from({ length: n }, (_, i) => Math.floor((i * count) / n));
  const sample = new Float32Array(n * originals.dim);
  await originals.readRows(rows, sample, originals.dim);
  return sample;
}

/** The projection of rows f32 [n, dim], and the squared norms that `projectionError` wants, f64 [n, 2]. */
export async function projectWithNorms(engine: Engine, { dim, p, mean, basis }: Projection, vectors: Float32Array) {
  const { host } = engine;
  const n = vectors.length / dim;
  using vectorBlock = await host.alloc('f32', vectors.length, 'projection: vectors');
  using meanBlock = await host.alloc('f32', mean.length, 'projection: mean');
  using basisBlock = await host.alloc('f32', basis.length, 'projection: basis');
  using projected = await host.alloc('f32', n * (p + 4), 'projection: projected');
  using norms = await host.alloc('f64', 2 * n, 'projection: norms');
  host.write(vectorBlock, vectors);
  host.write(meanBlock, mean);
  host.write(basisBlock, basis);
  await host.run(
    new Recording().dispatch(project, { vectors: vectorBlock, mean: meanBlock, basis: basisBlock, projected, norms }, { n, dim, p }),
  );
  return { projected: host.view(projected).slice(), norms: host.view(norms).slice() };
}
