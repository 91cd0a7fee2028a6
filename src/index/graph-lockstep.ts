/**
 * Walks many queries at once and has their candidates scored by a device: per step one dispatch and one read-back for all of
 * a group's queries, whatever each of them is about. Keys are exact integers on every engine and a query's way depends on
 * nothing but its keys, so groups, chunks and the device never show in what is found.
 */
import type { Engine, HostEngine } from '../host/engine.ts';
import { isPq, isSq8, queryStride } from '../kernels/graph.ts';
import { runInFlight } from '../util/tasks.ts';
import type { CodecPlan } from './graph-codec.ts';
import type { DeviceCodes, DeviceRows } from './graph-device.ts';
import { type Course, type LinkViews, Traversal, traversalBytes, visitedSlotsFor } from './graph-traversal.ts';
import { type Found, type GraphView, openFound, type Walk, type Walker } from './graph-walk.ts';
import { PairScorer } from './pair-scorer.ts';

/** Groups under way at once: while the device scores one, the host follows the links of the other. */
const IN_FLIGHT = 2;
/** Bytes that the traversals of a group may take. */
const GROUP_BYTES = 2 ** 26;
/** Of the largest block, what the pairs of a step may take: their lists grow by doubling. */
const PAIRS_SHARE = 2;
const PAIR_BYTES = 8;

/** Whether a device can score the rows of a graph: canonical distances are computed on the host only. */
export function isDeviceWalkable({ form }: CodecPlan): boolean {
  return isSq8(form) || isPq(form);
}

export class LockstepWalker implements Walker {
  private readonly engine: Engine;
  private readonly codes: DeviceCodes;
  private readonly groupSize: number | undefined;
  private stepsDone = 0;

  /** `groupSize`: queries of a group; default by what steps cost. */
  constructor(engine: Engine, codes: DeviceCodes, groupSize?: number) {
    this.engine = engine;
    this.codes = codes;
    this.groupSize = groupSize;
  }

  /** Times that a device was waited for, by all walks so far. */
  get steps(): number {
    return this.stepsDone;
  }

  async walk(graph: GraphView, walk: Walk): Promise<Found> {
    const { engine, codes } = this;
    const rows = await codes.acquire(engine, graph, walk.signal);
    try {
      const found = await openFound(engine.host, walk.nq, walk.ef);
      try {
        await runInFlight(IN_FLIGHT, this.groups(graph, walk, rows, found));
        return found;
      } catch (error) {
        found[Symbol.dispose]();
        throw error;
      }
    } finally {
      rows.release();
    }
  }

  /** Each group is sized when it begins, by what the ones before it have shown. */
  private *groups(graph: GraphView, walk: Walk, rows: DeviceRows, found: Found): Generator<() => Promise<void>> {
    const course = courseOf(this.engine.host, graph, walk);
    const most = this.mostQueries(course);
    const share = Math.ceil(walk.nq / IN_FLIGHT);
    for (let next = 0; next < walk.nq; ) {
      const left = walk.nq - next;
      const size = this.groupSize ?? rows.pace.groupSize(share, most);
      const first = next;
      next += Math.ceil(left / Math.ceil(left / size)); // what is left in equal parts, lest the last be small
      yield () => this.walkGroup(course, walk, rows, first, next - first, found);
    }
  }

  /** Queries that a group may have for its memory's sake, on the host and on the device. */
  private mostQueries(course: Course): number {
    const { degree, plan } = course.graph;
    const { maxBlockBytes } = this.engine;
    const blockBytes = Math.max(PAIRS_SHARE * PAIR_BYTES * degree, queryStride(plan.form, plan.stride));
    return Math.max(1, Math.floor(Math.min(GROUP_BYTES / traversalBytes(course), maxBlockBytes / blockBytes)));
  }

  /** Queries [first, first + n) of the walk. */
  private async walkGroup(course: Course, walk: Walk, rows: DeviceRows, first: number, n: number, found: Found): Promise<void> {
    const { engine } = this;
    const { host } = engine;
    const bytes = queryStride(rows.plan.form, rows.plan.stride);
    using scorer = await PairScorer.open(engine, rows, n, () => host.view(walk.queries).subarray(first * bytes, (first + n) * bytes));
    const traversals = Array.from({ length: n }, (_, q) => new Traversal(course, q));
    for (const traversal of traversals) traversal.begin(scorer);
    let live = traversals;
    while (live.length > 0) {
      walk.signal?.throwIfAborted();
      await this.step(scorer, rows, traversals, live.length);
      const views = linkViews(host, course.graph);
      live = live.filter((traversal) => traversal.advance(views, scorer));
    }
    for (const [q, traversal] of traversals.entries()) writeFound(host, found, walk.ef, first + q, traversal);
  }

  private async step(scorer: PairScorer, rows: DeviceRows, traversals: readonly Traversal[], live: number): Promise<void> {
    const pairs = scorer.pending;
    const start = performance.now();
    await scorer.score((q, key, row) => traversals[q]!.take(key, row));
    rows.pace.note(live, pairs, performance.now() - start);
    this.stepsDone++;
  }
}

function courseOf(host: HostEngine, graph: GraphView, { level, ef, admitted }: Walk): Course {
  // A copy, since memory may move while a step is waited for.
  const bits = admitted && host.view(admitted).slice();
  return { graph, level, ef, admitted: bits, visitedSlots: visitedSlotsFor(graph.count, ef) };
}

function linkViews(host: HostEngine, { links, pages, upperRows }: GraphView): LinkViews {
  return { links: host.view(links), pages: host.view(pages), upperRows: host.view(upperRows) };
}

function writeFound(host: HostEngine, { keys, ids, stats }: Found, ef: number, q: number, traversal: Traversal): void {
  traversal.writeTo(host.view(keys).subarray(q * ef, (q + 1) * ef), host.view(ids).subarray(q * ef, (q + 1) * ef));
  host.view(stats).set([traversal.hops, traversal.distances], 2 * q);
}
