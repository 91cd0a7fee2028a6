import type { Bindings, Dtype, Kernel, ParamsOf } from '../kernels/kernel.ts';
import type { Block } from './block.ts';

/** One block for each binding of a kernel. */
export type BlocksOf<B extends Bindings> = { readonly [K in keyof B]: Block<B[K]['dtype']> };

export interface Dispatch {
  readonly kernel: Kernel;
  /** In the order of the kernel's bindings. */
  readonly blocks: readonly Block[];
  /** In the order of the kernel's params, as u32. */
  readonly params: readonly number[];
  /** The same by name, as the kernel's functions take them. */
  readonly named: Readonly<Record<string, number>>;
}

/** A list of dispatches on blocks. Planning one touches no device; an engine runs it. Single queries make several, so this is lean. */
export class Recording {
  readonly dispatches: Dispatch[] = [];

  dispatch<const B extends Bindings, const P extends string>(kernel: Kernel<B, P>, blocks: BlocksOf<B>, params: ParamsOf<P>): this {
    const bound: Block[] = [];
    for (const name in kernel.bindings) {
      const block = blocks[name] as Block<Dtype>;
      const { dtype } = kernel.bindings[name]!;
      if (block.dtype !== dtype) throw new Error(`${kernel.name}: ${name} is ${block.dtype}, not ${dtype}`);
      bound.push(block);
    }
    const values = new Array<number>(kernel.params.length);
    let areWords = true;
    for (let i = 0; i < values.length; i++) {
      const given = params[kernel.params[i]!];
      values[i] = given >>> 0;
      areWords &&= values[i] === given;
    }
    const named = areWords ? params : asWords(params, kernel.params);
    this.dispatches.push({ kernel: kernel as unknown as Kernel, blocks: bound, params: values, named });
    return this;
  }
}

/** The params as u32: signed ones and bits of floats come as other numbers. */
function asWords<P extends string>(params: ParamsOf<P>, names: readonly P[]): ParamsOf<P> {
  return Object.fromEntries(names.map((name) => [name, params[name] >>> 0])) as ParamsOf<P>;
}
