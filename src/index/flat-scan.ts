/**
 * Scans one slice of queries: seeds give every query a first k-th distance τ, then passes over ever more blocks hand on the
 * rows that no bound rules out, and τ tightens by what they show. Nothing can fail to be certified: a list that overflows is
 * scanned again in halves.
 */
import { type Block, rangeOf } from '../host/block.ts';
import type { Engine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { BLOCK_ROWS, PASS_GROWTH, passBlock, passLength } from '../kernels/panels.ts';
import { FORM_IP, FORM_L2, sq8Filter } from '../kernels/sq8-filter.ts';
import { sq8Gather } from '../kernels/sq8-gather.ts';
import { sq8Scan } from '../kernels/sq8-scan.ts';
import { NO_KEY, TOP_K_MOST } from '../kernels/top-k.ts';
import { hasBit } from '../util/bits.ts';
import { ceilDiv, roundUp } from '../util/math.ts';
import { Candidates } from './candidates.ts';
import type { CodeChunk, FlatCodes } from './flat-codes.ts';
import type { FlatQueries, Keep } from './flat-queries.ts';
import { TopLists } from './top-lists.ts';

/** Rows that seeds are taken from, at least. */
const SEED_ROWS = 1024;
/** Share of (query, row) pairs expected to survive before any have been seen, and the least to count on. */
const FIRST_SHARE = 1 / 16;
const LEAST_SHARE = 1 / 256;
/** Multiply-adds of one dispatch, at most: keeps slow devices responsive and aborts prompt. */
const DISPATCH_TERMS = 2 ** 31;

/** What a scan gives its findings to. */
export interface Findings {
  /** The canonical distance that each query's rows must not exceed, as far as it is known now. [nq] */
  taus(): Float64Array;
  /** A row that may be near enough; bounds of its canonical distance where whole-row codes give them. */
  keep: Keep;
  /** Awaited after each dispatch. */
  settle(): Promise<void>;
}

export class FlatScan implements Disposable {
  private readonly codes: FlatCodes;
  /** The chunks and rows that there were when the scan began; rows may be added meanwhile. */
  private readonly chunks: readonly CodeChunk[];
  private readonly count: number;
  private readonly engine: Engine;
  private readonly queries: FlatQueries;
  private readonly masks: readonly Block<'u32'>[];
  private readonly capacity: number;
  private readonly lists: { bounds: Block<'u32'>; pairs: Block<'u32'>; count: Block<'u32'>; keys: Block<'i32'> };
  /** Share of pairs that survived the last dispatch. */
  private share = FIRST_SHARE;
  /** Pairs to read back before their count is known. */
  private guess = 4096;

  private constructor(codes: FlatCodes, queries: FlatQueries, masks: readonly Block<'u32'>[], capacity: number, lists: FlatScan['lists']) {
    this.codes = codes;
    this.chunks = codes.chunks.slice(0, masks.length);
    this.count = codes.count;
    this.engine = codes.engine;
    this.queries = queries;
    this.masks = masks;
    this.capacity = capacity;
    this.lists = lists;
  }

  /** `masks` has one block for each chunk of the codes: the rows that may be returned. */
  static async open(codes: FlatCodes, queries: FlatQueries, masks: readonly Block<'u32'>[]): Promise<FlatScan> {
    const { engine } = codes;
    const { nq } = queries;
    const capacity = Math.max(nq * BLOCK_ROWS, Math.min(2 ** 20, nq * 1024));
    return new FlatScan(codes, queries, masks, capacity, {
      bounds: await engine.alloc('u32', roundUp(nq, 4) * 4, 'scan: bounds'),
      pairs: await engine.alloc('u32', 2 * capacity, 'scan: pairs'),
      count: await engine.alloc('u32', 1, 'scan: count'),
      keys: await engine.alloc('i32', codes.plan.fineGrid ? capacity : 1, 'scan: keys'),
    });
  }

  /** The passes that follow seeds from every `step`-th block, each with as many blocks as those before it. */
  static passes(step: number): { step: number; skip: number }[] {
    const passes = [{ step: Math.max(1, step / PASS_GROWTH), skip: 0 }];
    while (passes.at(-1)!.step > 1) passes.push({ step: passes.at(-1)!.step / PASS_GROWTH, skip: 1 });
    return passes;
  }

  /** The power of PASS_GROWTH such that every `step`-th block leaves enough rows to seed k neighbours. */
  seedStep(k: number): number {
    const wanted = Math.max(SEED_ROWS, 8 * k);
    let step = 1;
    while (this.count / (step * PASS_GROWTH) >= wanted) step *= PASS_GROWTH;
    return step;
  }

  /** Gives seeds to `keep`: for each query the rows with the smallest integer keys among every `step`-th block, 1.5 k and some. */
  async seed(k: number, step: number, keep: Keep): Promise<void> {
    const wanted = k + (k >> 1) + 8;
    for (const [c, chunk] of this.chunks.entries()) {
      const blocks = passLength(this.blocksOf(chunk), step, 0);
      const seeds = wanted > TOP_K_MOST ? await this.allSeeds(c, blocks, step) : await this.bestSeeds(chunk, c, blocks, step, wanted);
      await this.bound(chunk, seeds, keep);
    }
  }

  /**
   * One pass: every block's rows that τ (asked for again before each dispatch) does not rule out are kept.
   */
  async pass({ step, skip }: { step: number; skip: number }, findings: Findings): Promise<void> {
    for (const [c, chunk] of this.chunks.entries()) {
      const total = passLength(this.blocksOf(chunk), step, skip);
      for (let first = 0; first < total; ) {
        const blocks = Math.min(this.blocksAtOnce(), total - first);
        await this.range(chunk, c, { step, skip, first, blocks }, findings);
        first += blocks;
      }
    }
  }

  /** Blocks of one dispatch: as many as should leave its list room, going by the last one. */
  private blocksAtOnce(): number {
    const blockPairs = this.queries.nq * BLOCK_ROWS;
    const byList = this.capacity / (blockPairs * this.share * 1.5);
    const byTerms = DISPATCH_TERMS / (blockPairs * this.codes.plan.filterGrid.words * 4);
    return Math.max(1, Math.floor(Math.min(byList, byTerms)));
  }

  [Symbol.dispose](): void {
    for (const block of Object.values(this.lists)) block[Symbol.dispose]();
  }

  private blocksOf(chunk: CodeChunk): number {
    return ceilDiv(Math.min(chunk.capacity, this.count - chunk.begin), BLOCK_ROWS);
  }

  /** Scans a range of a pass; halves it when more rows survive than the list holds (one block always fits). */
  private async range(
    chunk: CodeChunk,
    c: number,
    pass: { step: number; skip: number; first: number; blocks: number },
    findings: Findings,
  ): Promise<void> {
    const tau = findings.taus();
    const { count, pairs, keys } = await this.dispatch(chunk, c, pass, tau);
    this.share = Math.max(LEAST_SHARE, count / (this.queries.nq * pass.blocks * BLOCK_ROWS));
    if (count > this.capacity) {
      const half = pass.blocks >> 1;
      await this.range(chunk, c, { ...pass, blocks: half }, findings);
      await this.range(chunk, c, { ...pass, first: pass.first + half, blocks: pass.blocks - half }, findings);
      return;
    }
    this.passOn(chunk, tau, count, pairs, keys, findings.keep);
    await findings.settle();
  }

  /** Tests pairs by their whole-row keys where there are some, and passes on rows by their number in the index. */
  private passOn(chunk: CodeChunk, tau: Float64Array, n: number, pairs: Uint32Array, keys: Int32Array, keep: Keep): void {
    const { begin, fine } = chunk;
    if (fine) this.queries.keepFine(fine, tau, n, pairs, keys, (q, row, least, most) => keep(q, begin + row, least, most));
    else for (let i = 0; i < n; i++) keep(pairs[2 * i]!, begin + pairs[2 * i + 1]!, -Infinity, Infinity);
  }

  /** Gives given pairs of a chunk to `keep`, with the bounds that their whole-row keys give. */
  private async bound(chunk: CodeChunk, { queries, rows, length }: Candidates, keep: Keep): Promise<void> {
    const { engine, lists } = this;
    const all = new Float64Array(this.queries.nq).fill(Infinity);
    for (let begin = 0; begin < length; begin += this.capacity) {
      const n = Math.min(this.capacity, length - begin);
      const pairs = new Uint32Array(2 * n);
      for (let i = 0; i < n; i++) {
        pairs[2 * i] = queries[begin + i]!;
        pairs[2 * i + 1] = rows[begin + i]!;
      }
      let keys: Int32Array = new Int32Array(0);
      if (chunk.fine) {
        engine.write(lists.pairs, pairs);
        engine.write(lists.count, Uint32Array.of(n));
        await engine.run(this.recordGather(new Recording(), chunk));
        [keys] = await engine.read([rangeOf(lists.keys, 0, n)]);
      }
      this.passOn(chunk, all, n, pairs, keys, keep);
    }
  }

  /** The whole-row keys of the listed pairs, where the chunk has whole-row codes. */
  private recordGather(recording: Recording, { fine }: CodeChunk): Recording {
    if (!fine) return recording;
    const { lists, queries, capacity } = this;
    const { plan } = this.codes;
    const { codes, rowTerms } = fine;
    const blocks = { queries: queries.fineCodes!, codes, rowTerms, pairs: lists.pairs, count: lists.count, keys: lists.keys };
    return recording.dispatch(sq8Gather, blocks, { words: plan.fineGrid!.words, weight: plan.metric === 'ip' ? 1 : 2, capacity });
  }

  /** Runs filter and, with whole-row codes, their keys; returns what survived. */
  private async dispatch(
    chunk: CodeChunk,
    c: number,
    pass: { step: number; skip: number; first: number; blocks: number },
    tau: Float64Array,
  ) {
    const { engine, lists, queries, capacity } = this;
    const { plan } = this.codes;
    const ip = plan.metric === 'ip';
    engine.write(lists.bounds, queries.filterBounds(tau));
    engine.write(lists.count, Uint32Array.of(0));
    const recording = new Recording().dispatch(
      sq8Filter,
      { queries: queries.filterCodes, ...chunk.filter, mask: this.masks[c]!, bounds: lists.bounds, pairs: lists.pairs, count: lists.count },
      { nq: queries.nq, words: plan.filterGrid.words, form: ip ? FORM_IP : FORM_L2, ...pass, capacity },
    );
    await engine.run(this.recordGather(recording, chunk));
    return this.survivors(chunk.fine !== undefined);
  }

  /** Reads the lists: as much as the last ones suggest at first, the rest if there is more. */
  private async survivors(withKeys: boolean) {
    const { engine, lists, capacity } = this;
    const read = (n: number) =>
      engine.read([rangeOf(lists.count), rangeOf(lists.pairs, 0, 2 * n), rangeOf(lists.keys, 0, withKeys ? n : 0)]);
    const guess = Math.min(capacity, this.guess);
    let [counts, pairs, keys] = await read(guess);
    const count = counts[0]!;
    if (count > guess && count <= capacity) [counts, pairs, keys] = await read(count);
    this.guess = Math.ceil(count * 1.25) + 1024;
    return { count, pairs, keys };
  }

  /** Pairs of the queries and, for each, the `wanted` rows of a pass with the smallest keys; rows count from the chunk's first. */
  private async bestSeeds(chunk: CodeChunk, c: number, blocks: number, step: number, wanted: number): Promise<Candidates> {
    const { engine } = this;
    const { nq } = this.queries;
    const { filterGrid, metric } = this.codes.plan;
    const m = blocks * BLOCK_ROWS;
    using keys = await engine.alloc('i32', nq * m, 'seed: keys');
    using lists = await TopLists.open(engine, nq, m, wanted);
    const recording = new Recording().dispatch(
      sq8Scan,
      { queries: this.queries.filterCodes, codes: chunk.filter.codes, rowTerms: chunk.filter.rowTerms, mask: this.masks[c]!, keys },
      { nq, words: filterGrid.words, weight: metric === 'ip' ? 1 : 4, step, skip: 0, first: 0, blocks },
    );
    const best = lists.record(recording, keys);
    await engine.run(recording);
    const [bestKeys, bestIds] = await engine.read([rangeOf(best.keys, 0, nq * wanted), rangeOf(best.ids, 0, nq * wanted)]);
    const seeds = new Candidates(nq * wanted);
    for (let i = 0; i < nq * wanted; i++) {
      if (bestKeys[i] === NO_KEY) continue;
      const id = bestIds[i]!;
      seeds.push(Math.floor(i / wanted), passBlock(Math.floor(id / BLOCK_ROWS), step, 0) * BLOCK_ROWS + (id % BLOCK_ROWS));
    }
    return seeds;
  }

  /** Pairs of every query with every admissible row of a pass. */
  private async allSeeds(c: number, blocks: number, step: number): Promise<Candidates> {
    const [bits] = await this.engine.read([rangeOf(this.masks[c]!)]);
    const seeds = new Candidates();
    for (let b = 0; b < blocks; b++) {
      const first = passBlock(b, step, 0) * BLOCK_ROWS;
      for (let row = first; row < first + BLOCK_ROWS; row++) {
        if (hasBit(bits, row)) for (let q = 0; q < this.queries.nq; q++) seeds.push(q, row);
      }
    }
    return seeds;
  }
}
