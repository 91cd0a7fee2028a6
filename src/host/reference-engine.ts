import type { ArrayOf, Dtype, TypedArray, Views } from '../kernels/kernel.ts';
import { IsodexError } from '../util/errors.ts';
import { nextTurn } from '../util/tasks.ts';
import { type Block, type BlockRange, checkWrite, emptyArray } from './block.ts';
import type { Engine, EngineInfo, HostEngine } from './engine.ts';
import type { Dispatch, Recording } from './recording.ts';

interface ReferenceBlock<D extends Dtype = Dtype> extends Block<D> {
  array: ArrayOf[D];
}

/** Runs every kernel's plain-TypeScript twin: slow, short, and what the others are compared with. */
export class ReferenceEngine implements HostEngine {
  readonly kind = 'reference';
  readonly host: HostEngine = this;
  readonly maxBlockBytes = 2 ** 30;
  readonly info: EngineInfo = { kind: 'reference', description: 'plain TypeScript, one thread', threads: 1, features: [], notes: [] };
  private closed = false;

  async alloc<D extends Dtype>(dtype: D, length: number, label: string): Promise<Block<D>> {
    this.checkOpen();
    const block: ReferenceBlock<D> = {
      dtype,
      length,
      label,
      array: this.emptyArray(dtype, length, label),
      [Symbol.dispose]() {
        block.array = emptyArray(dtype, 0);
      },
    };
    return block;
  }

  view<D extends Dtype>(block: Block<D>): ArrayOf[D] {
    return (block as ReferenceBlock<D>).array;
  }

  write<D extends Dtype>(block: Block<D>, data: ArrayOf[D], offset = 0): void {
    this.checkOpen();
    checkWrite(block, data, offset);
    (this.view(block) as TypedArray).set(data, offset);
  }

  async run({ dispatches }: Recording): Promise<void> {
    for (const dispatch of dispatches) {
      this.runTwin(dispatch);
      await nextTurn();
    }
  }

  runNow({ dispatches }: Recording): void {
    for (const dispatch of dispatches) this.runTwin(dispatch);
  }

  private runTwin({ kernel, blocks, named }: Dispatch): void {
    this.checkOpen();
    const views = Object.fromEntries(Object.keys(kernel.bindings).map((name, i) => [name, this.view(blocks[i]!)]));
    kernel.twin(views as Views<typeof kernel.bindings>, named);
  }

  async read<const R extends readonly BlockRange[]>(ranges: R) {
    this.checkOpen();
    return ranges.map(({ block, begin, end }) => this.view(block).slice(begin, end)) as unknown as {
      [I in keyof R]: R[I] extends BlockRange<infer D> ? ArrayOf[D] : never;
    };
  }

  async pick(): Promise<Engine> {
    return this;
  }

  close(): void {
    this.closed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private emptyArray<D extends Dtype>(dtype: D, length: number, label: string): ArrayOf[D] {
    try {
      return emptyArray(dtype, length);
    } catch (cause) {
      throw new IsodexError('out-of-memory', `there is no memory for ${length} values of ${label}`, { cause });
    }
  }

  private checkOpen(): void {
    if (this.closed) throw new IsodexError('closed', 'the engine was closed; open another one with openEngine()');
  }
}
