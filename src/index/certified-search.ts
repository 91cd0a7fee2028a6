/** Refining what scans of codes found such that the answer is certain: it is that of the vectors in the lists that were probed. */
import type { HostEngine } from '../host/engine.ts';
import { LANES } from '../kernels/canonical-distances.ts';
import { NONE } from '../kernels/graph.ts';
import { roundUp } from '../util/math.ts';
import { BestList } from './best-list.ts';
import { Candidates } from './candidates.ts';
import type { Score } from './coding/list-codec.ts';
import type { Lists } from './coding/lists.ts';
import { LvqListCodec } from './coding/lvq-list-codec.ts';
import type { Trained } from './coding/trained.ts';
import { MOST_DISTORTION } from './coding/turning-error.ts';
import type { Collector } from './collectors.ts';
import type { Admission } from './filter.ts';
import type { Originals } from './originals.ts';
import { Refiner } from './refiner.ts';
import type { Snapshot } from './rows.ts';
import { ScoreBounds } from './score-bounds.ts';
import type { Metric } from './vector-index.ts';

/** Rows by key, u32 [nq, keep], NONE behind the last; from hosts with their keys, and what these say. */
export interface Scanned {
  readonly ids: Uint32Array;
  readonly keys?: Int32Array;
  readonly scores?: readonly Score[] | undefined;
}

/** What is searched (coded-search.ts). */
interface Certifiable {
  readonly engine: { readonly host: HostEngine };
  readonly trained: Trained;
  readonly lists: Lists;
  readonly snapshot: Snapshot;
  readonly admission: Admission;
  readonly metric: Metric;
  readonly vectors: Originals | undefined;
}

/** Whether what rows lost bounds their distances: of codes that keep it, with no transform in front but their own. */
export function isCertifiable({ codec, plan }: Trained): boolean {
  return codec instanceof LvqListCodec && plan.transforms.length === 0 && codec.plan.distortion <= MOST_DISTORTION;
}

/**
 * Hands the nearest rows of queries f32 [nq, dim] to the collector, but of those whose answer is not certain yet: their numbers are
 * returned. A row goes without refining where its lower bound lies above k upper bounds; an answer is certain where its last distance
 * lies below what rows may have that the scan left out.
 */
export async function refineCertified(
  task: Certifiable,
  queries: Float32Array,
  transformed: Float32Array,
  { ids, keys, scores }: Scanned,
  keep: number,
  collector: Collector,
): Promise<number[]> {
  const { engine, vectors, snapshot, metric, lists } = task;
  const codec = task.trained.codec as LvqListCodec;
  const { dim } = snapshot.originals;
  const nq = queries.length / dim;
  const k = collector.k!;
  const bounds = new ScoreBounds(metric, codec);
  const codes = engine.host.view(lists.codes);
  const mostLost = mostLostIn(lists, codec, codes);
  const candidates = new Candidates();
  const unseen = new Float64Array(nq).fill(Infinity);
  for (let q = 0; q < nq; q++) {
    const lengths = { query: lengthOf(queries, q, dim), turned: lengthOf(transformed, q, dim) };
    const score = scores![q]!;
    const uppers = new BestList(k);
    const leasts: number[] = [];
    for (let i = q * keep; i < (q + 1) * keep && ids[i] !== NONE; i++) {
      const { position } = lists.find(ids[i]!)!;
      const { least, most } = bounds.of(score, keys![i]!, codec.errorAt(codes, position * lists.stride), lengths);
      leasts.push(least);
      if (most < Infinity) uppers.push(most, ids[i]!);
    }
    for (const [i, least] of leasts.entries()) if (!(least > uppers.threshold)) candidates.push(q, ids[q * keep + i]!);
    const last = (q + 1) * keep - 1;
    if (keep < task.admission.count && ids[last] !== NONE) unseen[q] = bounds.of(score, keys![last]!, mostLost, lengths).least;
  }
  const best = Array.from({ length: nq }, () => new BestList(k));
  const refiner = new Refiner(engine.host, vectors!, metric, roundUp(dim, LANES), queries);
  await refiner.refine(candidates, (q, row, distance) => best[q]!.push(distance, snapshot.labels[row]!));
  const uncertain: number[] = [];
  for (const [q, list] of best.entries()) {
    if (unseen[q] === Infinity || unseen[q]! > list.threshold) handOver(list, q, collector);
    else uncertain.push(q);
  }
  return uncertain;
}

function handOver(list: BestList, q: number, collector: Collector): void {
  const [labels, distances] = [new Int32Array(list.k), new Float32Array(list.k)];
  list.writeTo(labels, distances, 0);
  for (let i = 0; i < list.size; i++) collector.take(q, labels[i]!, distances[i]!);
}

const known = new WeakMap<Lists, number>();

/** The most that a row of the lists lost. */
function mostLostIn(lists: Lists, codec: LvqListCodec, codes: Int8Array): number {
  let most = known.get(lists);
  if (most === undefined) {
    most = 0;
    for (let position = 0; position < lists.count; position++) most = Math.max(most, codec.errorAt(codes, position * lists.stride));
    known.set(lists, most);
  }
  return most;
}

function lengthOf(vectors: Float32Array, i: number, dim: number): number {
  let squares = 0;
  for (let j = i * dim; j < (i + 1) * dim; j++) squares += vectors[j]! * vectors[j]!;
  return Math.sqrt(squares) * (1 + 1e-9);
}
