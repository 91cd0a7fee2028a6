/** Built and run as a process of its own by exit.test.ts: opens an engine, uses it, and returns without closing it. */
import { rangeOf } from '../../src/host/block.ts';
import { nodeGpu } from '../../src/host/gpu/dawn.ts';
import { type EngineOptions, openEngineOn } from '../../src/host/open.ts';
import { Recording } from '../../src/host/recording.ts';
import { sq8Scan } from '../../src/kernels/sq8-scan.ts';

const [, , prefer, threads, ending] = process.argv;
const engine = await openEngineOn({ gpu: nodeGpu }, { prefer, threads: Number(threads) } as EngineOptions);
const shape = { nq: 16, words: 16, weight: 1, step: 1, skip: 0, first: 0, blocks: 64 }; // enough for threads to take part
const blocks = {
  queries: await engine.alloc('i8', 16 * 64, 'queries'),
  codes: await engine.alloc('i8', 4096 * 64, 'codes'),
  rowTerms: await engine.alloc('i32', 4096, 'row terms'),
  mask: await engine.alloc('u32', 128, 'mask'),
  keys: await engine.alloc('i32', 16 * 4096, 'keys'),
};
const run = engine.run(new Recording().dispatch(sq8Scan, blocks, shape));
if (ending !== 'unawaited') {
  await run;
  const [keys] = await engine.read([rangeOf(blocks.keys)] as const);
  console.log(`${engine.kind}, ${engine.info.threads}, ${keys.every((key) => key === 0x7fffffff)}`); // no row is live
}
if (ending === 'closed') engine.close();
