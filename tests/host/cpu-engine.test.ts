import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import { canonicalDistances } from '../../src/kernels/canonical-distances.ts';
import type { ArrayOf, Bindings, Kernel } from '../../src/kernels/kernel.ts';
import { sq8Filter } from '../../src/kernels/sq8-filter.ts';
import { sq8Scan } from '../../src/kernels/sq8-scan.ts';
import { makeVectors, randomFrom } from '../contract/data.ts';
import { expectSameBits, runKernel } from '../contract/kernel.ts';
import { gathered, gatherOnce } from './gather.ts';

const random = randomFrom(3);
const bytes = (length: number, low: number, high: number) => Int8Array.from({ length }, () => random.int(low, high));

/** More than 2^21 terms each, so that threads take part. */
const shape = { nq: 7, words: 24, step: 1, skip: 0, first: 0, blocks: 101 };
const rows = shape.blocks * 64;
const scanned = {
  queries: bytes(8 * shape.words * 4, 0, 127),
  codes: bytes(rows * shape.words * 4, -128, 127),
  rowTerms: Int32Array.from({ length: rows }, () => random.int(0, 2 ** 20)),
  mask: Uint32Array.from({ length: rows / 32 }, () => random.int(0, 2 ** 32 - 1)),
};
const scan = { name: 'scan', params: { ...shape, weight: 4 }, arrays: { ...scanned, keys: new Int32Array(shape.nq * rows) } };
const filter = {
  name: 'filter',
  params: { ...shape, form: 1, capacity: shape.nq * rows },
  arrays: {
    ...scanned,
    slacks: Uint32Array.from({ length: rows }, () => random.int(0, 40)),
    bounds: Uint32Array.from({ length: 32 }, (_, i) => [-500_000, 300, 0, 0][i % 4]! >>> 0),
    pairs: new Uint32Array(2 * shape.nq * rows),
    count: new Uint32Array(1),
  },
};
const pairCount = 9001;
const distances = {
  name: 'distances',
  params: { n: pairCount, width: 256, metric: 0 },
  arrays: {
    queries: makeVectors('normal', 9, 256),
    rows: makeVectors('mixed', 60, 256, 1),
    pairs: Uint32Array.from({ length: 2 * pairCount }, (_, i) => random.int(0, i % 2 ? 59 : 8)),
    distances: new Float32Array(pairCount),
  },
};

async function resultsOf(engine: CpuEngine) {
  const outputs = async <B extends Bindings, P extends string>(
    kernel: Kernel<B, P>,
    one: { name: string; params: Record<P, number>; arrays: { [K in keyof B]: ArrayOf[B[K]['dtype']] } },
  ) => runKernel(engine, kernel, one);
  const { keys } = await outputs(sq8Scan, scan);
  const { distances: found } = await outputs(canonicalDistances, distances);
  const { pairs, count } = await outputs(sq8Filter, filter);
  const kept = Array.from({ length: count![0]! }, (_, i) => pairs![2 * i]! * 2 ** 24 + pairs![2 * i + 1]!);
  return { keys: keys!, distances: found!, kept: Float64Array.from(kept).sort() };
}

describe('threads', () => {
  it('never show in a result', async () => {
    using one = await CpuEngine.open({ threads: 1 });
    const expected = await resultsOf(one);
    expect(expected.kept.length).toBeGreaterThan(1000);
    for (const options of [{ threads: 2 }, { threads: 5 }, { threads: 5, relaxedSimd: false }]) {
      using engine = await CpuEngine.open(options);
      expect(engine.info.threads).toBe(options.threads);
      for (let repeat = 0; repeat < 3; repeat++) {
        const actual = await resultsOf(engine);
        for (const output of ['keys', 'distances', 'kept'] as const)
          expectSameBits(actual[output], expected[output], `${output}, ${JSON.stringify(options)}`);
      }
    }
  });

  it('give back all memory when blocks are disposed', async () => {
    using engine = await CpuEngine.open({ threads: 2 });
    await resultsOf(engine);
    const used = engine.usedBytes; // the counters of jobs stay
    await resultsOf(engine);
    expect(engine.usedBytes).toBe(used);
  });

  it('are described', async () => {
    using engine = await CpuEngine.open({ threads: 2, relaxedSimd: false });
    expect(engine.info).toMatchObject({
      kind: 'cpu',
      description: 'WebAssembly SIMD, 2 threads',
      features: ['simd128', 'shared-memory'],
      notes: [],
    });
    using single = await CpuEngine.open({ threads: 1, relaxedSimd: false });
    expect(single.info).toMatchObject({ description: 'WebAssembly SIMD, 1 thread', threads: 1, features: ['simd128'] });
    using standard = await CpuEngine.open();
    expect(standard.info.threads).toBe(process.getBuiltinModule('node:os').availableParallelism());
  });
});

describe('without working threads', () => {
  afterEach(() => vi.restoreAllMocks());

  /** Puts another Worker in the place of Node's. */
  function replaceWorker(replacement: unknown): void {
    const original = process.getBuiltinModule.bind(process) as (id: string) => object;
    const replaced = (id: string) => (id === 'node:worker_threads' ? { ...original(id), Worker: replacement } : original(id));
    vi.spyOn(process, 'getBuiltinModule').mockImplementation(replaced as never);
  }

  async function expectFallback(): Promise<void> {
    using engine = await CpuEngine.open({ threads: 3 });
    expect(engine.info.threads).toBe(1);
    expect(engine.info.notes).toEqual([expect.stringMatching(/^one thread: /)]);
    expectSameBits(await gatherOnce(engine, 3), gathered(3), 'keys');
    const { keys } = await runKernel(engine, sq8Scan, scan);
    expect(keys).toHaveLength(shape.nq * rows);
  }

  it('falls back to the calling thread when workers cannot be made', async () => {
    replaceWorker(function forbidden() {
      throw new Error('no workers here');
    });
    await expectFallback();
  });

  it('falls back when workers fail as they start', async () => {
    replaceWorker(
      class extends Worker {
        constructor() {
          super('throw new Error("broken")', { eval: true });
        }
      },
    );
    await expectFallback();
  });

  it('ends the workers that did start when another one fails', async () => {
    const exits: Promise<unknown>[] = [];
    let made = 0;
    replaceWorker(
      class extends Worker {
        constructor(source: string, options: object) {
          const broken = made++ === 2;
          super(broken ? 'setTimeout(() => { throw new Error("broken"); }, 50)' : source, options);
          if (!broken) exits.push(new Promise((resolve) => this.once('exit', resolve)));
        }
      },
    );
    await expectFallback();
    const late = new Promise((resolve) => setTimeout(resolve, 2000, 'still running'));
    expect(exits).toHaveLength(2);
    expect(await Promise.race([Promise.all(exits), late])).not.toBe('still running');
  });
});
