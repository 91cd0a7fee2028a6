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
    for (const [dtype, length, label] of wanted) made.push(await engine.alloc(dtype, length, label));
  } catch (error) {
    for (const block of made) block[Symbol.dispose]();
    throw error;
  }
  return made as { -readonly [I in keyof W]: Block<W[I][0]> };
}
