import type { Block } from '../host/block.ts';
import type { Engine } from '../host/engine.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { FlatCodes } from './flat-codes.ts';
import type { Snapshot } from './rows.ts';
import type { Metric } from './vector-index.ts';

/** More rows than this factor above what the codes were planned for, and they are planned anew. */
const REPLAN_GROWTH = 1.5;

/** The codes of one index, one set for each engine that searched it, kept up with the rows. */
export class DerivedCodes {
  private readonly metric: Metric;
  private readonly seed: number;
  private readonly width: number;
  private readonly sets = new Map<Engine, CodeSet>();

  constructor(metric: Metric, seed: number, width: number) {
    this.metric = metric;
    this.seed = seed;
    this.width = width;
  }

  /** Bytes that must be sent to `engine` before it can search: 0 once its codes exist. */
  missing(engine: Engine, bytes: number): number {
    return this.sets.has(engine) ? 0 : bytes;
  }

  /** Codes that cover the snapshot, held for the caller until it calls `release`. */
  async acquire(engine: Engine, snapshot: Snapshot, options: TaskOptions): Promise<FlatCodes> {
    let set = this.sets.get(engine);
    if (!set) this.sets.set(engine, (set = new CodeSet()));
    return set.acquire(snapshot, options, () => FlatCodes.plan(engine, snapshot, this.metric, this.seed, this.width));
  }

  /** Bytes that all codes hold. */
  get bytes(): number {
    let sum = 0;
    for (const set of this.sets.values()) sum += set.bytes;
    return sum;
  }

  /** Forgets an engine's codes (its device is lost), or all of them (rows were compacted, the index closes). */
  drop(engine?: Engine): void {
    for (const [key, set] of this.sets) {
      if (engine && key !== engine) continue;
      set.drop();
      this.sets.delete(key);
    }
  }
}

/** One engine's codes. Makers queue; each sees what the one before it left. */
class CodeSet {
  private codes: FlatCodes | undefined;
  private queue: Promise<unknown> = Promise.resolve();

  get bytes(): number {
    return this.codes?.bytes ?? 0;
  }

  acquire(snapshot: Snapshot, options: TaskOptions, plan: () => Promise<FlatCodes>): Promise<FlatCodes> {
    const turn = this.queue.then(() => this.covering(snapshot, options, plan));
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  drop(): void {
    this.codes?.release();
    this.codes = undefined;
  }

  private async covering(snapshot: Snapshot, options: TaskOptions, plan: () => Promise<FlatCodes>): Promise<FlatCodes> {
    if (this.codes?.originals === snapshot.originals && snapshot.count <= this.codes.plannedCount * REPLAN_GROWTH) {
      await this.codes.extend(snapshot, options);
      return this.codes.retain();
    }
    const codes = await plan();
    try {
      await codes.extend(snapshot, options);
    } catch (error) {
      codes.release();
      throw error;
    }
    this.drop();
    this.codes = codes;
    return codes.retain();
  }
}

/** Mask blocks of a call, one a chunk: which rows it may return. */
export async function uploadMasks(codes: FlatCodes, bits: Uint32Array): Promise<Block<'u32'>[]> {
  const masks: Block<'u32'>[] = [];
  for (const { begin, capacity } of codes.chunks) {
    const block = await codes.engine.alloc('u32', capacity / 32, 'search: mask');
    codes.engine.write(block, bits.subarray(begin / 32, Math.min(bits.length, (begin + capacity) / 32)));
    masks.push(block);
  }
  return masks;
}
