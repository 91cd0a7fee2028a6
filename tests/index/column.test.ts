/** Columns against plain arrays, on every host engine. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Block } from '../../src/host/block.ts';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import type { HostEngine } from '../../src/host/engine.ts';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';
import { Column } from '../../src/index/column.ts';
import { seed } from '../contract/data.ts';
import { hooked } from './helpers.ts';

const ROW = 3;

const steps = fc.array(
  fc.record({
    rows: fc.oneof(fc.nat(4), fc.nat(60)),
    fate: fc.constantFrom('filled', 'filled', 'abandoned', 'out of memory'),
    letGo: fc.boolean(),
  }),
  { maxLength: 20 },
);

interface Step {
  readonly rows: number;
  readonly fate: string;
  readonly letGo: boolean;
}

function expectReserved(column: Column<'i32'>, reserved: boolean, wanted: number, before: number, exhausted: boolean): void {
  const fitted = wanted <= before && before > 0;
  expect(reserved).toBe(fitted || !exhausted);
  if (fitted || !reserved) expect(column.capacity).toBe(before);
  else expect(column.capacity).toBeGreaterThanOrEqual(wanted);
}

async function play(engine: HostEngine, list: readonly Step[]): Promise<void> {
  let exhausted = false;
  const host = hooked(engine, {
    alloc: () => {
      if (exhausted) throw new Error('no memory');
    },
  });
  using column = new Column(host, 'i32', ROW, 'a column');
  const model: number[] = [];
  /** What a search would still read: blocks with the rows that they had. */
  let readers: { block: Block<'i32'>; rows: readonly number[] }[] = [];
  const outgrown: Disposable[] = [];
  for (const [i, { rows, fate, letGo }] of list.entries()) {
    const wanted = model.length / ROW + rows;
    const before = column.capacity;
    exhausted = fate === 'out of memory';
    const reserved = await column.reserve(wanted).then(
      () => true,
      () => false,
    );
    expectReserved(column, reserved, wanted, before, exhausted);
    exhausted = false;
    if (!reserved) continue;
    const values = Array.from({ length: rows * ROW }, (_, j) => 1000 * i + j);
    column.view().set(values, model.length);
    if (fate === 'filled') model.push(...values); // else the next rows take the place of these
    readers.push({ block: column.block, rows: [...model] });
    if (letGo) {
      readers = readers.filter(({ block }) => block === column.block);
      for (const block of [...outgrown.splice(0), ...column.takeOutgrown()]) block[Symbol.dispose]();
    } else outgrown.push(...column.takeOutgrown());
    expect(column.takeOutgrown()).toEqual([]);
    for (const reader of readers) expect([...host.view(reader.block).subarray(0, reader.rows.length)]).toEqual(reader.rows);
    const begin = Math.floor(model.length / ROW / 2);
    expect([...(await column.read(begin, model.length / ROW))]).toEqual(model.slice(begin * ROW));
  }
  for (const block of outgrown) block[Symbol.dispose]();
}

describe('Column', () => {
  it.each([
    ['reference', () => new ReferenceEngine()],
    ['cpu', () => CpuEngine.open({ threads: 1 })],
  ] as const)('keeps rows as it grows, for those who read the old ones too: %s', async (_, open) => {
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        using engine: HostEngine = await open();
        await play(engine, list);
        expect((engine as Partial<CpuEngine>).usedBytes ?? 0).toBe(0);
      }),
      { seed, numRuns: 150 },
    );
  });

  it('grows by an eighth at least once it holds rows, and by no more than is asked for at first', async () => {
    using engine = new ReferenceEngine();
    using column = new Column(engine, 'i8', 4, 'a column');
    expect(() => column.block).toThrow('no rows were reserved');
    await column.reserve(80);
    expect(column.capacity).toBe(80);
    await column.reserve(81);
    expect(column.capacity).toBe(90);
    await column.reserve(200);
    expect(column.capacity).toBe(200);
  });
});
