/** How much of the truth an index finds just now: its answers to some of its own rows beside exact ones. */
import type { Engine } from '../host/engine.ts';
import { IsodexError } from '../util/errors.ts';
import { spread } from '../util/spread.ts';
import { BestCollector } from './collectors.ts';
import { exhaust } from './exhaust.ts';
import { admit } from './filter.ts';
import { liveRows, type Snapshot } from './rows.ts';
import type { LiveRecall, Metric, Neighbors, SearchOptions } from './vector-index.ts';

export interface Asked {
  readonly engine: Engine;
  readonly snapshot: Snapshot;
  readonly metric: Metric;
  readonly width: number;
  readonly k: number;
  readonly sample: number;
  readonly options: SearchOptions;
  /** The index's own search of rows as they are stored, for so many neighbours. */
  readonly nearest: (queries: Float32Array, k: number) => Promise<Neighbors>;
}

/** Compares every row with each of the sample: n · sample distances. Throws 'unsupported' where only codes are kept. */
export async function measureLiveRecall({ snapshot, k, sample, options, nearest, ...surroundings }: Asked): Promise<LiveRecall> {
  const { originals, labels } = snapshot;
  const rows = spread(liveRows(snapshot), 1, sample);
  if (rows.length === 0) return { recall: 1, hits: 0, possible: 0, sample: 0 };
  const queries = new Float32Array(rows.length * originals.dim);
  await originals.readRows(rows, queries, originals.dim);
  const found = await nearest(queries, k + 1);
  if (found.distancesOf === 'codes') {
    throw new IsodexError('unsupported', 'the index keeps only codes, so there are no vectors to measure its recall against; add RFlat');
  }
  const exact = new BestCollector(rows.length, k + 1);
  await exhaust({ ...surroundings, snapshot, admission: admit(snapshot, undefined), queries, options }, exact);
  let [hits, possible] = [0, 0];
  const truth = { labels: new Int32Array(k + 1), distances: new Float32Array(k + 1) };
  for (const [q, row] of rows.entries()) {
    truth.labels.fill(-1);
    truth.distances.fill(Infinity);
    exact.lists[q]!.writeTo(truth.labels, truth.distances, 0);
    const right = others(truth.labels, truth.distances, labels[row]!, k);
    const bound = right.at(-1) ?? -Infinity;
    const [from, to] = [q * (k + 1), (q + 1) * (k + 1)];
    const own = others(found.labels.subarray(from, to), found.distances.subarray(from, to), labels[row]!, k);
    hits += own.filter((distance) => distance <= bound).length;
    possible += right.length;
  }
  return { recall: possible === 0 ? 1 : hits / possible, hits, possible, sample: rows.length };
}

/** Distances of the first k that are not the row itself, nor missing. */
function others(labels: Int32Array, distances: Float32Array, self: number, k: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < labels.length && out.length < k; i++) if (labels[i]! >= 0 && labels[i] !== self) out.push(distances[i]!);
  return out;
}
