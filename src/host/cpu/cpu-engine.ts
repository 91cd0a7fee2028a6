import { type ArrayOf, BYTES, type Dtype, exportName, type TypedArray } from '../../kernels/kernel.ts';
import { IsodexError } from '../../util/errors.ts';
import { isNode, nodeModule } from '../../util/node-module.ts';
import { nextTurn } from '../../util/tasks.ts';
import { type Block, type BlockRange, checkWrite } from '../block.ts';
import type { Engine, EngineInfo, HostEngine } from '../engine.ts';
import type { Dispatch, Recording } from '../recording.ts';
import { WasmMemory } from './memory.ts';
import { canShareMemory, loadModule } from './module.ts';
import { ThreadPool } from './pool.ts';

/** Work below this many terms is done on the calling thread: waking threads would take longer. */
const INLINE_TERMS = 2 ** 21;
/** A single item cannot be shared, so a thread would only take it over; below so many terms that is not worth its waking. */
const INLINE_ITEM_TERMS = 2 ** 24;
/** Work that is worth a thread of its own. */
const THREAD_TERMS = 2 ** 20;
/** Each thread takes its share of a dispatch in about this many pieces, so that a slow one holds up little. */
const PIECES = 8;

const ARRAYS = { f32: Float32Array, f64: Float64Array, i32: Int32Array, u32: Uint32Array, i8: Int8Array } as const;

/** A run of the memory. A single query takes a dozen of them, so they are lean. */
class WasmBlock<D extends Dtype = Dtype> implements Block<D> {
  readonly dtype: D;
  readonly length: number;
  readonly label: string;
  readonly at: number;
  private memory: WasmMemory | undefined;

  constructor(memory: WasmMemory, dtype: D, length: number, label: string) {
    this.dtype = dtype;
    this.length = length;
    this.label = label;
    this.at = memory.allocate(length * BYTES[dtype]);
    this.memory = memory;
  }

  [Symbol.dispose](): void {
    this.memory?.free(this.at, this.length * BYTES[this.dtype]);
    this.memory = undefined;
  }
}

const DONE = Promise.resolve();

type Exports = Record<string, (...args: number[]) => void>;

/** A dispatch as the WASM export takes it. */
interface Work {
  readonly name: string;
  /** Addresses of the blocks, then params. */
  readonly args: readonly number[];
  readonly items: number;
  readonly terms: number;
}

export interface CpuEngineOptions {
  /** Threads that compute, ≥ 1; by default one for each core. 1 computes on the calling thread. */
  threads?: number | undefined;
  /** false keeps to baseline SIMD; for tests and comparisons. */
  relaxedSimd?: boolean | undefined;
}

/** Runs kernels as WASM SIMD on one WebAssembly memory, with a pool of threads where memory can be shared. */
export class CpuEngine implements HostEngine {
  readonly kind = 'cpu';
  readonly host: HostEngine = this;
  readonly maxBlockBytes = 2 ** 30;
  readonly info: EngineInfo;
  private readonly memory: WasmMemory;
  private readonly exports: Exports;
  private readonly pool: ThreadPool | undefined;
  private readonly counters: number[] = [];
  /** Recordings under way: they share the threads. */
  private active = 0;
  private closed = false;

  private constructor(memory: WasmMemory, exports: Exports, pool: ThreadPool | undefined, info: EngineInfo) {
    this.memory = memory;
    this.exports = exports;
    this.pool = pool;
    this.info = info;
  }

  static async open(options: CpuEngineOptions = {}): Promise<CpuEngine> {
    const notes: string[] = [];
    const wanted = options.threads ?? defaultThreads();
    const memory = openMemory(wanted, options.threads !== undefined, notes);
    const share = memory.shared;
    const { module, relaxed } = await loadModule(share, options.relaxedSimd ?? true);
    const instance = await WebAssembly.instantiate(module, { env: { memory: memory.memory, abort() {} } });
    memory.zero = (instance.exports as unknown as Exports).zero!;
    const pool = share ? await ThreadPool.start(wanted, module, memory.memory) : undefined;
    if (share && !pool) notes.push('one thread: workers could not start here (does the page allow blob: workers?)');
    const threads = pool?.size ?? 1;
    const features = ['simd128', ...(relaxed ? ['relaxed-simd'] : []), ...(pool ? ['shared-memory'] : [])];
    const description = `WebAssembly SIMD${relaxed ? ' (relaxed)' : ''}, ${threads} thread${threads > 1 ? 's' : ''}`;
    return new CpuEngine(memory, instance.exports as unknown as Exports, pool, { kind: 'cpu', description, threads, features, notes });
  }

  /** Bytes of WebAssembly memory that blocks hold. */
  get usedBytes(): number {
    return this.memory.usedBytes;
  }

  /** No async function: a query waits for a dozen of these, and each would leave its frame for the collector. */
  alloc<D extends Dtype>(dtype: D, length: number, label: string): Promise<Block<D>> {
    try {
      this.checkOpen();
      return Promise.resolve(new WasmBlock(this.memory, dtype, length, label));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  view<D extends Dtype>(block: Block<D>): ArrayOf[D] {
    const { at, dtype, length } = block as WasmBlock<D>;
    return new ARRAYS[dtype](this.memory.buffer, at, length) as ArrayOf[D];
  }

  write<D extends Dtype>(block: Block<D>, data: ArrayOf[D], offset = 0): void {
    this.checkOpen();
    checkWrite(block, data, offset);
    (this.view(block) as TypedArray).set(data, offset);
  }

  /** Small work is done when this returns; the promise is for the rest. */
  run({ dispatches }: Recording): Promise<void> {
    try {
      this.checkOpen();
      const works = new Array<Work>(dispatches.length);
      let terms = 0;
      let isShareable = false;
      for (let i = 0; i < dispatches.length; i++) {
        const work = workOf(dispatches[i]!);
        works[i] = work;
        terms += work.terms;
        isShareable ||= work.items > 1;
      }
      const isSmall = terms < INLINE_TERMS || (terms < INLINE_ITEM_TERMS && !isShareable);
      if (!isSmall) return this.runLarge(works);
      for (let i = 0; i < works.length; i++) this.runInline(works[i]!);
      return DONE;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  runNow({ dispatches }: Recording): void {
    this.checkOpen();
    for (let i = 0; i < dispatches.length; i++) this.runInline(workOf(dispatches[i]!));
  }

  private async runLarge(works: readonly Work[]): Promise<void> {
    const { pool } = this;
    this.active++;
    try {
      const width = pool ? Math.max(1, Math.round(pool.size / this.active)) : 0;
      if (!pool) {
        for (const work of works) this.runInline(work);
        await nextTurn();
      } else if (width === 1) await this.runPooled(pool, works, 1);
      else for (const work of works) await this.runShared(pool, work, width);
      this.checkOpen();
    } finally {
      this.active--;
    }
  }

  async read<const R extends readonly BlockRange[]>(ranges: R) {
    this.checkOpen();
    return ranges.map(({ block, begin, end }) => this.view(block).slice(begin, end)) as unknown as {
      [I in keyof R]: R[I] extends BlockRange<infer D> ? ArrayOf[D] : never;
    };
  }

  async pick(): Promise<Engine> {
    return this;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.pool?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private runInline({ name, args, items }: Work): void {
    Reflect.apply(this.exports[name]!, undefined, args.concat(0, items)); // a spread would copy the arguments several times
  }

  /** One dispatch over several threads, or none where it is too small for that. */
  private async runShared(pool: ThreadPool, work: Work, width: number): Promise<void> {
    if (work.terms < INLINE_TERMS) this.runInline(work);
    else await this.runPooled(pool, [work], Math.min(width, Math.ceil(work.terms / THREAD_TERMS)));
  }

  private async runPooled(pool: ThreadPool, works: readonly Work[], width: number): Promise<void> {
    const counters = works.map(() => this.counters.pop() ?? this.memory.allocate(4));
    for (const counter of counters) new Int32Array(this.memory.buffer, counter, 1)[0] = 0;
    const grainOf = (items: number) => Math.max(1, Math.floor(items / (width > 1 ? width * PIECES : 1)));
    await pool.run(
      works.map(({ name, args, items }, i) => ({ name, args, items, grain: grainOf(items), counter: counters[i]! })),
      width,
    );
    this.counters.push(...counters);
  }

  private checkOpen(): void {
    if (this.closed) throw new IsodexError('closed', 'the engine was closed; open another one with openEngine()');
  }
}

/** With loops by index: iterators over a dozen blocks and as many params would leave more behind than the query itself. */
function workOf({ kernel, blocks, params, named }: Dispatch): Work {
  const args = new Array<number>(blocks.length + params.length);
  for (let i = 0; i < blocks.length; i++) args[i] = (blocks[i] as WasmBlock).at;
  for (let i = 0; i < params.length; i++) args[blocks.length + i] = params[i]!;
  return { name: exportName(kernel.name), args, items: kernel.items(named), terms: kernel.terms(named) };
}

/** Shared memory for threads, else memory of one's own; says why when threads were asked for. */
function openMemory(threads: number, asked: boolean, notes: string[]): WasmMemory {
  if (threads === 1) return new WasmMemory(false);
  if (!canShareMemory()) {
    if (asked) notes.push('one thread: this page is not cross-origin isolated, so memory cannot be shared');
    return new WasmMemory(false);
  }
  try {
    return new WasmMemory(true);
  } catch {
    notes.push('one thread: no address space is left for shared memory');
    return new WasmMemory(false);
  }
}

function defaultThreads(): number {
  if (isNode()) return nodeModule('node:os').availableParallelism();
  return globalThis.navigator?.hardwareConcurrency ?? 1;
}
