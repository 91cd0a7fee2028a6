/**
 * The coded rows of a graph on devices that score candidates for it: copies of what lies on the host, in chunks of whole
 * rows since a kernel binds one block. Rows are only ever added, so a copy is kept up by sending what is new.
 */
import { allocAll } from '../host/alloc-all.ts';
import { type Block, rangeOf } from '../host/block.ts';
import type { Engine } from '../host/engine.ts';
import { FORMS } from '../kernels/graph.ts';
import { BYTES } from '../kernels/kernel.ts';
import { Breather } from '../util/tasks.ts';
import type { CodecPlan } from './graph-codec.ts';
import type { GraphView } from './graph-walk.ts';
import { Held, largestChunk, PerEngine } from './per-engine.ts';
import { StepPace } from './step-pace.ts';

/** A run of rows on a device. */
export interface DeviceChunk {
  /** The first row, and how many fit. */
  readonly begin: number;
  readonly capacity: number;
  /** i8 [capacity, stride] */
  readonly codes: Block<'i8'>;
  /** [capacity]: each row's last four bytes; 0 for inner products. */
  readonly rowTerms: Block<'i32'>;
}

/** Chunks are not halved below so many rows when memory is short. */
const LEAST_CHUNK_ROWS = 2 ** 14;
/** Rows that trickle in get chunks of at least so many, and of a quarter of what there is: so chunks stay few. */
const SPARE_ROWS = 1024;
const GROWTH_SHIFT = 2;
/** Bytes sent at a time. */
const PIECE_BYTES = 2 ** 22;
/** What is sent waits in memory until the device takes it: after so many bytes it is waited for. */
const BYTES_UNDER_WAY = 2 ** 26;

/** One graph's rows on every device that walks it. Keep one for each numbering of rows: one for each GraphStore. */
export class DeviceCodes {
  private readonly sets = new PerEngine<DeviceRows>();
  private readonly chunkRows: number | undefined;

  /** `chunkRows`: rows of a chunk at most; default as many as the engine can bind. */
  constructor(chunkRows?: number) {
    this.chunkRows = chunkRows;
  }

  /** Rows [0, graph.count) on the engine, held for the caller until it calls `release`. */
  acquire(engine: Engine, graph: GraphView, signal?: AbortSignal): Promise<DeviceRows> {
    return this.sets.acquire(engine, {
      fits: (rows) => rows.plan === graph.plan,
      make: async () => new DeviceRows(engine, graph.plan, this.chunkRows),
      extend: (rows) => rows.extend(graph, signal),
    });
  }

  /** Bytes that must be sent to a device before it can walk the graph: 0 once one other than the host has rows. */
  missing(engine: Engine, { plan, count }: GraphView): number {
    return this.sets.missing(engine, count * plan.stride);
  }

  /** Bytes that all devices hold. */
  get bytes(): number {
    return this.sets.bytes;
  }

  /** Rows from `count` on are about to be written, maybe over ones that an add left behind when it failed. */
  truncate(count: number): void {
    for (const rows of this.sets.all()) rows.truncate(count);
  }

  /** Forgets what is on an engine (its device is lost or full), or everything. */
  drop(engine?: Engine): void {
    this.sets.drop(engine);
  }

  /** Forgets everything, and sends no more. */
  close(): void {
    this.sets.close();
  }
}

export class DeviceRows extends Held {
  readonly plan: CodecPlan;
  readonly chunks: DeviceChunk[] = [];
  /** What steps over these rows cost on this engine. */
  readonly pace = new StepPace();
  private readonly engine: Engine;
  private readonly mostRows: number;
  /** Rows that are there. */
  private count = 0;

  constructor(engine: Engine, plan: CodecPlan, chunkRows = Number.POSITIVE_INFINITY) {
    super();
    this.engine = engine;
    this.plan = plan;
    this.mostRows = Math.max(1, Math.min(chunkRows, Math.floor(engine.maxBlockBytes / plan.stride)));
  }

  override get bytes(): number {
    return this.chunks.reduce((sum, { capacity }) => sum + capacity * (this.plan.stride + BYTES.i32), 0);
  }

  truncate(count: number): void {
    this.count = Math.min(this.count, count);
  }

  /** Sends the graph's rows that are not there yet. What was sent before a failure stays. */
  async extend(graph: GraphView, signal?: AbortSignal): Promise<void> {
    const pieceRows = Math.max(1, Math.floor(PIECE_BYTES / this.plan.stride));
    const breather = new Breather(signal);
    for (let waiting = 0; this.count < graph.count; ) {
      const begin = this.count;
      const chunk = await this.chunkFor(begin, graph.count);
      const end = Math.min(begin + pieceRows, chunk.begin + chunk.capacity, graph.count);
      this.send(graph, chunk, begin, end);
      this.count = end;
      waiting += (end - begin) * this.plan.stride;
      if (waiting >= BYTES_UNDER_WAY) {
        await this.engine.read([rangeOf(chunk.rowTerms, 0, 1)]);
        waiting = 0;
      }
      await breather.breathe();
    }
  }

  protected override free(): void {
    for (const { codes, rowTerms } of this.chunks) {
      codes[Symbol.dispose]();
      rowTerms[Symbol.dispose]();
    }
    this.chunks.length = 0;
  }

  private send({ codes }: GraphView, chunk: DeviceChunk, begin: number, end: number): void {
    const { stride } = this.plan;
    const bytes = this.engine.host.view(codes).subarray(begin * stride, end * stride);
    this.engine.write(chunk.codes, bytes, (begin - chunk.begin) * stride);
    if (this.plan.form === FORMS.sq8L2) this.engine.write(chunk.rowTerms, termsOf(bytes, stride), begin - chunk.begin);
  }

  /** The chunk that row `begin` goes to, made if need be: as large as the rows to come. */
  private async chunkFor(begin: number, total: number): Promise<DeviceChunk> {
    const known = this.chunks.find((chunk) => begin < chunk.begin + chunk.capacity);
    if (known) return known;
    const spare = begin === 0 ? 0 : Math.max(SPARE_ROWS, begin >> GROWTH_SHIFT);
    const wanted = Math.min(this.mostRows, Math.max(total - begin, spare));
    const chunk = await largestChunk(wanted, LEAST_CHUNK_ROWS, 1, (rows) => this.makeChunk(begin, rows));
    this.chunks.push(chunk);
    return chunk;
  }

  private async makeChunk(begin: number, capacity: number): Promise<DeviceChunk> {
    const [codes, rowTerms] = await allocAll(this.engine, [
      ['i8', capacity * this.plan.stride, 'graph: codes on the device'],
      ['i32', capacity, 'graph: terms on the device'],
    ]);
    return { begin, capacity, codes, rowTerms };
  }
}

function termsOf(codes: Int8Array, stride: number): Int32Array {
  const words = new Int32Array(codes.buffer, codes.byteOffset, codes.byteLength / BYTES.i32);
  const step = stride / BYTES.i32;
  return Int32Array.from({ length: words.length / step }, (_, i) => words[(i + 1) * step - 1]!);
}
