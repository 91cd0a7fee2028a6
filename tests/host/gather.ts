/** One small kernel call with an answer that can be worked out by hand: keys = rowTerms − weight · 4, for every row. */
import { type Block, rangeOf } from '../../src/host/block.ts';
import type { Engine } from '../../src/host/engine.ts';
import { Recording } from '../../src/host/recording.ts';
import { sq8Gather } from '../../src/kernels/sq8-gather.ts';

export const ROWS = 5;

export interface Gather {
  readonly queries: Block<'i8'>;
  readonly codes: Block<'i8'>;
  readonly pairs: Block<'u32'>;
  readonly count: Block<'u32'>;
}

/** Codes of ones, and the pairs (0, 0), (0, 1) …: each dot product is 4. */
export async function openGather(engine: Engine): Promise<Gather> {
  const queries = await engine.alloc('i8', 4, 'queries');
  const codes = await engine.alloc('i8', 4 * ROWS, 'codes');
  const pairs = await engine.alloc('u32', 2 * ROWS, 'pairs');
  const count = await engine.alloc('u32', 1, 'count');
  engine.write(queries, new Int8Array(4).fill(1));
  engine.write(codes, new Int8Array(4 * ROWS).fill(1));
  engine.write(
    pairs,
    Uint32Array.from({ length: 2 * ROWS }, (_, i) => (i % 2 ? i >> 1 : 0)),
  );
  engine.write(count, Uint32Array.of(ROWS));
  return { queries, codes, pairs, count };
}

export function gather(recording: Recording, inputs: Gather, rowTerms: Block<'i32'>, keys: Block<'i32'>, weight: number): Recording {
  return recording.dispatch(sq8Gather, { ...inputs, rowTerms, keys }, { words: 1, weight, capacity: ROWS });
}

/** Runs the call once on fresh blocks and returns keys, which should be −4 · weight. */
export async function gatherOnce(engine: Engine, weight: number): Promise<Int32Array> {
  const inputs = await openGather(engine);
  const rowTerms = await engine.alloc('i32', ROWS, 'row terms');
  const keys = await engine.alloc('i32', ROWS, 'keys');
  await engine.run(gather(new Recording(), inputs, rowTerms, keys, weight));
  return (await engine.read([rangeOf(keys)]))[0].slice();
}

export const gathered = (weight: number) => new Int32Array(ROWS).fill(-4 * weight);
