/** Inverted lists by themselves: every live row exactly once, ascending, with its code and term, whatever came before. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type CodedRows, Lists } from '../../src/index/coding/lists.ts';
import { setBit } from '../../src/util/bits.ts';
import { seed } from '../contract/data.ts';
import { engine } from './coded-fixture.ts';

const STRIDE = 4;

/** A code and a term that tell the row that they are of. */
const codeOf = (row: number) => Int8Array.from([row, row >> 8, 7 * row, ~row]);
const termOf = (row: number) => 1_000_003 * row - 5;

function codedRows(first: number, lists: readonly number[], withTerms: boolean): CodedRows {
  const codes = new Int8Array(lists.length * STRIDE);
  for (const i of lists.keys()) codes.set(codeOf(first + i), i * STRIDE);
  const terms = withTerms ? Int32Array.from(lists, (_, i) => termOf(first + i)) : undefined;
  return { first, lists: Uint32Array.from(lists), codes, terms };
}

/** What is there, list by list: rows with their codes and terms. */
function contents(lists: Lists): { row: number; code: number[]; term: number | undefined }[][] {
  const found: { row: number; code: number[]; term: number | undefined }[][] = Array.from({ length: lists.nlist }, () => []);
  const [codes, terms] = [engine.view(lists.codes), engine.view(lists.terms)];
  lists.visit((list, row, position) => {
    const code = [...codes.subarray(position * STRIDE, (position + 1) * STRIDE)];
    found[list]!.push({ row, code, term: lists.withTerms ? terms[position] : undefined });
  });
  return found;
}

/** The same by the book. */
function expected(
  nlist: number,
  rows: readonly (readonly [row: number, list: number])[],
  withTerms: boolean,
  numbers = new Map<number, number>(),
) {
  const sorted = [...rows].sort(([a], [b]) => a - b);
  return Array.from({ length: nlist }, (_, list) =>
    sorted
      .filter(([, own]) => own === list)
      .map(([row]) => ({ row: numbers.get(row) ?? row, code: [...codeOf(row)], term: withTerms ? termOf(row) : undefined })),
  );
}

interface Step {
  /** Lists of rows that come, in so many pieces, and rows that go. */
  readonly added: readonly number[];
  readonly pieces: number;
  readonly dies: readonly number[];
}

/** Lists, and beside them what should be in them. */
class Kept {
  readonly shape: { readonly nlist: number; readonly stride: number; readonly withTerms: boolean };
  lists: Lists | undefined;
  /** The list of each live row. */
  readonly rows = new Map<number, number>();
  count = 0;

  constructor(nlist: number, withTerms: boolean) {
    this.shape = { nlist, stride: STRIDE, withTerms };
  }

  async take({ added, pieces, dies }: Step): Promise<void> {
    const { nlist, withTerms } = this.shape;
    const where = added.map((x) => x % nlist);
    const each = Math.ceil(where.length / pieces);
    const piece = (p: number) => codedRows(this.count + p * each, where.slice(p * each, (p + 1) * each), withTerms);
    const coming = Array.from({ length: pieces }, (_, p) => piece(p));
    for (const [i, list] of where.entries()) this.rows.set(this.count + i, list);
    this.count += where.length;
    for (const row of dies) this.rows.delete(row);
    const live = new Uint32Array(Math.ceil((this.count + 1) / 32));
    for (const row of this.rows.keys()) setBit(live, row);
    const before = this.lists && contents(this.lists);
    const next = await Lists.merged(engine, this.shape, this.lists, coming, live);
    if (this.lists) expect(contents(this.lists), 'the old lists stay as they were').toEqual(before);
    this.lists?.[Symbol.dispose]();
    this.lists = next;
  }

  check(): void {
    const { nlist, withTerms } = this.shape;
    const lists = this.lists!;
    expect(lists.count).toBe(this.rows.size);
    expect(contents(lists)).toEqual(expected(nlist, [...this.rows], withTerms));
    for (let row = 0; row < this.count + 3; row++) {
      const place = lists.find(row);
      expect(place?.list, `the list of row ${row}`).toBe(this.rows.get(row));
      if (place) expect(engine.view(lists.rows)[place.position]).toBe(row);
    }
  }

  async checkRenumbered(): Promise<void> {
    const { nlist, withTerms } = this.shape;
    const rows = Uint32Array.from([...this.rows.keys()].sort((a, b) => a - b));
    using closer = await this.lists!.renumbered(rows);
    const numbers = new Map(Array.from(rows, (row, i) => [row, i]));
    expect(contents(closer)).toEqual(expected(nlist, [...this.rows], withTerms, numbers));
    const room = Math.max(1, rows.length);
    expect(closer.memory).toEqual({ codes: room * (STRIDE + (withTerms ? 4 : 0)), lists: 4 * (room + nlist + 1) });
    expect(rows.length > 0 && closer.find(rows.length - 1)?.list).toBe(rows.length > 0 && this.rows.get(rows.at(-1)!));
  }
}

it('lists hold every live row exactly once, ascending, with its code and term', async () => {
  const step: fc.Arbitrary<Step> = fc.record({
    added: fc.array(fc.nat(99), { maxLength: 60 }),
    pieces: fc.integer({ min: 1, max: 3 }),
    dies: fc.array(fc.nat(300), { maxLength: 30 }),
  });
  const steps = fc.array(step, { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 12 }), fc.boolean(), async (all, nlist, withTerms) => {
      const used = engine.usedBytes;
      const kept = new Kept(nlist, withTerms);
      for (const one of all) {
        await kept.take(one);
        kept.check();
      }
      await kept.checkRenumbered();
      kept.lists![Symbol.dispose]();
      expect(engine.usedBytes).toBe(used);
    }),
    { seed, numRuns: 80 },
  );
});
