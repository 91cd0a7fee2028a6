import type { Engine } from '../host/engine.ts';
import { Breather } from '../util/tasks.ts';
import { DeviceRows } from './device-rows.ts';

/** Rows sent at a time. */
const PIECE_ROWS = 4096;

/** Lower limbs of rows [begin, end) with what they have lost, i8 [rows, stride] (graph-limbs.ts). */
export type ReadLimbs = (begin: number, end: number) => Promise<Int8Array>;

/** The lower limbs of a graph's codes on a device that narrows what it finds; they lie as the codes do. Sent when a search first wants them. */
export class DeviceLimbs implements Disposable {
  readonly rows: DeviceRows<'i8'>;
  private readonly stride: number;
  private count = 0;

  private constructor(rows: DeviceRows<'i8'>, stride: number) {
    this.rows = rows;
    this.stride = stride;
  }

  static async open(engine: Engine, nodes: number, stride: number): Promise<DeviceLimbs> {
    return new DeviceLimbs(await DeviceRows.open(engine, 'i8', nodes, stride, 'graph: limbs on the device'), stride);
  }

  get bytes(): number {
    return this.rows.bytes;
  }

  truncate(count: number): void {
    this.count = Math.min(this.count, count);
  }

  /** Sends what is not there of `count` rows; `sent` is told of so many bytes, and may wait for them. */
  async update(read: ReadLimbs, count: number, signal: AbortSignal | undefined, sent: (bytes: number) => Promise<void>): Promise<void> {
    const breather = new Breather(signal);
    const { stride } = this;
    while (this.count < count) {
      const begin = this.count;
      const end = Math.min(count, begin + PIECE_ROWS);
      const limbs = await read(begin, end);
      this.rows.write(begin, end, (from, to) => limbs.subarray((from - begin) * stride, (to - begin) * stride));
      this.count = end;
      await sent(limbs.length);
      await breather.breathe();
    }
  }

  [Symbol.dispose](): void {
    this.rows[Symbol.dispose]();
  }
}
