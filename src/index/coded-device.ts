/** Scanning one list of product-quantiser codes on a device: tables, keys and the nearest of each chunk in one submit. */
import { type Block, rangeOf } from '../host/block.ts';
import type { Engine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { NONE } from '../kernels/graph.ts';
import { pqScan } from '../kernels/pq-scan.ts';
import { NO_KEY, TOP_K_MOST } from '../kernels/top-k.ts';
import { hasBit, setBit } from '../util/bits.ts';
import type { Lists } from './coding/lists.ts';
import type { PqListCodec } from './coding/pq-list-codec.ts';
import type { LoadedQuantizer } from './coding/product-quantizer.ts';
import type { Admission } from './filter.ts';
import { Held, largestChunk, PerEngine } from './per-engine.ts';
import { TopLists } from './top-lists.ts';

/** Keys of one dispatch: queries times positions. */
const MOST_KEYS = 2 ** 25;
/** Chunks are not halved below so many positions when memory is short. */
const LEAST_CHUNK = 2 ** 14;

/** A run of positions on a device. */
interface Chunk {
  readonly begin: number;
  readonly count: number;
  /** i8 [count, stride] */
  readonly codes: Block<'i8'>;
}

/** One index's codes on every device that scans them. */
export class DeviceLists {
  private readonly sets = new PerEngine<DeviceList>();

  /** The codes of lists on an engine, held for the caller until it calls `release`. */
  acquire(engine: Engine, lists: Lists, codec: PqListCodec): Promise<DeviceList> {
    return this.sets.acquire(engine, {
      fits: (held) => held.lists === lists,
      make: async () => new DeviceList(engine, lists, await codec.openScoring(engine)),
      extend: (held) => held.fill(),
    });
  }

  missing(engine: Engine, lists: Lists): number {
    return this.sets.missing(engine, lists.codes.length);
  }

  get bytes(): number {
    return this.sets.bytes;
  }

  drop(engine?: Engine): void {
    this.sets.drop(engine);
  }

  close(): void {
    this.sets.close();
  }
}

/** Whether a device can do what a scan wants. */
export function isDeviceScannable(lists: Lists, keep: number): boolean {
  return lists.nlist === 1 && lists.count > 0 && keep <= TOP_K_MOST;
}

export class DeviceList extends Held {
  readonly lists: Lists;
  private readonly engine: Engine;
  private readonly scoring: LoadedQuantizer;
  private readonly chunks: Chunk[] = [];

  constructor(engine: Engine, lists: Lists, scoring: LoadedQuantizer) {
    super();
    this.engine = engine;
    this.lists = lists;
    this.scoring = scoring;
  }

  override get bytes(): number {
    return this.chunks.reduce((sum, { codes }) => sum + codes.length, 0);
  }

  /** Sends what is not there yet. */
  async fill(): Promise<void> {
    const { engine, lists } = this;
    const { stride, count } = lists;
    const most = Math.floor(engine.maxBlockBytes / stride);
    for (let begin = this.chunks.at(-1) ? count : 0; begin < count; ) {
      const wanted = Math.min(most, count - begin);
      const codes = await largestChunk(wanted, LEAST_CHUNK, 1, (rows) =>
        engine.alloc('i8', Math.min(rows, wanted) * stride, 'lists: codes'),
      );
      const rows = codes.length / stride;
      engine.write(codes, engine.host.view(lists.codes).slice(begin * stride, (begin + rows) * stride));
      this.chunks.push({ begin, count: rows, codes });
      begin += rows;
    }
  }

  /** The `keep` nearest admitted rows of each query by (key, row), grid values i16 [nq, dim]: u32 [nq, keep], NONE behind the last. */
  async nearest(values: Int16Array, nq: number, keep: number, admission: Admission): Promise<Uint32Array> {
    const found = new Uint32Array(nq * keep).fill(NONE);
    const dim = values.length / nq;
    const longest = Math.max(...this.chunks.map(({ count }) => count));
    const slice = Math.max(1, Math.floor(MOST_KEYS / longest));
    const masks = await this.masks(admission);
    try {
      for (let first = 0; first < nq; first += slice) {
        const count = Math.min(slice, nq - first);
        found.set(await this.nearestOf(values.subarray(first * dim, (first + count) * dim), count, keep, masks), first * keep);
      }
    } finally {
      for (const mask of masks) mask[Symbol.dispose]();
    }
    return found;
  }

  protected override free(): void {
    for (const { codes } of this.chunks) codes[Symbol.dispose]();
    this.scoring[Symbol.dispose]();
  }

  private async nearestOf(values: Int16Array, nq: number, keep: number, masks: readonly Block<'u32'>[]): Promise<Uint32Array> {
    const { engine, lists, scoring } = this;
    const { form } = scoring.quantizer;
    using made = await scoring.tables(values, 0);
    const tableWords = made.tables.length / nq;
    const parts: { keys: Int32Array; ids: Uint32Array }[] = [];
    for (const [c, { count, codes }] of this.chunks.entries()) {
      using keys = await engine.alloc('i32', nq * count, 'lists: keys');
      using lowest = await TopLists.open(engine, nq, count, keep);
      const blocks = { tables: made.tables, codes, mask: masks[c]!, keys };
      const recording = new Recording().dispatch(pqScan, blocks, { nq, form, stride: lists.stride, tableWords, first: 0, count });
      const best = lowest.record(recording, keys);
      await engine.run(recording);
      const [bestKeys, bestIds] = await engine.read([rangeOf(best.keys, 0, nq * keep), rangeOf(best.ids, 0, nq * keep)]);
      parts.push({ keys: bestKeys, ids: bestIds });
    }
    return this.merged(parts, nq, keep);
  }

  /** Of the chunks' nearest those of all; positions become rows. */
  private merged(parts: readonly { keys: Int32Array; ids: Uint32Array }[], nq: number, keep: number): Uint32Array {
    const rows = this.engine.host.view(this.lists.rows);
    const out = new Uint32Array(nq * keep).fill(NONE);
    for (let q = 0; q < nq; q++) {
      const all: { key: number; row: number }[] = [];
      for (const [c, { keys, ids }] of parts.entries()) {
        for (let i = q * keep; i < (q + 1) * keep && keys[i] !== NO_KEY; i++) {
          all.push({ key: keys[i]!, row: rows[this.chunks[c]!.begin + ids[i]!]! });
        }
      }
      if (parts.length > 1) all.sort((a, b) => a.key - b.key || a.row - b.row);
      for (let i = 0; i < Math.min(keep, all.length); i++) out[q * keep + i] = all[i]!.row;
    }
    return out;
  }

  /** Which positions of each chunk may be returned: u32 [⌈count / 32⌉]. */
  private async masks({ bits }: Admission): Promise<Block<'u32'>[]> {
    const { engine, lists } = this;
    const blocks: Block<'u32'>[] = [];
    for (const { begin, count } of this.chunks) {
      const rows = engine.host.view(lists.rows);
      const mask = new Uint32Array(Math.ceil(count / 32));
      for (let i = 0; i < count; i++) if (hasBit(bits, rows[begin + i]!)) setBit(mask, i);
      const block = await engine.alloc('u32', mask.length, 'lists: mask');
      engine.write(block, mask);
      blocks.push(block);
    }
    return blocks;
  }
}
