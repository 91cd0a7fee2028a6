/** How many queries a dispatch should have: learned from what walks took, and by how wide their beams were. */

/** Queries of a dispatch before anything was measured. */
const FIRST = 256;
const LEAST = 16;
/** How much a walk counts when the next one is done. */
const MEMORY = 0.7;

export class DispatchPace {
  private entries = 0;
  private ms = 0;
  /** When the last walk was done. */
  private doneAt = -Infinity;

  /** A walk of so many queries took `ms`. */
  note(queries: number, ef: number, ms: number): void {
    this.entries = this.entries * MEMORY + queries * ef;
    this.ms = this.ms * MEMORY + ms;
  }

  /** A walk that was begun then is done now: until the one before it was done, it waited. */
  noteDone(queries: number, ef: number, begun: number, now: number): void {
    this.note(queries, ef, now - Math.max(begun, Math.min(now, this.doneAt)));
    this.doneAt = now;
  }

  /** Queries that should take so many milliseconds. */
  queriesIn(ms: number, ef: number): number {
    if (this.ms <= 0) return FIRST;
    return Math.max(LEAST, Math.floor((ms * this.entries) / (this.ms * ef)));
  }
}
