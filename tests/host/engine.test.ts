/** What every engine promises about memory, order and closing; kernels have their own contract. */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type Block, emptyArray, rangeOf } from '../../src/host/block.ts';
import type { Engine } from '../../src/host/engine.ts';
import { Recording } from '../../src/host/recording.ts';
import { type ArrayOf, BYTES, type Dtype, type TypedArray } from '../../src/kernels/kernel.ts';
import { sq8Scan } from '../../src/kernels/sq8-scan.ts';
import { seed } from '../contract/data.ts';
import { enginesHere } from '../contract/engines.ts';
import { expectSameBits } from '../contract/kernel.ts';
import { gather, gathered, gatherOnce, openGather, ROWS } from './gather.ts';

const dtypes = Object.keys(BYTES) as Dtype[];

/** 1, 2, 3 … of the dtype, wrapping where it is narrow. */
function counted<D extends Dtype>(dtype: D, length: number, first = 1): ArrayOf[D] {
  return emptyArray(dtype, length).map((_: number, i: number) => first + i) as ArrayOf[D];
}

async function contents<D extends Dtype>(engine: Engine, block: Block<D>): Promise<ArrayOf[D]> {
  const [array] = await engine.read([rangeOf(block)] as const);
  return (array as TypedArray).slice() as ArrayOf[D];
}

/** A dispatch that keeps threads and devices busy for some milliseconds. */
async function longRun(engine: Engine, dispatches: number): Promise<Recording> {
  const shape = { nq: 16, words: 16, weight: 1, step: 1, skip: 0, first: 0, blocks: 64 };
  const rows = shape.blocks * 64;
  const blocks = {
    queries: await engine.alloc('i8', shape.nq * shape.words * 4, 'queries'),
    codes: await engine.alloc('i8', rows * shape.words * 4, 'codes'),
    rowTerms: await engine.alloc('i32', rows, 'row terms'),
    mask: await engine.alloc('u32', rows / 32, 'mask'),
    keys: await engine.alloc('i32', shape.nq * rows, 'keys'),
  };
  const recording = new Recording();
  for (let i = 0; i < dispatches; i++) recording.dispatch(sq8Scan, blocks, shape);
  return recording;
}

const closed = expect.objectContaining({ name: 'IsodexError', code: 'closed' });

describe.each(await enginesHere())('$name', ({ name, open }) => {
  const opened = open();
  afterAll(async () => (await opened).close());

  it('gives zeroed memory of every dtype, any length', async () => {
    const engine = await opened;
    for (const dtype of dtypes) {
      for (const length of [0, 1, 3, 5, 64, 1001]) {
        using block = await engine.alloc(dtype, length, 'zeroed');
        expect(block).toMatchObject({ dtype, length, label: 'zeroed' });
        expectSameBits(await contents(engine, block), emptyArray(dtype, length), dtype);
      }
    }
  });

  it('zeroes memory that was used before', async () => {
    const engine = await opened;
    for (const length of [1000, 300_001]) {
      const first = await engine.alloc('i32', length, 'used');
      engine.write(first, counted('i32', length));
      first[Symbol.dispose]();
      first[Symbol.dispose](); // harmless
      using second = await engine.alloc('i32', length, 'again');
      using third = await engine.alloc('i32', length, 'beside it');
      engine.write(second, counted('i32', length));
      expectSameBits(await contents(engine, third), new Int32Array(length), 'the block beside a written one');
    }
  });

  it('reads back what was written, whole and in part', async () => {
    const engine = await opened;
    for (const dtype of dtypes) {
      const whole = counted(dtype, 256);
      using block = await engine.alloc(dtype, 256, 'data');
      engine.write(block, whole);
      expectSameBits(await contents(engine, block), whole, dtype);
      engine.write(block, counted(dtype, 8, 70), 100);
      (whole as TypedArray).set(counted(dtype, 8, 70), 100);
      engine.write(block, whole.subarray(0, 0) as typeof whole, 256); // nothing, at the end
      const ranges = [rangeOf(block, 96, 111), rangeOf(block, 0, 0), rangeOf(block, 255), rangeOf(block, 0, 3)] as const;
      const parts = await engine.read(ranges);
      for (const [i, { begin, end }] of ranges.entries())
        expectSameBits(parts[i]!, whole.subarray(begin, end), `${dtype} ${begin}..${end}`);
    }
  });

  it('writes what a subarray shows, not what lies around it', async () => {
    const engine = await opened;
    using block = await engine.alloc('f32', 4, 'data');
    engine.write(block, Float32Array.of(9, 9, 1, 2, 3, 4, 9).subarray(2, 6));
    expectSameBits(await contents(engine, block), Float32Array.of(1, 2, 3, 4), 'block');
  });

  it('reads any range of bytes', async () => {
    const engine = await opened;
    const bytes = counted('i8', 41, -20);
    using block = await engine.alloc('i8', 41, 'bytes');
    engine.write(block, Int8Array.of(...bytes, 0, 0, 0).subarray(0, 40));
    bytes[40] = 0;
    const ranges = Array.from({ length: 41 }, (_, i) => rangeOf(block, i, Math.min(41, i + (i % 7))));
    const parts = await engine.read(ranges);
    for (const [i, { begin, end }] of ranges.entries()) expectSameBits(parts[i]!, bytes.subarray(begin, end), `bytes ${begin}..${end}`);
  });

  it(`writes any range of whole words (seed ${seed})`, async () => {
    const engine = await opened;
    const length = 40;
    const writes = fc.array(
      fc.record({ at: fc.nat(length / 4 - 1), count: fc.integer({ min: 1, max: 9 }), value: fc.integer({ min: -128, max: 127 }) }),
      { maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(writes, async (list) => {
        using block = await engine.alloc('i8', length, 'bytes');
        const model = new Int8Array(length);
        for (const { at, count, value } of list) {
          const data = new Int8Array(Math.min(4 * count, length - 4 * at)).fill(value);
          engine.write(block, data, 4 * at);
          model.set(data, 4 * at);
        }
        expectSameBits(await contents(engine, block), model, 'bytes');
      }),
      { seed, numRuns: 20 },
    );
  });

  it('refuses writes of broken words and past the end', async () => {
    const engine = await opened;
    using block = await engine.alloc('i8', 40, 'bytes');
    expect(() => engine.write(block, new Int8Array(4), 2)).toThrow('not whole words');
    expect(() => engine.write(block, new Int8Array(3), 0)).toThrow('not whole words');
    expect(() => engine.write(block, new Int8Array(8), 36)).toThrow("passes the block's 40");
  });

  it('answers several reads in flight, of several ranges each', async () => {
    const engine = await opened;
    const blocks = await Promise.all([1, 2, 3].map((i) => engine.alloc('u32', 5000 * i, `block ${i}`)));
    for (const [i, block] of blocks.entries()) engine.write(block, counted('u32', block.length, 1000 * i));
    const answers = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        const [a, b] = await engine.read([rangeOf(blocks[i % 3]!, i, i + 3), rangeOf(blocks[(i + 1) % 3]!, 4000)]);
        return [a!.slice(), b!.slice()];
      }),
    );
    for (const [i, [a, b]] of answers.entries()) {
      expectSameBits(a!, counted('u32', 3, 1000 * (i % 3) + i), `read ${i}`);
      expectSameBits(b!, counted('u32', 5000 * (((i + 1) % 3) + 1) - 4000, 1000 * ((i + 1) % 3) + 4000), `read ${i}, second range`);
    }
    expect(await engine.read([])).toEqual([]);
  });

  it('runs 100 dispatches in order, each with its own params', async () => {
    const engine = await opened;
    const inputs = await openGather(engine);
    const [a, b] = [await engine.alloc('i32', ROWS, 'a'), await engine.alloc('i32', ROWS, 'b')];
    const start = counted('i32', ROWS, 7);
    engine.write(a, start);
    const recording = new Recording();
    for (let i = 1; i <= 100; i++) gather(recording, inputs, i % 2 ? a : b, i % 2 ? b : a, i * i);
    await engine.run(recording); // each reads what the one before wrote
    const sum = Array.from({ length: 100 }, (_, i) => (i + 1) ** 2).reduce((x, y) => x + y);
    expectSameBits(
      await contents(engine, a),
      start.map((x) => x - 4 * sum),
      'after 100 dispatches',
    );

    const outputs = await Promise.all(Array.from({ length: 100 }, (_, i) => engine.alloc('i32', ROWS, `keys ${i}`)));
    engine.write(a, new Int32Array(ROWS));
    const wide = new Recording();
    for (const [i, block] of outputs.entries()) gather(wide, inputs, a, block, 3 * i + 1);
    await engine.run(wide); // none depends on another
    for (const [i, keys] of (await engine.read(outputs.map((block) => rangeOf(block)))).entries())
      expectSameBits(keys, gathered(3 * i + 1), `keys ${i}`);
    await engine.run(new Recording()); // nothing at all
  });

  it('keeps writes, runs and reads in order', async () => {
    const engine = await opened;
    const inputs = await openGather(engine);
    const [terms, keys] = [await engine.alloc('i32', ROWS, 'terms'), await engine.alloc('i32', ROWS, 'keys')];
    for (let i = 0; i < 5; i++) {
      engine.write(terms, new Int32Array(ROWS).fill(1000 * i));
      await engine.run(gather(new Recording(), inputs, terms, keys, i));
      expect([...(await contents(engine, keys))]).toEqual(Array(ROWS).fill(1000 * i - 4 * i));
    }
  });

  it('takes several runs at once', async () => {
    const engine = await opened;
    const long = await longRun(engine, 2);
    const answers = await Promise.all([
      gatherOnce(engine, 5),
      engine.run(long),
      gatherOnce(engine, 6),
      engine.run(long),
      gatherOnce(engine, 7),
    ]);
    for (const [i, weight] of [5, 6, 7].entries()) expectSameBits(answers[2 * i] as Int32Array, gathered(weight), `weight ${weight}`);
  });

  it('takes data that lies in shared memory', async () => {
    const engine = await opened;
    const shared = new Int32Array(new SharedArrayBuffer(64), 16, 5);
    shared.set([5, 4, 3, 2, 1]);
    using block = await engine.alloc('i32', 5, 'data');
    engine.write(block, shared);
    expect([...(await contents(engine, block))]).toEqual([5, 4, 3, 2, 1]);
  });

  it('rejects an allocation beyond all bounds with out-of-memory, and goes on', async () => {
    const engine = await opened;
    await expect(engine.alloc('f64', 2 ** 45, 'too much')).rejects.toMatchObject({ code: 'out-of-memory' });
    expectSameBits(await gatherOnce(engine, 2), gathered(2), 'afterwards');
  });

  it('names itself, its host and its limits', async () => {
    const engine = await opened;
    expect(await engine.pick({ terms: 1e12, waits: 1, uploadBytes: 0 })).toBe(engine);
    expect(engine.info.kind).toBe(engine.kind);
    expect(engine.info.description).not.toBe('');
    expect(engine.info.notes).toEqual([]);
    expect(engine.maxBlockBytes).toBeGreaterThanOrEqual(2 ** 27);
    expect(engine.host.host).toBe(engine.host);
    expect(engine.host === engine).toBe(name !== 'gpu');
    using block = await engine.host.alloc('f32', 3, 'on the host');
    engine.host.write(block, Float32Array.of(1, 2, 3));
    expect([...engine.host.view(block)]).toEqual([1, 2, 3]);
  });

  it('rejects calls with the code closed once it is closed', async () => {
    const engine = await open();
    const inputs = await openGather(engine);
    const [terms, keys] = [await engine.alloc('i32', ROWS, 'terms'), await engine.alloc('i32', ROWS, 'keys')];
    engine.close();
    engine.close(); // harmless
    await expect(engine.alloc('f32', 1, 'late')).rejects.toEqual(closed);
    await expect(engine.run(gather(new Recording(), inputs, terms, keys, 1))).rejects.toEqual(closed);
    terms[Symbol.dispose](); // harmless
  });

  it('rejects reads with the code closed once it is closed', async () => {
    const engine = await open();
    const block = await engine.alloc('f32', 4, 'data');
    engine.close();
    await expect(engine.read([rangeOf(block)])).rejects.toEqual(closed);
  });

  it('rejects a run that closing interrupts', async () => {
    const engine = await open();
    const run = engine.run(await longRun(engine, 20));
    engine.close();
    await expect(run).rejects.toEqual(closed);
    const later = await open();
    const pending = later.run(await longRun(later, 100)).then(
      () => undefined,
      (error) => error,
    );
    await new Promise((resolve) => setTimeout(resolve, 3));
    later.close();
    expect([undefined, closed]).toContainEqual(await pending); // a GPU may have taken all 100 by then
  });
});
