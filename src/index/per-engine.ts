/** What an index derives for each engine that it computes on: made on first use, kept up with the rows, shared by calls. */
import type { Engine } from '../host/engine.ts';
import { hasCode, IsodexError } from '../util/errors.ts';
import { roundUp } from '../util/math.ts';

/** Something on an engine that several calls hold at once; whoever makes it holds it. */
export abstract class Held {
  private users = 1;

  /** Bytes that it takes. */
  abstract get bytes(): number;

  retain(): this {
    this.users++;
    return this;
  }

  /** The last one to let go frees the blocks. */
  release(): void {
    if (--this.users === 0) this.free();
  }

  protected abstract free(): void;
}

/** How a call gets what it needs. */
interface Making<T> {
  /** Whether what is there can be extended to what the call needs; else it is made anew. */
  fits(held: T): boolean;
  make(): Promise<T>;
  extend(held: T): Promise<void>;
}

/** One thing for each engine. */
export class PerEngine<T extends Held> {
  private readonly slots = new Map<Engine, Slot<T>>();
  private closed = false;

  /** What covers the call's needs, held for the caller until it calls `release`. */
  async acquire(engine: Engine, making: Making<T>): Promise<T> {
    if (this.closed) throw new IsodexError('closed', 'the index was closed while a call had yet to begin');
    return this.slotOf(engine).acquire(making);
  }

  /** Keeps something that was made elsewhere, in the place of what there is. */
  offer(engine: Engine, made: T): void {
    if (!this.closed) this.slotOf(engine).offer(made);
  }

  /** Bytes that must be sent to a device before it can search: 0 once one other than the host has something. */
  missing({ host }: Engine, bytes: number): number {
    for (const [engine, { held }] of this.slots) if (engine !== host && held && held.bytes > 0) return 0;
    return bytes;
  }

  /** What an engine has now. */
  held(engine: Engine): T | undefined {
    return this.slots.get(engine)?.held;
  }

  get bytes(): number {
    return this.all().reduce((sum, held) => sum + held.bytes, 0);
  }

  /** What is there now. */
  all(): T[] {
    return [...this.slots.values()].flatMap(({ held }) => held ?? []);
  }

  /** Forgets what is on an engine (its device is lost), or everything (rows were compacted). */
  drop(engine?: Engine): void {
    for (const [key, slot] of this.slots) {
      if (engine && key !== engine) continue;
      slot.drop();
      this.slots.delete(key);
    }
  }

  /** Forgets everything, and makes no more. */
  close(): void {
    this.drop();
    this.closed = true;
  }

  private slotOf(engine: Engine): Slot<T> {
    let slot = this.slots.get(engine);
    if (!slot) this.slots.set(engine, (slot = new Slot()));
    return slot;
  }
}

/** One engine's. Makers queue; each sees what the one before it left. */
class Slot<T extends Held> {
  held: T | undefined;
  /** What is made from now on belongs to its caller alone. */
  private dropped = false;
  private queue: Promise<unknown> = Promise.resolve();

  acquire(making: Making<T>): Promise<T> {
    const turn = this.queue.then(() => this.covering(making));
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  offer(made: T): void {
    if (!this.dropped) this.keep(made.retain());
  }

  drop(): void {
    this.dropped = true;
    this.keep(undefined);
  }

  private keep(held: T | undefined): void {
    this.held?.release();
    this.held = held;
  }

  private async covering({ fits, make, extend }: Making<T>): Promise<T> {
    if (this.held && fits(this.held)) return extended(this.held.retain(), extend); // held meanwhile, so that `drop` cannot free it
    const made = await extended(await make(), extend);
    if (!this.dropped) this.keep(made.retain());
    return made;
  }
}

/** Extended to what the call needs; lets go of it where that fails. */
async function extended<T extends Held>(held: T, extend: (held: T) => Promise<void>): Promise<T> {
  try {
    await extend(held);
    return held;
  } catch (error) {
    held.release();
    throw error;
  }
}

/** Whether it is the device's fault: it was lost, or is full. */
export function isDeviceFailure(error: unknown): boolean {
  return hasCode(error, 'device-lost') || hasCode(error, 'out-of-memory');
}

/** Does the work on `chosen`; where that device is lost or full, what is kept for it is dropped and the host does it. */
export async function withHostBehind<T>(
  chosen: Engine,
  host: Engine,
  kept: { drop(engine: Engine): void },
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  try {
    return await work(chosen);
  } catch (error) {
    if (chosen === host || !isDeviceFailure(error)) throw error;
    kept.drop(chosen);
    return work(host);
  }
}

/**
 * A chunk of `most` rows or, where memory is short, half as many and so on down to `least`, in multiples of `step`: what does
 * not fit in one piece may fit in several.
 */
export async function largestChunk<T>(most: number, least: number, step: number, make: (rows: number) => Promise<T>): Promise<T> {
  for (let rows = most; ; rows = roundUp(rows / 2, step)) {
    try {
      return await make(rows);
    } catch (error) {
      if (!hasCode(error, 'out-of-memory') || rows <= least) throw error;
    }
  }
}
