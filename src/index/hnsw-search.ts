/** Search over an HNSW graph: a beam on integer keys, then canonical distances of what it holds. */
import type { Block } from '../host/block.ts';
import type { Engine, HostEngine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { METRIC_CODES } from '../kernels/canonical-distances.ts';
import { fromOrderedBits } from '../kernels/cpu/graph-score.ts';
import { BEAM_FACTOR, NONE } from '../kernels/graph.ts';
import { refineLists, refineScratchWords } from '../kernels/refine-lists.ts';
import { Breather, runInFlight } from '../util/tasks.ts';
import { BestCollector } from './collectors.ts';
import { type ExhaustTask, exhaust } from './exhaust.ts';
import type { GraphCodec } from './graph-codec.ts';
import type { GraphState } from './graph-state.ts';
import type { Found, GraphView, Walker } from './graph-walk.ts';

/** Queries of one slice: what is between two looks at the signal. */
const SLICE = 256;
/** Scanning all admissible rows takes as many distances as a beam of ef computes when their number is √(8 · ef · n). */
const SCAN_FACTOR = 8;

export interface HnswTask extends ExhaustTask {
  readonly graph: GraphState;
  readonly codec: GraphCodec;
  /** u32s in a link row. */
  readonly degree: number;
  readonly k: number;
  readonly efSearch: number;
}

/** The k best of each query: labels and distances [nq, k], and what the walks did. */
export interface Answer {
  readonly labels: Int32Array;
  readonly distances: Float32Array;
  /** [nq, 2]: hops and distances. */
  readonly stats: Uint32Array;
  readonly engine: Engine;
}

/** The beam for a search: at least k, and wide enough to hold efSearch rows that may be returned among those that may not. */
export function beamFor({ admission, graph, k, efSearch }: HnswTask): number {
  const ef = Math.max(efSearch, Math.min(k, admission.count));
  return Math.max(ef, Math.ceil((ef * graph.count) / (BEAM_FACTOR * admission.count)));
}

/** Whether it is cheaper to look at every admissible row: a rule in counts, so that it is the same everywhere. */
export function scansAll({ admission, graph, k, efSearch }: HnswTask): boolean {
  const ef = Math.max(efSearch, Math.min(k, admission.count));
  return admission.count * admission.count <= SCAN_FACTOR * ef * graph.count;
}

export async function searchHnsw(task: HnswTask, walker: Walker): Promise<Answer> {
  const { engine, graph, codec, degree, admission, queries, options, k } = task;
  const { host } = engine;
  const { dim } = codec.plan;
  const nq = queries.length / dim;
  const answer = {
    labels: new Int32Array(nq * k).fill(-1),
    distances: new Float32Array(nq * k).fill(Infinity),
    stats: new Uint32Array(2 * nq),
    engine: host,
  };
  if (scansAll(task)) return scanned(task, answer);
  const { entry, entryLevel, codes, upperRows, pages, count } = graph;
  const view: GraphView = {
    plan: codec.plan,
    degree,
    count,
    entry,
    entryLevel,
    codes,
    upperRows,
    links: pages.arena.block,
    pages: pages.block,
    basePages: pages.basePages,
  };
  const ef = beamFor(task);
  const filtered = admission.count < graph.count;
  const admitted = filtered ? await host.alloc('u32', admission.bits.length, 'search: admitted') : undefined;
  try {
    if (admitted) host.write(admitted, admission.bits);
    const breather = new Breather(options.signal);
    let done = 0;
    const slices = Array.from({ length: Math.ceil(nq / SLICE) }, (_, i) => async () => {
      const first = i * SLICE;
      const rows = queries.subarray(first * dim, Math.min(nq, first + SLICE) * dim);
      using coded = await codec.encodeQueries(rows);
      const n = rows.length / dim;
      using found = await walker.walk(view, { nq: n, queries: coded, level: 0, ef, admitted });
      await refine(task, rows, found, ef, first, answer);
      done += n;
      options.onProgress?.(done, nq);
      await breather.breathe();
    });
    await runInFlight(1, slices);
    return answer;
  } finally {
    admitted?.[Symbol.dispose]();
  }
}

async function scanned(task: HnswTask, answer: Answer): Promise<Answer> {
  const { admission, k } = task;
  if (admission.count === 0) return answer;
  const nq = answer.labels.length / k;
  const collector = new BestCollector(nq, Math.min(k, admission.count));
  await exhaust(task, collector);
  for (const [q, list] of collector.lists.entries()) {
    list.writeTo(answer.labels, answer.distances, q * k);
    answer.stats[2 * q + 1] = admission.count;
  }
  return answer;
}

/** How many of a beam's entries are refined. */
export function refinedOf(ef: number, k: number): number {
  return process.env.REF
    ? Math.min(ef, Math.max(2 * k, Math.ceil(ef * Number(process.env.REF))))
    : Math.min(ef, Math.max(2 * k, 16, ef >> 1));
}

/** Canonical distances of what a walk found, into the answer from query `first` on. */
async function refine(task: HnswTask, rows: Float32Array, found: Found, ef: number, first: number, answer: Answer): Promise<void> {
  const { engine, graph, codec, width, metric, k } = task;
  const host: HostEngine = engine.host;
  const { dim, stride, grid } = codec.plan;
  const nq = rows.length / dim;
  const vectors = graph.vectors;
  const slots = Math.min(nq, host.info.threads);
  const slotWords = refineScratchWords(width);
  const kept = Math.min(k, ef);
  using queries = await padded(host, rows, dim, width);
  using best = await host.alloc('u32', 2 * nq * kept, 'search: best');
  using scratch = await host.alloc('u32', slots * slotWords, 'search: scratch');
  const blocks = {
    queries,
    vectors: vectors ?? queries,
    codes: graph.codes,
    shift: codec.shiftBlock,
    lists: found.ids,
    labels: graph.labels,
    best,
    scratch,
  };
  const params = {
    nq,
    width,
    metric: METRIC_CODES[metric],
    listStride: ef,
    listLength: refinedOf(ef, k),
    k: kept,
    coded: vectors ? 0 : 1,
    dim,
    stride,
    step: new Uint32Array(Float32Array.of(1 / (grid?.scale ?? 1)).buffer)[0]!,
    slots,
    slotWords,
  };
  await host.run(new Recording().dispatch(refineLists, blocks, params));
  const pairs = host.view(best);
  for (let q = 0; q < nq; q++) {
    for (let i = 0; i < kept && pairs[2 * (q * kept + i)] !== NONE; i++) {
      answer.labels[(first + q) * k + i] = pairs[2 * (q * kept + i)]!;
      answer.distances[(first + q) * k + i] = fromOrderedBits(pairs[2 * (q * kept + i) + 1]! | 0);
    }
  }
  answer.stats.set(host.view(found.stats), 2 * first);
}

async function padded(host: HostEngine, rows: Float32Array, dim: number, width: number): Promise<Block<'f32'>> {
  const n = rows.length / dim;
  const block = await host.alloc('f32', n * width, 'search: queries');
  const view = host.view(block);
  for (let q = 0; q < n; q++) view.set(rows.subarray(q * dim, (q + 1) * dim), q * width);
  return block;
}
