/** Link pages against plain arrays: states that never change, writers that commit, give up or run out of memory. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import type { HostEngine } from '../../src/host/engine.ts';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';
import { type LinkPages, LinkWriter } from '../../src/index/graph-pages.ts';
import { States } from '../../src/index/states.ts';
import { NONE, PAGE_ROWS } from '../../src/kernels/graph.ts';
import { seed } from '../contract/data.ts';
import { hooked } from './helpers.ts';

const DEGREE = 3;

/** Link rows of level 0 and of the levels above. */
interface Model {
  readonly base: readonly (readonly number[])[];
  readonly upper: readonly (readonly number[])[];
}

interface Committed {
  readonly pages: LinkPages | undefined;
  readonly model: Model;
}

interface Change {
  readonly row: number;
  readonly upper: boolean;
  readonly link: number;
}

interface Write {
  readonly base: number;
  readonly upper: number;
  /** Rows that are changed, some of them together. */
  readonly rounds: readonly (readonly Change[])[];
  /** Rows are changed where they lie, or whole pages are put in their places. */
  readonly whole: boolean;
  readonly fate: 'commit' | 'give up' | 'out of memory';
  /** Readers that come before it, and readers that go after it. */
  readonly come: boolean;
  readonly go: boolean;
}

const changes = fc.array(fc.record({ row: fc.nat(1e6), upper: fc.boolean(), link: fc.nat(1e6) }), { maxLength: 6 });
const writes = fc.array(
  fc.record({
    base: fc.oneof(fc.nat(5), fc.nat(300)),
    upper: fc.oneof(fc.constant(0), fc.nat(90)),
    rounds: fc.array(changes, { maxLength: 4 }),
    whole: fc.boolean(),
    fate: fc.constantFrom('commit', 'commit', 'give up', 'out of memory'),
    come: fc.boolean(),
    go: fc.boolean(),
  }),
  { minLength: 1, maxLength: 14 },
);

const empty = (count: number) => Array.from({ length: count }, () => new Array<number>(DEGREE).fill(NONE));
const withRows = ({ base, upper }: Model, more: Write): Model => ({
  base: [...base, ...empty(more.base)],
  upper: [...upper, ...empty(more.upper)],
});

function withRow(model: Model, upper: boolean, row: number, links: readonly number[]): Model {
  const name = upper ? 'upper' : 'base';
  return { ...model, [name]: model[name].with(row, links) };
}

/** Rows as a kernel would find them. */
function rowsOf(host: HostEngine, pages: Pick<LinkPages, 'block' | 'basePages'>, links: Uint32Array, count: number, upper: boolean) {
  const table = host.view(pages.block);
  return Array.from({ length: count }, (_, row) => {
    const slot = table[(upper ? pages.basePages : 0) + Math.floor(row / PAGE_ROWS)]!;
    const at = (slot * PAGE_ROWS + (row % PAGE_ROWS)) * DEGREE;
    return [...links.slice(at, at + DEGREE)];
  });
}

function expectState(host: HostEngine, { pages, model }: Committed): void {
  if (!pages) return;
  const links = host.view(pages.arena.block);
  expect(rowsOf(host, pages, links, model.base.length, false)).toEqual(model.base);
  expect(rowsOf(host, pages, links, model.upper.length, true)).toEqual(model.upper);
  expect([...host.view(pages.block)]).toEqual([...pages.table]);
}

/** The slots that nobody uses are free, once each, when no older state is read. */
function expectAllSlotsAccounted(pages: LinkPages): void {
  const slots = pages.arena.block.length / (PAGE_ROWS * DEGREE);
  const known = [...pages.arena.free, ...pages.table].sort((a, b) => a - b);
  expect(known).toEqual(Array.from({ length: slots }, (_, slot) => slot));
}

class OutOfMemory extends Error {}

/** An index of link rows alone. */
class Links {
  readonly states = new States<Committed>({ pages: undefined, model: { base: [], upper: [] } });
  private readonly readers: ReturnType<States<Committed>['acquire']>[] = [];
  private readonly engine: HostEngine;
  private readonly host: HostEngine;
  private exhausted = false;

  constructor(engine: HostEngine) {
    this.engine = engine;
    this.host = hooked(engine, {
      alloc: (label) => {
        if (this.exhausted && label === 'graph: links') throw new OutOfMemory();
      },
    });
  }

  async step(write: Write): Promise<void> {
    if (write.come) this.readers.push(this.states.acquire());
    const used = this.usedBytes;
    const free = this.freeSlots;
    const committed = await this.write(write);
    if (!committed) {
      expect(this.usedBytes, 'bytes after a write that failed').toBe(used);
      expect(this.freeSlots, 'free slots after a write that failed').toEqual(free);
    }
    if (write.go) this.readers.splice(this.readers.length >> 1, 1)[0]?.release();
    for (const { state } of [...this.readers, { state: this.states.current }]) expectState(this.host, state);
  }

  finish(): void {
    for (const { release } of this.readers) release();
    const { pages } = this.states.current;
    expectState(this.host, this.states.current);
    if (!pages) return;
    expectAllSlotsAccounted(pages);
    if (this.usedBytes === undefined) return;
    pages.block[Symbol.dispose]();
    pages.arena.block[Symbol.dispose]();
    expect(this.usedBytes).toBe(0);
  }

  private get usedBytes(): number | undefined {
    return (this.engine as Partial<CpuEngine>).usedBytes;
  }

  private get freeSlots(): number[] | undefined {
    return this.states.current.pages?.arena.free.toSorted((a, b) => a - b);
  }

  /** Whether it was committed. */
  private async write(write: Write): Promise<boolean> {
    const { pages, model } = this.states.current;
    const grown = withRows(model, write);
    let writer: LinkWriter | undefined;
    try {
      this.exhausted = write.fate === 'out of memory' && pages !== undefined;
      writer = await LinkWriter.open(this.host, DEGREE, pages, grown.base.length, grown.upper.length);
      const after = await this.change(writer, write, grown);
      if (write.fate === 'give up') throw new OutOfMemory();
      const { pages: next, garbage } = writer.commit();
      this.states.replace({ pages: next, model: after }, garbage);
      return true;
    } catch (error) {
      if (!(error instanceof OutOfMemory)) throw error;
      writer?.rollback();
      return false;
    } finally {
      this.exhausted = false;
    }
  }

  private async change(writer: LinkWriter, { rounds, whole }: Write, before: Model): Promise<Model> {
    let model = before;
    for (const round of rounds) {
      const rows = round
        .map(({ row, upper, link }) => ({ row: row % Math.max(1, (upper ? model.upper : model.base).length), upper, link }))
        .filter(({ row, upper }) => row < (upper ? model.upper : model.base).length);
      for (const { row, upper, link } of rows) model = withRow(model, upper, row, [link, link + 1, NONE]);
      for (const above of [false, true]) {
        const own = rows.filter(({ upper }) => upper === above);
        if (whole) await this.putWhole(writer, own, above);
        else await this.putRows(writer, own, above);
      }
      const pages = { block: writer.pages, basePages: writer.basePages };
      const links = this.host.view(writer.links);
      expect(rowsOf(this.host, pages, links, model.base.length, false)).toEqual(model.base);
      expect(rowsOf(this.host, pages, links, model.upper.length, true)).toEqual(model.upper);
    }
    return model;
  }

  private async putRows(writer: LinkWriter, rows: readonly Change[], upper: boolean): Promise<void> {
    await writer.own(
      rows.map(({ row }) => row),
      upper,
    );
    for (const { row, link } of rows) writer.view().set([link, link + 1, NONE], writer.offset(row, upper));
  }

  /** All pages of a level: those that stay the same stay where they are. */
  private async putWhole(writer: LinkWriter, rows: readonly Change[], upper: boolean): Promise<void> {
    const first = upper ? writer.basePages : 0;
    const before = writer.table.slice(first, upper ? undefined : writer.basePages);
    const size = PAGE_ROWS * DEGREE;
    const words = new Uint32Array(before.length * size);
    for (const [i, slot] of before.entries()) words.set(writer.view().subarray(slot * size, (slot + 1) * size), i * size);
    const old = words.slice();
    for (const { row, link } of rows) words.set([link, link + 1, NONE], row * DEGREE);
    const stamps = writer.stamps.slice();
    await writer.putPages(first, words, 2e6);
    for (const [i, slot] of before.entries()) {
      const isSame = words.subarray(i * size, (i + 1) * size).every((word, at) => word === old[i * size + at]);
      expect(writer.stamps[first + i] === stamps[first + i], 'stamp').toBe(isSame);
      if (isSame) expect(writer.table[first + i]).toBe(slot);
    }
  }
}

describe.each([
  ['reference', () => new ReferenceEngine()],
  ['cpu', () => CpuEngine.open({ threads: 1 })],
] as const)('link pages on %s', (_, open) => {
  it('are what plain arrays are, for the writer and for every reader', async () => {
    await fc.assert(
      fc.asyncProperty(writes, async (list) => {
        using engine: HostEngine = await open();
        const links = new Links(engine);
        for (const write of list) await links.step(write);
        links.finish();
      }),
      { seed, numRuns: 120 },
    );
  });
});
