/** Searches in a graph: beams on integer keys, then canonical distances of what they hold, whatever nodes are coded as. */
import type { Block } from '../host/block.ts';
import type { HostEngine } from '../host/engine.ts';
import { BEAM_FACTOR } from '../kernels/graph.ts';
import { Breather, type TaskOptions } from '../util/tasks.ts';
import { BestCollector, type Collector } from './collectors.ts';
import type { Admission } from './filter.ts';
import type { GraphView, Heads, Lists, Sought, Walk } from './graph-walk.ts';
import type { Refined, TakeRefined } from './list-refiner.ts';
import type { Snapshot } from './rows.ts';
import type { Neighbors } from './vector-index.ts';

/** Looking at all of a admissible rows costs about what a beam does when a² = 8 · ef · n. */
const SCAN_FACTOR = 8;

/**
 * Slices under way at once on a device: it goes from one to the next without waiting for the host, which codes the third and refines what
 * was found for the one before. So many take memory, whatever the number of queries.
 */
const AHEAD = 3;

/** Queries to a graph, in the state that they were asked in. */
export interface GraphQueries {
  readonly host: HostEngine;
  /** Undefined where no row was ever added. */
  readonly view: GraphView | undefined;
  readonly snapshot: Snapshot;
  readonly admission: Admission;
  /** f32 [nq, dim], checked, normalised under cosine. */
  readonly queries: Float32Array;
  readonly options: TaskOptions;
  readonly distancesOf: 'vectors' | 'codes';
  /** Width of the beam that finds k neighbours, or, k undefined, where a search for a range begins. */
  beamFor(k: number | undefined): number;
  /** Of a beam's `ef` entries those that are compared canonically when k are wanted, or all. */
  lookedAt(ef: number, k: number | undefined): number;
  /** Some of the queries, as walks take them; `withLimbs` as devices narrow by. */
  code(queries: Float32Array, withLimbs: boolean): Promise<CodedSlice>;
  /** Looks at every admissible row for the given queries, f32 [nq, dim]. */
  exhaust(queries: Float32Array, options: TaskOptions, collector: Collector): Promise<void>;
}

/** Queries of one walk. */
export interface CodedSlice extends Disposable {
  /** i8 [nq, queryStride], on the host engine. */
  readonly block: Block<'i8'>;
  /** Lower limbs of the same, where they were asked for and there are any. */
  readonly limbs?: Block<'i8'> | undefined;
  /** The k best of what walks found, by canonical distances. */
  refine(lists: Lists, k: number, take: TakeRefined): Promise<void>;
}

/** Walks for so many queries at a time. */
export interface SlicedWalker {
  /** So many queries are about to be walked for: finds out where. */
  begin(graph: GraphView, queries: number, ef: number): Promise<void>;
  readonly slice: number;
  /** The nearest of what each query finds, as far as they are looked at. */
  search(graph: GraphView, walk: Walk, sought: Sought): Promise<Heads>;
  /** Whether searches make use of limbs. */
  narrows(graph: GraphView): boolean;
  /** Whether a walk leaves the host free, so that the next one may begin while this one's finds are refined. */
  readonly isAhead: boolean;
}

/** What walks did, [nq]. */
interface WalkStats {
  readonly hops: Uint32Array;
  readonly distances: Uint32Array;
}

/** How queries walk, and what becomes of what they find. */
interface Manner {
  /** Neighbours wanted; undefined for all that a beam holds. */
  readonly k: number | undefined;
  readonly walker: SlicedWalker;
  /** Where they are wanted. */
  readonly stats: WalkStats | undefined;
  /** Takes what the numbered queries found, and appends to `open` those that found too little. */
  settle(numbers: Uint32Array, refined: Refined, open: number[]): void;
}

/** Whether it is cheaper to look at every admissible row: a rule in counts, so that the answer is the same everywhere. */
export function scansAll({ admission, snapshot }: Pick<GraphQueries, 'admission' | 'snapshot'>, ef: number): boolean {
  return admission.count * admission.count <= SCAN_FACTOR * ef * snapshot.count;
}

/** The beam to walk with: wide enough to hold `ef` rows that may be returned among those that may not. */
function widthFor({ admission, snapshot }: GraphQueries, ef: number): number {
  return Math.max(ef, Math.ceil((ef * snapshot.count) / (BEAM_FACTOR * admission.count)));
}

/** The k nearest rows that the graph leads to. */
export async function nearestInGraph(
  task: GraphQueries,
  k: number,
  wantStats: boolean,
  walker: SlicedWalker,
): Promise<Omit<Neighbors, 'engine'>> {
  const { admission, queries, snapshot, distancesOf } = task;
  const nq = queries.length / snapshot.originals.dim;
  const labels = new Int32Array(nq * k).fill(-1);
  const distances = new Float32Array(nq * k).fill(Infinity);
  const stats = wantStats ? { hops: new Uint32Array(nq), distances: new Uint32Array(nq) } : undefined;
  const answer = { k, labels, distances, distancesOf, ...(stats && { stats }) };
  if (admission.count === 0) return answer;
  const wanted = Math.min(k, admission.count);
  const settle = (numbers: Uint32Array, refined: Refined, open: number[]) => {
    for (let i = 0; i < numbers.length; i++) {
      const q = numbers[i]!;
      if (refined.labels[(i + 1) * wanted - 1]! < 0) open.push(q);
      else copyRow(refined, i * wanted, answer, q * k, wanted);
    }
  };
  const open = await walkWidening(task, task.beamFor(wanted), { k: wanted, walker, stats, settle });
  const collector = new BestCollector(open.length, wanted);
  await exhaustFor(task, open, collector);
  for (const [i, q] of open.entries()) {
    collector.lists[i]!.writeTo(labels, distances, q * k);
    if (stats) stats.distances[q] = stats.distances[q]! + admission.count;
  }
  return answer;
}

/** Everything within `radius` that the graph leads to: a beam is wide enough once it holds a row beyond. */
export async function withinInGraph(task: GraphQueries, radius: number, collector: Collector, walker: SlicedWalker): Promise<void> {
  if (task.admission.count === 0) return;
  const settle = (numbers: Uint32Array, { k, labels, distances }: Refined, open: number[]) => {
    for (let i = 0; i < numbers.length; i++) {
      const q = numbers[i]!;
      let end = (i + 1) * k;
      while (end > i * k && labels[end - 1]! < 0) end--;
      if (end === i * k || distances[end - 1]! <= radius)
        open.push(q); // all of it lies within, or it holds nothing
      else for (let at = i * k; at < end; at++) collector.take(q, labels[at]!, distances[at]!);
    }
  };
  const open = await walkWidening(task, task.beamFor(undefined), { k: undefined, walker, stats: undefined, settle });
  await exhaustFor(task, open, {
    k: undefined,
    threshold: () => radius,
    take: (i, label, distance) => collector.take(open[i]!, label, distance),
  });
}

/**
 * Walks for all queries, and with twice the beam again for those that `settle` finds too little for: all rows near a query may
 * be ones that must not be returned. Returns the queries that are left where looking at every row costs no more.
 */
async function walkWidening(task: GraphQueries, ef: number, manner: Manner): Promise<Uint32Array<ArrayBuffer>> {
  let open = new Uint32Array(task.queries.length / task.snapshot.originals.dim);
  for (let q = 0; q < open.length; q++) open[q] = q;
  for (let width = ef; open.length > 0 && !scansAll(task, width); width *= 2) {
    open = await walkAndRefine(task, open, widthFor(task, width), manner);
  }
  return open;
}

/** Looks at every admissible row for the numbered queries. */
async function exhaustFor(task: GraphQueries, numbers: Uint32Array, collector: Collector): Promise<void> {
  if (numbers.length === 0) return;
  const { queries, options, snapshot } = task;
  const { dim } = snapshot.originals;
  const nq = queries.length / dim;
  const onProgress = (done: number) => options.onProgress?.(nq - numbers.length + done, nq);
  await task.exhaust(picked(queries, numbers, dim), { ...options, onProgress }, collector);
}

/**
 * Walks for the numbered queries, slice by slice, and hands over what each found, refined: the `k` best, or all of it. Returns
 * the queries that this does not settle.
 */
async function walkAndRefine(task: GraphQueries, numbers: Uint32Array, ef: number, manner: Manner): Promise<Uint32Array<ArrayBuffer>> {
  const { k, walker, stats } = manner;
  const { host, queries, options, snapshot } = task;
  const view = task.view!; // without one there is no row to look for
  const { dim } = snapshot.originals;
  const nq = queries.length / dim;
  const breather = new Breather(options.signal);
  const open: number[] = [];
  await walker.begin(view, numbers.length, ef);
  const admitted = await uploadAdmitted(task);
  const sliceAt = (begin: number) => numbers.subarray(begin, begin + walker.slice);
  const length = task.lookedAt(ef, k);
  const course = { view, ef, length, k: k ?? length, admitted };
  const start = (begin: number) => walkSlice(task, walker, sliceAt(begin), course);
  const ahead: Promise<WalkedSlice>[] = [];
  let started = 0;
  try {
    for (let begin = 0; begin < numbers.length; begin += walker.slice) {
      for (; ahead.length < (walker.isAhead ? AHEAD : 1) && started < numbers.length; started += walker.slice) {
        const one = start(started);
        one.catch(() => undefined); // told where it is waited for
        ahead.push(one);
      }
      const slice = sliceAt(begin);
      const walked = await ahead.shift()!;
      try {
        if (stats) countInto(stats, slice, walked.heads, host);
        await walked.coded.refine(walked.heads, k ?? ef, (refined) => manner.settle(slice, refined, open));
      } finally {
        dispose(walked);
      }
      options.onProgress?.(nq - numbers.length + begin + slice.length - open.length, nq);
      await breather.breathe();
    }
  } finally {
    for (const one of ahead) await one.then(dispose, () => undefined);
    admitted?.[Symbol.dispose]();
  }
  return Uint32Array.from(open);
}

/** Some queries that were walked for: to be refined, and disposed of. */
interface WalkedSlice {
  readonly coded: CodedSlice;
  readonly heads: Heads;
}

/** How all slices are walked for. */
interface Course {
  readonly view: GraphView;
  readonly ef: number;
  /** Entries of a beam that are looked at, and how many of these are wanted. */
  readonly length: number;
  readonly k: number;
  readonly admitted: Block<'u32'> | undefined;
}

async function walkSlice(task: GraphQueries, walker: SlicedWalker, slice: Uint32Array, course: Course): Promise<WalkedSlice> {
  const { queries, options, snapshot } = task;
  const { view, ef, length, k, admitted } = course;
  const coded = await task.code(picked(queries, slice, snapshot.originals.dim), k < length && walker.narrows(view));
  try {
    const walk = { nq: slice.length, queries: coded.block, level: 0, ef, admitted, signal: options.signal };
    return { coded, heads: await walker.search(view, walk, { length, k, limbs: coded.limbs }) };
  } catch (error) {
    coded[Symbol.dispose]();
    throw error;
  }
}

function dispose({ coded, heads }: WalkedSlice): void {
  heads[Symbol.dispose]();
  coded[Symbol.dispose]();
}

/** Adds what a walk did to the queries of its slice. */
function countInto({ hops, distances }: WalkStats, slice: Uint32Array, { stats, statsAt, statsStride }: Heads, host: HostEngine): void {
  const did = host.view(stats);
  for (let i = 0, at = statsAt; i < slice.length; i++, at += statsStride) {
    const q = slice[i]!;
    hops[q] = hops[q]! + did[at]!;
    distances[q] = distances[q]! + did[at + 1]!;
  }
}

/** Values one by one: a million queries a second leave no time for views of their rows. */
function copyRow(from: Omit<Refined, 'k'>, at: number, to: Omit<Refined, 'k'>, place: number, length: number): void {
  for (let i = 0; i < length; i++) {
    to.labels[place + i] = from.labels[at + i]!;
    to.distances[place + i] = from.distances[at + i]!;
  }
}

/** The bits of the admissible rows on the host; no block where all rows are. */
async function uploadAdmitted({ host, admission, snapshot }: GraphQueries): Promise<Block<'u32'> | undefined> {
  if (admission.count === snapshot.count) return undefined;
  const block = await host.alloc('u32', admission.bits.length, 'search: admitted');
  host.write(block, admission.bits);
  return block;
}

/** The numbered queries, f32 [numbers, dim]. */
function picked(queries: Float32Array, numbers: Uint32Array, dim: number): Float32Array {
  const first = numbers[0]!;
  if (numbers.at(-1)! - first + 1 === numbers.length) return queries.subarray(first * dim, (first + numbers.length) * dim);
  const out = new Float32Array(numbers.length * dim);
  for (const [i, q] of numbers.entries()) out.set(queries.subarray(q * dim, (q + 1) * dim), i * dim);
  return out;
}
