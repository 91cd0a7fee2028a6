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
}

/** A list of dispatches on blocks. Planning one touches no device; an engine runs it. */
export class Recording {
  readonly dispatches: Dispatch[] = [];

  dispatch<const B extends Bindings, const P extends string>(kernel: Kernel<B, P>, blocks: BlocksOf<B>, params: ParamsOf<P>): this {
    const bound = Object.entries(kernel.bindings).map(([name, binding]) => {
      const block = blocks[name] as Block<Dtype>;
      if (block.dtype !== binding.dtype) throw new Error(`${kernel.name}: ${name} is ${block.dtype}, not ${binding.dtype}`);
      return block;
    });
    this.dispatches.push({
      kernel: kernel as unknown as Kernel,
      blocks: bound,
      params: kernel.params.map((name) => params[name] >>> 0),
    });
    return this;
  }
}

/** The dispatch's parameters by name, as its kernel's functions take them. */
export function paramsOf({ kernel, params }: Dispatch): Record<string, number> {
  return Object.fromEntries(kernel.params.map((name, i) => [name, params[i]!]));
}
