import type { Block } from '../host/block.ts';
import type { Engine } from '../host/engine.ts';
import { type ArrayOf, BYTES } from '../kernels/kernel.ts';

/** Rows of a graph on a device, as much as one block holds in the first, the rest in the second; a block that is not needed is small. */
export class DeviceRows<D extends 'i8' | 'u32'> implements Disposable {
  private readonly engine: Engine;
  readonly blocks: readonly [Block<D>, Block<D>];
  /** Rows in the first block. */
  readonly split: number;
  private readonly width: number;

  private constructor(engine: Engine, blocks: readonly [Block<D>, Block<D>], width: number) {
    this.engine = engine;
    this.blocks = blocks;
    this.width = width;
    this.split = blocks[0].length / width;
  }

  static async open<D extends 'i8' | 'u32'>(engine: Engine, dtype: D, rows: number, width: number, label: string): Promise<DeviceRows<D>> {
    const first = Math.min(rows, Math.floor(engine.maxBlockBytes / (width * BYTES[dtype])));
    const a = await engine.alloc(dtype, first * width, label);
    try {
      return new DeviceRows(engine, [a, await engine.alloc(dtype, Math.max(16, (rows - first) * width), label)], width);
    } catch (error) {
      a[Symbol.dispose]();
      throw error;
    }
  }

  get bytes(): number {
    const [a, b] = this.blocks;
    return (a.length + b.length) * BYTES[a.dtype];
  }

  /** Writes rows [begin, end), of which `part` gives any. */
  write(begin: number, end: number, part: (begin: number, end: number) => ArrayOf[D]): void {
    const { blocks, engine, split, width } = this;
    const middle = Math.min(Math.max(begin, split), end);
    if (begin < middle) engine.write(blocks[0], part(begin, middle), begin * width);
    if (middle < end) engine.write(blocks[1], part(middle, end), (middle - split) * width);
  }

  [Symbol.dispose](): void {
    for (const block of this.blocks) block[Symbol.dispose]();
  }
}
