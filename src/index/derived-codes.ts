import type { Block } from '../host/block.ts';
import type { Engine } from '../host/engine.ts';
import { IsodexError } from '../util/errors.ts';
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
  private closed = false;

  constructor(metric: Metric, seed: number, width: number) {
    this.metric = metric;
    this.seed = seed;
    this.width = width;
  }

  /** Bytes that must be sent to a device before it can search: 0 once one other than the host has codes. */
  missing({ host }: Engine, bytes: number): number {
    for (const [key, set] of this.sets) if (key !== host && set.bytes > 0) return 0;
    return bytes;
  }

  /** Codes that cover the snapshot, held for the caller until it calls `release`. */
  async acquire(engine: Engine, snapshot: Snapshot, options: TaskOptions): Promise<FlatCodes> {
    if (this.closed) throw new IsodexError('closed', 'the index was closed while a call had yet to begin');
    let set = this.sets.get(engine);
    if (!set) this.sets.set(engine, (set = new CodeSet()));
    return set.acquire(snapshot, options, () => FlatCodes.plan(engine, snapshot, this.metric, this.seed, this.width, options.signal));
  }

  /** Bytes that all codes hold. */
  get bytes(): number {
    let sum = 0;
    for (const set of this.sets.values()) sum += set.bytes;
    return sum;
  }

  /** Forgets all codes, and makes no more. */
  close(): void {
    this.drop();
    this.closed = true;
  }

  /** Forgets an engine's codes (its device is lost), or all of them (rows were compacted). */
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
  /** Codes made from now on belong to their caller alone. */
  private dropped = false;
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
    this.dropped = true;
    this.keep(undefined);
  }

  private keep(codes: FlatCodes | undefined): void {
    this.codes?.release();
    this.codes = codes;
  }

  private async covering(snapshot: Snapshot, options: TaskOptions, plan: () => Promise<FlatCodes>): Promise<FlatCodes> {
    if (this.codes?.originals === snapshot.originals && snapshot.count <= this.codes.plannedCount * REPLAN_GROWTH) {
      return extended(this.codes.retain(), snapshot, options); // held meanwhile, so that `drop` cannot free them
    }
    const codes = await extended(await plan(), snapshot, options);
    if (!this.dropped) this.keep(codes.retain());
    return codes;
  }
}

/** Codes that now cover the snapshot; lets go of them where that fails. */
async function extended(codes: FlatCodes, snapshot: Snapshot, options: TaskOptions): Promise<FlatCodes> {
  try {
    await codes.extend(snapshot, options);
    return codes;
  } catch (error) {
    codes.release();
    throw error;
  }
}

/** Appends the mask blocks of a call, one for each chunk that holds rows by now: which rows the call may return. */
export async function uploadMasks(codes: FlatCodes, bits: Uint32Array, masks: Block<'u32'>[]): Promise<void> {
  // another call may add chunks while this one waits
  for (const { begin, capacity } of codes.chunks.filter((chunk) => chunk.begin < codes.count)) {
    const block = await codes.engine.alloc('u32', capacity / 32, 'search: mask');
    codes.engine.write(block, bits.subarray(begin / 32, Math.min(bits.length, (begin + capacity) / 32)));
    masks.push(block);
  }
}
