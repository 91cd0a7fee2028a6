/** Copies of a graph's rows on devices: sent once, shared, given up; and no block is left behind on any path. */
import { describe, expect, it } from 'vitest';
import type { Block } from '../../src/host/block.ts';
import type { HostEngine } from '../../src/host/engine.ts';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';
import { DeviceCodes } from '../../src/index/graph-device.ts';
import { LockstepWalker } from '../../src/index/graph-lockstep.ts';
import { StepPace } from '../../src/index/step-pace.ts';
import { FORMS } from '../../src/kernels/graph.ts';
import { IsodexError } from '../../src/util/errors.ts';
import type { SearchShape } from '../kernels/search-cases.ts';
import { expectSameAnswer, hostAnswer, readFound, walkOn } from './graph-fixture.ts';
import { failsWith, gate, type Hooks, hooked } from './helpers.ts';

const shape: SearchShape = {
  ...{ nq: 6, n: 150, stride: 32, form: FORMS.sq8L2, degree: 8, shape: 'ring', kind: 'ordinary' },
  ...{ filter: 'half', top: 2, level: 0, ef: 8 },
};

/** An engine that tells which of its blocks are in use, and what is written to the rows of devices. */
function watched(hooks: Hooks = {}) {
  const live = new Set<Block>();
  const sent: number[] = [];
  const engine = new ReferenceEngine();
  const { alloc, write } = engine;
  Object.assign(engine, {
    alloc: async (...args: Parameters<HostEngine['alloc']>) => {
      const block = await alloc.apply(engine, args);
      const dispose = block[Symbol.dispose];
      live.add(block);
      return Object.assign(block, {
        [Symbol.dispose]() {
          live.delete(block);
          dispose.call(block);
        },
      });
    },
    write: (...args: Parameters<HostEngine['write']>) => {
      if (args[0].label === 'graph: codes on the device') sent.push(args[1].length / shape.stride);
      write.apply(engine, args);
    },
  });
  return { engine: hooked(engine, hooks), live, sent };
}

describe('rows on a device', () => {
  it('are sent once, the new ones when there are some, and shared by calls', async () => {
    const { engine, sent } = watched();
    using walked = await walkOn(engine, shape, 1);
    const codes = new DeviceCodes(64);
    const older = { ...walked.graph, count: 100 };
    expect(codes.missing({ ...engine, host: new ReferenceEngine() }, older)).toBe(100 * 32);
    const [first, second] = await Promise.all([codes.acquire(engine, older), codes.acquire(engine, older)]);
    expect(second).toBe(first);
    expect(sent).toEqual([64, 36]);
    expect(codes.bytes).toBe(2 * 64 * 36);
    const grown = await codes.acquire(engine, walked.graph);
    expect(grown).toBe(first);
    expect(sent).toEqual([64, 36, 28, 22]);
    await codes.acquire(engine, older);
    expect(sent.length).toBe(4);
    codes.close();
  });

  it('that a failed add left are sent again', async () => {
    const { engine, sent } = watched();
    using walked = await walkOn(engine, shape, 2);
    const codes = new DeviceCodes(64);
    (await codes.acquire(engine, walked.graph)).release();
    codes.truncate(90);
    engine.view(walked.graph.codes).fill(1, 90 * 32); // what the next add writes
    const walker = new LockstepWalker(engine, codes);
    const found = readFound(engine, await walker.walk(walked.graph, walked.walk));
    expectSameAnswer(found, await hostAnswer(engine, walked));
    expect(sent).toEqual([64, 64, 22, 38, 22]);
    codes.close();
  });

  it('of another plan are others', async () => {
    const { engine, live } = watched();
    using walked = await walkOn(engine, shape, 3);
    const codes = new DeviceCodes();
    const first = await codes.acquire(engine, walked.graph);
    const other = await codes.acquire(engine, { ...walked.graph, plan: { ...walked.graph.plan } });
    expect(other).not.toBe(first);
    const before = live.size;
    first.release();
    expect(live.size, 'the old ones were held by their caller alone').toBe(before - 2);
    other.release();
    codes.close();
  });

  it('stay until the last call lets go, and closing ends them', async () => {
    const { engine, live } = watched();
    using walked = await walkOn(engine, shape, 4);
    const own = live.size;
    const codes = new DeviceCodes();
    const rows = await codes.acquire(engine, walked.graph);
    codes.close();
    expect(live.size).toBe(own + 2);
    rows.release();
    expect(live.size).toBe(own);
    await expect(codes.acquire(engine, walked.graph)).rejects.toEqual(failsWith('closed'));
  });

  it('go into smaller chunks where memory is short, down to a size', async () => {
    const rows = 70_000;
    let most = 20_000;
    const { engine, live } = watched();
    const { alloc } = engine;
    const short = Object.assign(Object.create(engine), {
      alloc: async (dtype: 'i8', length: number, label: string) => {
        if (length > most * 16) throw new IsodexError('out-of-memory', 'no room');
        return alloc(dtype, length, label);
      },
    });
    using view = await alloc('i8', rows * 16, 'codes');
    const plan = { dim: 12, metric: 'l2', form: FORMS.sq8L2, stride: 16, grid: undefined } as const;
    const graph = { plan, count: rows, codes: view } as never;
    const codes = new DeviceCodes();
    const held = await codes.acquire(short, graph);
    expect(held.chunks.map(({ capacity }) => capacity)).toEqual([17_500, 13_125, 19_687, 19_688]);
    held.release();
    codes.drop(short);
    most = 1000;
    await expect(codes.acquire(short, graph)).rejects.toEqual(failsWith('out-of-memory'));
    expect(live.size, 'the codes on the host').toBe(1);
  });
});

describe('a walk leaves no block behind', () => {
  const parts = ['alloc', 'write', 'run'] as const;

  it.each(parts)('where %s fails, at any time', async (part) => {
    let failAt = Number.POSITIVE_INFINITY;
    let calls = 0;
    const fail = () => {
      if (calls++ === failAt) throw new IsodexError('device-lost', 'gone');
    };
    const { engine, live } = watched({ [part]: fail });
    using walked = await walkOn(engine, shape, 5);
    const own = live.size;
    for (let at = 0, total = 1; at < total; at++) {
      [calls, failAt] = [0, Number.POSITIVE_INFINITY];
      const walk = () => new LockstepWalker(engine, codes, 2).walk(walked.graph, walked.walk);
      let codes = new DeviceCodes(40);
      (await walk())[Symbol.dispose]();
      total = calls;
      codes.close();
      codes = new DeviceCodes(40);
      [calls, failAt] = [0, at];
      await expect(walk(), `call ${at}`).rejects.toEqual(failsWith('device-lost'));
      codes.drop(engine);
      expect(live.size, `call ${at} of ${total}`).toBe(own);
    }
  });

  it('where it is aborted between steps', async () => {
    const control = new AbortController();
    let runs = 0;
    const { engine, live } = watched({ run: () => void (++runs === 5 && control.abort(new Error('enough'))) });
    using walked = await walkOn(engine, shape, 6);
    const own = live.size;
    const codes = new DeviceCodes();
    const walk = { ...walked.walk, signal: control.signal };
    await expect(new LockstepWalker(engine, codes).walk(walked.graph, walk)).rejects.toThrow('enough');
    expect(runs).toBeLessThan(8);
    codes.close();
    expect(live.size).toBe(own);
    await expect(new LockstepWalker(engine, new DeviceCodes()).walk(walked.graph, walk)).rejects.toThrow('enough');
  });

  it('where the index is closed meanwhile', async () => {
    const { opened, open } = gate();
    let runs = 0;
    const { engine, live } = watched({ run: () => (++runs === 3 ? opened : undefined) });
    using walked = await walkOn(engine, shape, 7);
    const own = live.size;
    const codes = new DeviceCodes();
    const walking = new LockstepWalker(engine, codes).walk(walked.graph, walked.walk);
    while (runs < 3) await new Promise(setImmediate);
    codes.close();
    open();
    expectSameAnswer(readFound(engine, await walking), await hostAnswer(engine, walked));
    expect(live.size).toBe(own);
  });
});

describe('the size of groups', () => {
  /** A pace that has seen steps of 1 to 40 queries with 30 pairs each. */
  function seen(ms: (pairs: number) => number): StepPace {
    const pace = new StepPace();
    for (let queries = 1; queries <= 40; queries++) pace.note(queries, 30 * queries, ms(30 * queries));
    return pace;
  }

  it('follows what steps cost', () => {
    expect(new StepPace().groupSize(5000, 1e6)).toBe(256);
    expect(seen((pairs) => 2 + pairs / 1000).groupSize(5000, 1e6)).toBeCloseTo((8 * 2 * 1000) / 30, -1);
    expect(seen((pairs) => pairs / 1000).groupSize(5000, 1e6)).toBe(32);
    expect(seen(() => 4).groupSize(5000, 1e6)).toBe(5000);
    expect(seen((pairs) => 9 - pairs / 1000).groupSize(5000, 1e6)).toBe(5000);
  });

  it('stays within memory, and does not cut few queries', () => {
    expect(new StepPace().groupSize(5000, 100)).toBe(100);
    expect(new StepPace().groupSize(5000, 1)).toBe(1);
    expect(new StepPace().groupSize(3, 1e6)).toBe(32);
  });
});
