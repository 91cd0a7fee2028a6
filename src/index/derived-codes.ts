import type { Block } from '../host/block.ts';
import type { Engine } from '../host/engine.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { FlatCodes } from './flat-codes.ts';
import { PerEngine } from './per-engine.ts';
import type { Snapshot } from './rows.ts';
import type { Metric } from './vector-index.ts';

/** More rows than this factor above what the codes were planned for, and they are planned anew. */
const REPLAN_GROWTH = 1.5;

/** The codes of one Flat index, one set for each engine that searched it, kept up with the rows. */
export class DerivedCodes {
  private readonly metric: Metric;
  private readonly seed: number;
  private readonly width: number;
  private readonly sets = new PerEngine<FlatCodes>();

  constructor(metric: Metric, seed: number, width: number) {
    this.metric = metric;
    this.seed = seed;
    this.width = width;
  }

  /** Bytes that must be sent to a device before it can search: 0 once one other than the host has codes. */
  missing(engine: Engine, bytes: number): number {
    return this.sets.missing(engine, bytes);
  }

  /** Codes that cover the snapshot, held for the caller until it calls `release`. */
  acquire(engine: Engine, snapshot: Snapshot, options: TaskOptions): Promise<FlatCodes> {
    return this.sets.acquire(engine, {
      fits: ({ originals, plannedCount }) => originals === snapshot.originals && snapshot.count <= plannedCount * REPLAN_GROWTH,
      make: () => FlatCodes.plan(engine, snapshot, this.metric, this.seed, this.width, options.signal),
      extend: (codes) => codes.extend(snapshot, options),
    });
  }

  /** Bytes that all codes hold. */
  get bytes(): number {
    return this.sets.bytes;
  }

  /** Forgets all codes, and makes no more. */
  close(): void {
    this.sets.close();
  }

  /** Forgets an engine's codes (its device is lost), or all of them (rows were compacted). */
  drop(engine?: Engine): void {
    this.sets.drop(engine);
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
