/** Scores (query, row) pairs of one group on an engine: one recording and one read-back, whatever the number of chunks. */
import { allocAll } from '../host/alloc-all.ts';
import { type Block, rangeOf } from '../host/block.ts';
import type { Engine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { FORMS, isPq, queryStride } from '../kernels/graph.ts';
import { pqGather } from '../kernels/pq-gather.ts';
import { sq8Gather } from '../kernels/sq8-gather.ts';
import type { DeviceChunk, DeviceRows } from './graph-device.ts';

/** Pairs that a list has room for at first. */
const FIRST_ROOM = 1024;

export class PairScorer implements Disposable {
  private readonly engine: Engine;
  private readonly rows: DeviceRows;
  private readonly queries: Block<'i8'>;
  /** Where a kernel reads how many pairs are in use: each dispatch is told by its capacity, so this stays as it is. */
  private readonly count: Block<'u32'>;
  private readonly lists: PairList[];

  private constructor(engine: Engine, rows: DeviceRows, queries: Block<'i8'>, count: Block<'u32'>) {
    this.engine = engine;
    this.rows = rows;
    this.queries = queries;
    this.count = count;
    this.lists = rows.chunks.map((chunk) => new PairList(chunk));
  }

  /** For the coded queries i8 [n, queryStride] that `queries` gives once there is room. */
  static async open(engine: Engine, rows: DeviceRows, n: number, queries: () => Int8Array): Promise<PairScorer> {
    const [block, count] = await allocAll(engine, [
      ['i8', n * queryStride(rows.plan.form, rows.plan.stride), 'walk: queries'],
      ['u32', 1, 'walk: count'],
    ]);
    const scorer = new PairScorer(engine, rows, block, count);
    try {
      engine.write(block, queries());
      engine.write(count, Uint32Array.of(0xffffffff));
      return scorer;
    } catch (error) {
      scorer[Symbol.dispose]();
      throw error;
    }
  }

  /** A pair for the next `score`. */
  add(q: number, row: number): void {
    const { lists } = this;
    let c = lists.length - 1;
    while (row < lists[c]!.begin) c--;
    lists[c]!.add(q, row);
  }

  /** Pairs that were added since the last `score`. */
  get pending(): number {
    return this.lists.reduce((sum, { length }) => sum + length, 0);
  }

  /** The keys of all pairs that were added, in any order; `add` may be called again afterwards. */
  async score(take: (q: number, key: number, row: number) => void): Promise<void> {
    const { engine, queries, count } = this;
    const { stride, form } = this.rows.plan;
    const used = this.lists.filter(({ length }) => length > 0);
    const recording = new Recording();
    for (const list of used) {
      const { pairs, keys } = await list.upload(engine);
      const { codes, rowTerms } = list.chunk;
      const shape = { words: stride / 4, capacity: list.length };
      if (isPq(form)) recording.dispatch(pqGather, { tables: queries, codes, pairs, count, keys }, { ...shape, form });
      else
        recording.dispatch(sq8Gather, { queries, codes, rowTerms, pairs, count, keys }, { ...shape, weight: form === FORMS.sq8L2 ? 2 : 1 });
    }
    await engine.run(recording);
    const keys = await engine.read(used.map((list) => rangeOf(list.keys!, 0, list.length)));
    for (const [i, list] of used.entries()) list.drain(keys[i]!, take);
  }

  [Symbol.dispose](): void {
    for (const thing of [this.queries, this.count, ...this.lists]) thing[Symbol.dispose]();
  }
}

/** The pairs of a step whose rows lie in one chunk. */
class PairList implements Disposable {
  readonly chunk: DeviceChunk;
  readonly begin: number;
  length = 0;
  keys: Block<'i32'> | undefined;
  private pairs: Block<'u32'> | undefined;
  /** u32 [room, 2]: query, row of the chunk. */
  private listed = new Uint32Array(2 * FIRST_ROOM);

  constructor(chunk: DeviceChunk) {
    this.chunk = chunk;
    this.begin = chunk.begin;
  }

  add(q: number, row: number): void {
    const at = 2 * this.length++;
    if (at === this.listed.length) {
      const larger = new Uint32Array(2 * at);
      larger.set(this.listed);
      this.listed = larger;
    }
    this.listed[at] = q;
    this.listed[at + 1] = row - this.begin;
  }

  /** The pairs on the engine, and room for their keys. */
  async upload(engine: Engine): Promise<{ pairs: Block<'u32'>; keys: Block<'i32'> }> {
    if (!this.pairs || !this.keys || this.pairs.length < this.listed.length) {
      this[Symbol.dispose]();
      this.pairs = await engine.alloc('u32', this.listed.length, 'walk: pairs');
      this.keys = await engine.alloc('i32', this.listed.length / 2, 'walk: keys');
    }
    engine.write(this.pairs, this.listed.subarray(0, 2 * this.length));
    return { pairs: this.pairs, keys: this.keys };
  }

  drain(keys: Int32Array, take: (q: number, key: number, row: number) => void): void {
    const { listed, begin, length } = this;
    this.length = 0;
    for (let i = 0; i < length; i++) take(listed[2 * i]!, keys[i]!, listed[2 * i + 1]! + begin);
  }

  [Symbol.dispose](): void {
    this.pairs?.[Symbol.dispose]();
    this.keys?.[Symbol.dispose]();
    this.pairs = undefined;
    this.keys = undefined;
  }
}
