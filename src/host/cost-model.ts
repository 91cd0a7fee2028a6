import { sq8Filter } from '../kernels/sq8-filter.ts';
import { rangeOf } from './block.ts';
import type { EngineCosts } from './costs.ts';
import type { Engine, Work } from './engine.ts';
import { Recording } from './recording.ts';

/** Keeps measured costs, of any kind, between processes, where the platform has a place for them. */
export interface CostCache {
  load(key: string): Promise<Costs | undefined>;
  save(key: string, costs: Costs): Promise<void>;
}

type Costs = Readonly<Record<string, number>>;

export function estimateMs(costs: EngineCosts, { terms, waits, uploadBytes }: Work): number {
  return terms / costs.termsPerMs + waits * costs.waitMs + uploadBytes / costs.uploadPerMs;
}

/** Measures an engine with a small scan, twice; the better run counts. Takes some milliseconds, on slow drivers 100. */
export async function measureCosts(engine: Engine): Promise<EngineCosts> {
  const words = 32;
  const rows = 4096;
  const nq = 16;
  const bytes = rows * words * 4;
  using queries = await engine.alloc('i8', nq * words * 4, 'cost: queries');
  using codes = await engine.alloc('i8', bytes, 'cost: codes');
  using rowTerms = await engine.alloc('i32', rows, 'cost: row terms');
  using slacks = await engine.alloc('u32', rows, 'cost: slacks');
  using mask = await engine.alloc('u32', rows / 32, 'cost: mask');
  using bounds = await engine.alloc('u32', nq * 4, 'cost: bounds');
  using pairs = await engine.alloc('u32', 2, 'cost: pairs');
  using count = await engine.alloc('u32', 1, 'cost: count');
  const blocks = { queries, codes, rowTerms, slacks, mask, bounds, pairs, count };
  const scan = async (blocksScanned: number) => {
    const params = { nq, words, form: 0, step: 1, skip: 0, first: 0, blocks: blocksScanned, capacity: 0 };
    return timed(async () => {
      await engine.run(new Recording().dispatch(sq8Filter, blocks, params));
      await engine.read([rangeOf(count)]);
    });
  };
  const bytesToSend = new Int8Array(bytes);
  const upload = await timed(async () => {
    engine.write(codes, bytesToSend);
    await engine.read([rangeOf(count)]);
  });
  await scan(1); // compiles
  const short = Math.min(await scan(1), await scan(1));
  const long = Math.min(await scan(rows / 64), await scan(rows / 64));
  return {
    termsPerMs: (nq * bytes) / Math.max(0.01, long - short),
    waitMs: short,
    uploadPerMs: engine.host === engine ? Number.MAX_VALUE : bytes / Math.max(0.01, upload - short),
  };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
