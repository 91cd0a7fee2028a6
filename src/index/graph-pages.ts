/**
 * The link rows of a graph, in pages of 64 (kernels/graph.ts). A committed state is a table of pages that never change; a
 * writer copies each page before it changes it the first time. So a search keeps the graph that it began with, and a write
 * that fails leaves nothing behind.
 */
import type { Block } from '../host/block.ts';
import type { HostEngine } from '../host/engine.ts';
import { NONE, PAGE_ROWS } from '../kernels/graph.ts';
import { IsodexError } from '../util/errors.ts';
import { ceilDiv } from '../util/math.ts';

/** Memory of pages: slots of PAGE_ROWS link rows each. */
interface Arena {
  readonly block: Block<'u32'>;
  /** Slots that no table names, the next one last. */
  readonly free: number[];
}

/** A committed table of pages. */
export interface LinkPages {
  readonly arena: Arena;
  /** u32 [basePages + upper pages]: the slot of each page; on the host engine, and here to be copied from. */
  readonly block: Block<'u32'>;
  readonly table: Uint32Array;
  readonly basePages: number;
  /** [pages]: a number that no page had before whenever the page was written; copies on devices know by it what to fetch. */
  readonly stamps: Float64Array;
}

/** The last number that a page was given; counts up while the process runs, and is stored nowhere. */
let lastStamp = 0;

/** What is to be disposed of when pages go that no other state shares. */
export function blocksOf({ block, arena }: LinkPages): Disposable[] {
  return [block, arena.block];
}

/** Slots beyond what is needed when an arena grows: an eighth, for the pages that writes copy. */
const SLACK_SHIFT = 3;

export class LinkWriter {
  readonly host: HostEngine;
  /** u32s in a link row. */
  readonly degree: number;
  readonly basePages: number;
  private readonly from: LinkPages | undefined;
  readonly table: Uint32Array;
  private readonly tableBlock: Block<'u32'>;
  private arena: Arena;
  private readonly owned: Uint8Array;
  readonly stamps: Float64Array;
  /** Slots of the state before that this writer has copied. */
  private readonly replaced: number[] = [];
  private dirty = true;

  private constructor(host: HostEngine, degree: number, from: LinkPages | undefined, basePages: number, table: Block<'u32'>, arena: Arena) {
    this.host = host;
    this.degree = degree;
    this.from = from;
    this.basePages = basePages;
    this.tableBlock = table;
    this.arena = arena;
    this.table = new Uint32Array(table.length).fill(NONE);
    this.owned = new Uint8Array(table.length);
    this.stamps = new Float64Array(table.length);
    if (!from) return;
    this.table.set(from.table.subarray(0, from.basePages));
    this.table.set(from.table.subarray(from.basePages), basePages);
    this.stamps.set(from.stamps.subarray(0, from.basePages));
    this.stamps.set(from.stamps.subarray(from.basePages), basePages);
  }

  /** A writer over a state, with empty rows up to `baseRows` on level 0 and `upperRows` above. */
  static async open(
    host: HostEngine,
    degree: number,
    from: LinkPages | undefined,
    baseRows: number,
    upperRows: number,
  ): Promise<LinkWriter> {
    const basePages = ceilDiv(baseRows, PAGE_ROWS);
    const pages = basePages + Math.max(1, ceilDiv(upperRows, PAGE_ROWS));
    const table = await host.alloc('u32', pages, 'graph: page table');
    try {
      const arena = from?.arena ?? (await newArena(host, degree, pages));
      const writer = new LinkWriter(host, degree, from, basePages, table, arena);
      const missing = Array.from(writer.table.keys()).filter((page) => writer.table[page] === NONE);
      await writer.reserve(missing.length);
      const links = writer.view();
      for (const page of missing) {
        const slot = writer.takePage(page);
        links.fill(NONE, slot * PAGE_ROWS * degree, (slot + 1) * PAGE_ROWS * degree);
      }
      return writer;
    } catch (error) {
      table[Symbol.dispose]();
      throw error;
    }
  }

  get links(): Block<'u32'> {
    return this.arena.block;
  }

  /** The table's block, up to date with what was written. */
  get pages(): Block<'u32'> {
    if (this.dirty) this.host.write(this.tableBlock, this.table);
    this.dirty = false;
    return this.tableBlock;
  }

  /** All link rows in memory: for `offset`. Use it at once. */
  view(): Uint32Array {
    return this.host.view(this.arena.block);
  }

  /** Where a row begins in `view()`. Rows of upper levels are counted from 0. */
  offset(row: number, upper: boolean): number {
    return linkOffset(this.table, this.basePages, this.degree, row, upper);
  }

  /** Makes the pages of these rows this writer's own, so that they may be changed. */
  async own(rows: ArrayLike<number>, upper: boolean): Promise<void> {
    const pages = new Set<number>();
    for (let i = 0; i < rows.length; i++) pages.add(pageOf(rows[i]!, upper, this.basePages));
    await this.ownPages(pages);
  }

  /**
   * Makes pages from `first` on what a device says, u32 [pages, PAGE_ROWS · degree]; those that are so already stay shared. Links must
   * lead to nodes below `count`: a host would follow others out of its memory. A device that has such is as good as lost.
   */
  async putPages(first: number, words: Uint32Array, count: number): Promise<void> {
    const wrong = words.findIndex((link) => link >= count && link !== NONE);
    if (wrong >= 0) throw new IsodexError('device-lost', `the GPU made a link to ${words[wrong]}, where nodes are below ${count}`);
    const size = PAGE_ROWS * this.degree;
    const changed = new Set<number>();
    const old = this.view();
    for (let page = first, at = 0; at < words.length; page++, at += size) {
      if (differs(words, at, old, this.table[page]! * size, size)) changed.add(page);
    }
    await this.ownPages(changed);
    const links = this.view();
    for (const page of changed) links.set(words.subarray((page - first) * size, (page - first + 1) * size), this.table[page]! * size);
  }

  private async ownPages(pages: Iterable<number>): Promise<void> {
    const foreign: number[] = [];
    for (const page of pages) {
      this.stamps[page] = ++lastStamp;
      if (!this.owned[page]) foreign.push(page);
    }
    if (foreign.length === 0) return;
    await this.reserve(foreign.length);
    const links = this.view();
    const words = PAGE_ROWS * this.degree;
    for (const page of foreign) {
      const old = this.table[page]!;
      const slot = this.takePage(page);
      links.copyWithin(slot * words, old * words, (old + 1) * words);
      // In an arena of its own nobody else reads the old page.
      (this.arena === this.from?.arena ? this.replaced : this.arena.free).push(old);
    }
  }

  /** The state written, and what to dispose of once nobody reads the state before it. */
  commit(): { pages: LinkPages; garbage: Disposable[] } {
    const { arena, from, replaced, basePages, table, stamps } = this;
    const pages = { arena, block: this.pages, table, basePages, stamps };
    if (!from) return { pages, garbage: [] };
    const freed = from.arena === arena ? { [Symbol.dispose]: () => void arena.free.push(...replaced) } : (from.arena.block as Disposable);
    return { pages, garbage: [from.block, freed] };
  }

  /** Gives back what was taken: the state before is as it was. */
  rollback(): void {
    this.tableBlock[Symbol.dispose]();
    if (this.from?.arena !== this.arena) this.arena.block[Symbol.dispose]();
    else this.giveBackOwned();
  }

  private giveBackOwned(): void {
    for (const [page, own] of this.owned.entries()) if (own) this.arena.free.push(this.table[page]!);
  }

  private takePage(page: number): number {
    const slot = this.arena.free.pop()!;
    this.table[page] = slot;
    this.owned[page] = 1;
    this.stamps[page] = ++lastStamp;
    this.dirty = true;
    return slot;
  }

  /** Sees to it that so many slots are free, in a larger arena if it must be: the state before keeps the smaller one. */
  private async reserve(slots: number): Promise<void> {
    const { arena, host, degree, from } = this;
    if (arena.free.length >= slots) return;
    const before = arena.block.length / (PAGE_ROWS * degree);
    const after = before + Math.max(slots - arena.free.length, before >> SLACK_SHIFT);
    const larger = await newArena(host, degree, after);
    host.view(larger.block).set(host.view(arena.block));
    const named = new Set(this.table);
    // Of an arena that the state before keeps, this writer keeps nothing.
    if (arena === from?.arena) this.giveBackOwned();
    this.arena = { block: larger.block, free: larger.free.filter((slot) => !named.has(slot)) };
    this.replaced.length = 0;
    if (arena !== from?.arena) arena.block[Symbol.dispose]();
  }
}

/** Where a link row begins in the arena. Rows of upper levels are counted from 0. */
export function linkOffset(table: Uint32Array, basePages: number, degree: number, row: number, upper: boolean): number {
  return (table[pageOf(row, upper, basePages)]! * PAGE_ROWS + (row % PAGE_ROWS)) * degree;
}

function differs(a: Uint32Array, atA: number, b: Uint32Array, atB: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[atA + i] !== b[atB + i]) return true;
  return false;
}

function pageOf(row: number, upper: boolean, basePages: number): number {
  return (upper ? basePages : 0) + Math.floor(row / PAGE_ROWS);
}

async function newArena(host: HostEngine, degree: number, slots: number): Promise<Arena> {
  const block = await host.alloc('u32', slots * PAGE_ROWS * degree, 'graph: links');
  return { block, free: Array.from({ length: slots }, (_, i) => slots - 1 - i) };
}
