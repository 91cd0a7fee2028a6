/** Measured ways to search, which of them no other beats, and which one a wish asks for. */
import type { OperatingPoint } from '../index/tuned.ts';
import { badArgument, shown } from '../util/errors.ts';

export const OBJECTIVES = ['p99', 'qps', 'memory', 'build'] as const;
/** What is to be least, or for 'qps' most. */
export type Objective = (typeof OBJECTIVES)[number];

export interface Wish {
  readonly minRecall?: number | undefined;
  /** Milliseconds of a single query that 99 of 100 stay below. */
  readonly maxP99?: number | undefined;
  /** Bytes. */
  readonly maxMemory?: number | undefined;
  /** Seconds. */
  readonly maxBuild?: number | undefined;
  /** Default 'p99'. */
  readonly objective?: Objective | undefined;
}

/** The price of a point: smaller is better. */
export function costOf({ latency, qps, memoryBytes, buildSeconds }: OperatingPoint, objective: Objective): number {
  if (objective === 'p99') return latency.p99;
  if (objective === 'qps') return -Math.max(0, ...Object.values(qps));
  return objective === 'memory' ? memoryBytes : buildSeconds;
}

/** Points that no other one beats: none has as much recall at less cost, or more at the same. Dearer last; of equal ones the first. */
export function frontier(points: readonly OperatingPoint[], objective: Objective): OperatingPoint[] {
  checkObjective(objective);
  const cost = (point: OperatingPoint) => costOf(point, objective);
  const byCost = [...points].sort((a, b) => cost(a) - cost(b) || b.recall - a.recall);
  const kept: OperatingPoint[] = [];
  for (const point of byCost) if (kept.length === 0 || point.recall > kept.at(-1)!.recall) kept.push(point);
  return kept;
}

/** A limit of a wish, and how many times as much as it allows a point takes: 1 or less where it is kept. */
interface Limit {
  readonly name: 'minRecall' | 'maxP99' | 'maxMemory' | 'maxBuild';
  readonly excess: (point: OperatingPoint) => number;
}

/** Share of neighbours missed that counts as none, so that ratios of them mean something. */
const HARDLY_ANY = 1e-3;

/** Throws 'bad-argument' for a recall that is no share, and for limits that are not above 0. */
export function checkWish({ minRecall, objective = 'p99', ...most }: Wish): void {
  checkObjective(objective);
  if (minRecall !== undefined && !(minRecall >= 0 && minRecall <= 1)) {
    throw badArgument(`minRecall is ${shown(minRecall)}; give a share from 0 to 1, as 0.95`);
  }
  for (const name of ['maxP99', 'maxMemory', 'maxBuild'] as const) {
    const value = most[name];
    if (value !== undefined && !(value > 0)) throw badArgument(`${name} is ${shown(value)}; give a number above 0`);
  }
}

function limitsOf({ minRecall, maxP99, maxMemory, maxBuild }: Wish): Limit[] {
  const limits: Limit[] = [];
  if (minRecall !== undefined) {
    limits.push({
      name: 'minRecall',
      excess: ({ recall }) => (recall >= minRecall ? 1 : (1 - recall + HARDLY_ANY) / (1 - minRecall + HARDLY_ANY)),
    });
  }
  if (maxP99 !== undefined) limits.push({ name: 'maxP99', excess: ({ latency }) => latency.p99 / maxP99 });
  if (maxMemory !== undefined) limits.push({ name: 'maxMemory', excess: ({ memoryBytes }) => memoryBytes / maxMemory });
  if (maxBuild !== undefined) limits.push({ name: 'maxBuild', excess: ({ buildSeconds }) => buildSeconds / maxBuild });
  return limits;
}

export interface Choice {
  /** The cheapest point that meets the wish; undefined where none does. */
  readonly best: OperatingPoint | undefined;
  /** Where none does: the point that comes nearest, and the limits that it misses. */
  readonly nearest: OperatingPoint | undefined;
  readonly missed: readonly Limit['name'][];
}

/** Of points that cost the same the one with more recall, then the first. Throws 'bad-argument' for a wish that is none. */
export function bestFor(points: readonly OperatingPoint[], wish: Wish): Choice {
  checkWish(wish);
  const limits = limitsOf(wish);
  const objective = wish.objective ?? 'p99';
  // By products of ratios, so that one hopeless limit does not cost all of another that can be kept.
  const distance = (point: OperatingPoint) => limits.reduce((product, { excess }) => product * Math.max(1, excess(point)), 1);
  const order = (a: OperatingPoint, b: OperatingPoint) => costOf(a, objective) - costOf(b, objective) || b.recall - a.recall;
  const meeting = points.filter((point) => distance(point) === 1).sort(order);
  if (meeting.length > 0) return { best: meeting[0], nearest: undefined, missed: [] };
  const [nearest] = [...points].sort((a, b) => distance(a) - distance(b) || order(a, b));
  const missed = nearest ? limits.filter(({ excess }) => excess(nearest) > 1).map(({ name }) => name) : [];
  return { best: undefined, nearest, missed };
}

function checkObjective(objective: Objective): Objective {
  if (OBJECTIVES.includes(objective)) return objective;
  throw badArgument(`objective is ${shown(objective)}; give one of ${OBJECTIVES.join(', ')}`);
}
