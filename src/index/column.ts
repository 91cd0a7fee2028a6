import { type Block, rangeOf } from '../host/block.ts';
import type { HostEngine } from '../host/engine.ts';
import type { ArrayOf, Dtype, TypedArray } from '../kernels/kernel.ts';

/** Room for rows to come when a column that was filled once grows again: an eighth. */
const SLACK_SHIFT = 3;

/**
 * Rows of one dtype in one block of the host engine, appended and never changed. When the block is full a larger one takes its
 * place; the old one is kept for the searches that still read it, until whoever commits the change lets go of `outgrown`.
 */
export class Column<D extends Dtype> implements Disposable {
  readonly dtype: D;
  /** Values in a row. */
  readonly rowLength: number;
  private readonly host: HostEngine;
  private readonly label: string;
  private current: Block<D> | undefined;
  private outgrown: Disposable[] = [];

  constructor(host: HostEngine, dtype: D, rowLength: number, label: string) {
    this.host = host;
    this.dtype = dtype;
    this.rowLength = rowLength;
    this.label = label;
  }

  /** The block that holds every row so far. */
  get block(): Block<D> {
    if (!this.current) throw new Error(`${this.label}: no rows were reserved`);
    return this.current;
  }

  /** Rows that fit. */
  get capacity(): number {
    return this.current ? this.current.length / this.rowLength : 0;
  }

  /** All values, f. ex. to fill in what was reserved. Use it at once: any wait may move the memory. */
  view(): ArrayOf[D] {
    return this.host.view(this.block);
  }

  /** Makes room for `rows` rows in all. */
  async reserve(rows: number): Promise<void> {
    if (this.current && rows <= this.capacity) return;
    const room = this.current ? Math.max(rows, this.capacity + (this.capacity >> SLACK_SHIFT)) : rows;
    const larger = await this.host.alloc(this.dtype, Math.max(1, room) * this.rowLength, this.label);
    if (this.current) {
      (this.host.view(larger) as TypedArray).set(this.host.view(this.current) as TypedArray);
      this.outgrown.push(this.current);
    }
    this.current = larger;
  }

  /** Blocks that larger ones replaced since the last call; the caller disposes of them. */
  takeOutgrown(): Disposable[] {
    const taken = this.outgrown;
    this.outgrown = [];
    return taken;
  }

  /** A copy of rows [begin, end). */
  async read(begin: number, end: number): Promise<ArrayOf[D]> {
    const [rows] = await this.host.read([rangeOf(this.block, begin * this.rowLength, end * this.rowLength)] as const);
    return rows as ArrayOf[D];
  }

  [Symbol.dispose](): void {
    for (const block of this.takeOutgrown()) block[Symbol.dispose]();
    this.current?.[Symbol.dispose]();
    this.current = undefined;
  }
}
