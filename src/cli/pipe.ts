/** `isodex pipe`: an index that another program builds and asks over standard input and output. */
import { once } from 'node:events';
import { toFloats, toHostOrder } from '../io/dtypes.ts';
import { createIndex, type Engine, IsodexError, type Metric, type VectorIndex, version } from '../node.ts';
import { openIndexOn, openQuietly } from './inputs.ts';
import type { EngineArgs, GraphArgs } from './options.ts';
import type { Task } from './perform.ts';
import { answerFrame, type Frame, FrameSplitter, OPERATIONS } from './pipe-frames.ts';

interface PipeArgs extends EngineArgs, GraphArgs {
  readonly index?: string;
  readonly metric?: Metric;
  readonly dim?: number;
  readonly m?: number;
  readonly efConstruction?: number;
  readonly seed: number;
  readonly trainSize: number;
}

export async function pipe(file: string | undefined, args: PipeArgs, task: Task): Promise<undefined> {
  using engine = await openQuietly({ prefer: args.engine, threads: args.threads, signal: task.signal });
  using index = file === undefined ? await emptyIndex(args, engine) : await fileIndex(file, args, engine, task);
  const server = new Server(index, args, task.signal);
  await serve(server, task.signal);
  return undefined;
}

async function emptyIndex(args: PipeArgs, engine: Engine): Promise<VectorIndex> {
  const { index = 'Flat', metric, dim, seed, m: M, efConstruction } = args;
  if (dim === undefined) throw new IsodexError('bad-argument', 'pipe needs to know the vectors it will get; give --dim, or an index file');
  return createIndex(index, { dim, metric, seed, M, efConstruction, engine });
}

async function fileIndex(file: string, args: PipeArgs, engine: Engine, task: Task): Promise<VectorIndex> {
  const { index, metric, dim, m, efConstruction } = args;
  if ([index, metric, dim, m, efConstruction].some((value) => value !== undefined)) {
    throw new IsodexError('bad-argument', `${file} says itself what it is; leave out --index, --metric, --dim, --m and --ef-construction`);
  }
  const opened = await openIndexOn(file, engine, task);
  await opened.prepare({ signal: task.signal });
  return opened;
}

/** Answers frame after frame until the input ends. */
async function serve(server: Server, signal: AbortSignal): Promise<void> {
  const splitter = new FrameSplitter();
  signal.addEventListener('abort', () => process.stdin.destroy(signal.reason as Error), { once: true });
  try {
    for await (const piece of process.stdin) for (const frame of splitter.push(piece)) await send(await server.answer(frame));
  } catch (error) {
    if (!signal.aborted) await send(errorFrame(error));
    throw error;
  }
  if (splitter.isInside) throw new IsodexError('bad-argument', 'the input ended in the middle of a frame; send all of its bytes');
}

/** Waits where the reader is slow, so that answers do not pile up. */
async function send(bytes: Uint8Array): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
}

function errorFrame(error: unknown): Uint8Array {
  return answerFrame(1, [new TextEncoder().encode(error instanceof Error ? error.message : String(error))]);
}

class Server {
  readonly #index: VectorIndex;
  readonly #signal: AbortSignal;
  readonly #trainSize: number;
  #settings: GraphArgs;
  /** Rows that wait for `build`. */
  #held: Float32Array[] = [];
  #rows = 0;

  constructor(index: VectorIndex, { efSearch, nprobe, refineFactor, trainSize }: PipeArgs, signal: AbortSignal) {
    this.#index = index;
    this.#signal = signal;
    this.#trainSize = trainSize;
    this.#settings = { efSearch, nprobe, refineFactor };
  }

  /** The bytes of the answer. What goes wrong is an answer too, save an interrupt. */
  async answer(frame: Frame): Promise<Uint8Array> {
    try {
      return answerFrame(0, await this.#perform(frame));
    } catch (error) {
      if (this.#signal.aborted) throw error;
      return errorFrame(error);
    }
  }

  async #perform({ operation, bytes }: Frame): Promise<Uint8Array[]> {
    switch (operation) {
      case OPERATIONS.search:
        return [(await this.#search(bytes)).labels];
      case OPERATIONS.searchWithDistances: {
        const { labels, distances } = await this.#search(bytes);
        return [labels, distances];
      }
      case OPERATIONS.rows:
        return [this.#hold(bytes)];
      case OPERATIONS.build:
        return [await this.#build()];
      case OPERATIONS.settings:
        return this.#set(bytes);
      case OPERATIONS.info:
        return [new TextEncoder().encode(JSON.stringify(this.#info()))];
      case OPERATIONS.save:
        await this.#index.save(new TextDecoder().decode(bytes), { signal: this.#signal });
        return [];
      default:
        throw new IsodexError('bad-argument', `there is no operation ${operation}; give 1 to 7 (see isodex pipe --help)`);
    }
  }

  async #search(bytes: Uint8Array<ArrayBuffer>): Promise<{ labels: Uint8Array; distances: Uint8Array }> {
    if (bytes.length < 4) throw new IsodexError('bad-argument', `a search has ${bytes.length} bytes; give u32 k and the queries`);
    const k = new DataView(bytes.buffer).getUint32(0, true);
    const queries = this.#vectors(bytes.subarray(4), 'queries');
    const { labels, distances } = await this.#index.search(queries, { k, ...this.#settings, signal: this.#signal });
    return { labels: toHostOrder(bytesOf(labels), 'i32', true), distances: toHostOrder(bytesOf(distances), 'f32', true) };
  }

  #hold(bytes: Uint8Array<ArrayBuffer>): Uint8Array {
    this.#held.push(this.#vectors(bytes, 'rows'));
    this.#rows += bytes.length / (4 * this.#index.dim);
    return u32(this.#rows);
  }

  #vectors(bytes: Uint8Array<ArrayBuffer>, what: string): Float32Array {
    const { dim } = this.#index;
    if (bytes.length % (4 * dim) === 0) return toFloats(bytes, 'f32', true, String);
    throw new IsodexError('bad-argument', `${bytes.length} bytes of ${what} are not whole vectors; give n * ${dim} floats of 4 bytes`);
  }

  /** Whether it succeeds or not, the rows are held no longer: they can be sent again. */
  async #build(): Promise<Uint8Array> {
    const [held, rows, index, signal] = [this.#held, this.#rows, this.#index, this.#signal];
    this.#held = [];
    this.#rows = 0;
    if (rows === 0) throw new IsodexError('bad-argument', 'there are no rows to build of; send rows first');
    if (!index.isTrained) {
      const { warnings } = await index.train(sampleOf(held, index.dim, this.#trainSize), { signal });
      for (const warning of warnings) console.warn(`isodex: ${warning}`);
    }
    await index.add(handOver(held), { rows, signal });
    await index.prepare({ signal });
    return u32(index.size);
  }

  #set(bytes: Uint8Array<ArrayBuffer>): Uint8Array[] {
    if (bytes.length !== 12) {
      throw new IsodexError('bad-argument', `settings have ${bytes.length} bytes; give u32 efSearch, u32 nprobe and f32 refineFactor`);
    }
    const view = new DataView(bytes.buffer);
    const [efSearch, nprobe, refineFactor] = [view.getUint32(0, true), view.getUint32(4, true), view.getFloat32(8, true)];
    this.#settings = { efSearch: efSearch || undefined, nprobe: nprobe || undefined, refineFactor: refineFactor || undefined };
    return [];
  }

  #info(): object {
    const { description, metric, dim, size, memory, engine } = this.#index;
    return { description, metric, dim, size, memory, processBytes: process.memoryUsage.rss(), engine: engine.info.description, version };
  }
}

/** Rows evenly spaced over all, `most` of them or as many as there are. */
function sampleOf(batches: readonly Float32Array[], dim: number, most: number): Float32Array {
  const total = batches.reduce((sum, batch) => sum + batch.length / dim, 0);
  const count = Math.min(most, total);
  const sample = new Float32Array(count * dim);
  let [batch, before] = [0, 0];
  for (let i = 0; i < count; i++) {
    const row = Math.floor((i * total) / count);
    while (row - before >= batches[batch]!.length / dim) before += batches[batch++]!.length / dim;
    sample.set(batches[batch]!.subarray((row - before) * dim, (row - before + 1) * dim), i * dim);
  }
  return sample;
}

/** Batch after batch, each let go of once it was taken. */
function* handOver(batches: Float32Array[]): Generator<Float32Array> {
  for (let batch = batches.shift(); batch; batch = batches.shift()) yield batch;
}

function bytesOf(array: Int32Array | Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
