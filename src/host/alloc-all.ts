import type { Dtype } from '../kernels/kernel.ts';
import type { Block } from './block.ts';
import type { Engine } from './engine.ts';

type Wanted = readonly [dtype: Dtype, length: number, label: string];

/** Several blocks, or none: where one cannot be had, the others are given back. */
export async function allocAll<const W extends readonly Wanted[]>(
  engine: Engine,
  wanted: W,
): Promise<{ -readonly [I in keyof W]: Block<W[I][0]> }> {
  const made: Block[] = [];
  try {
    for (const one of wanted) made.push(await engine.alloc(one[0], one[1], one[2]));
  } catch (error) {
    disposeAll(made);
    throw error;
  }
  return made as { -readonly [I in keyof W]: Block<W[I][0]> };
}

/** Gives back what `allocAll` gave: in code that single queries run, in the place of a `using` for each, which costs more than it does. */
export function disposeAll(blocks: readonly Block[]): void {
  for (let i = 0; i < blocks.length; i++) blocks[i]![Symbol.dispose]();
}
