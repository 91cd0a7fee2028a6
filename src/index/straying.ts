/** What an index does beside what it was chosen for. */
import type { Timing } from '../util/timings.ts';
import type { TunedChoice } from './tuned.ts';
import type { LiveRecall, SearchOptions, Stray } from './vector-index.ts';

/** What is seen of an index. */
export interface Seen {
  /** Of single queries, searched as the choice says. */
  readonly asChosen: Timing;
  /** The last measurement with the choice's ways. */
  readonly recall: LiveRecall | undefined;
  readonly rows: number;
  readonly memoryBytes: number;
}

/** Single queries that percentiles of them want: p99 of fewer says little. */
export const ENOUGH_QUERIES = 200;
/** Times as much as promised: what machines do to times, and what the first rows cost. */
const SLOWER = 1.5;
const LARGER = 1.25;
/** Rows that an index is measured anew from: other ways may be better for so many. */
const GROWN = 4;
/** Rows below which what an index holds whatever its size counts for much. */
const ENOUGH_ROWS = 1000;
const Z95 = 1.96;

/** Whether a search is one that the choice was measured with. */
export function isAsChosen({ point, measuredOn }: TunedChoice, k: number, options: SearchOptions): boolean {
  const ways = ['efSearch', 'nprobe', 'refineFactor'] as const;
  const same = ways.every((way) => options[way] === undefined || options[way] === point.search[way]);
  return same && options.filter === undefined && k <= (measuredOn?.k ?? 10);
}

export function straysOf(choice: TunedChoice, seen: Seen): Stray[] {
  return [...times(choice, seen), ...recall(choice, seen), ...growth(choice, seen)];
}

function times({ point: { latency } }: TunedChoice, { asChosen }: Seen): Stray[] {
  if (asChosen.count < ENOUGH_QUERIES) return [];
  return (['p50', 'p99'] as const)
    .filter((what) => asChosen[what] > SLOWER * latency[what])
    .map((what) => {
      const [promised, now] = [latency[what], asChosen[what]];
      return { what, promised, now, text: `${what} of single queries is ${now.toFixed(3)} ms, ${promised.toFixed(3)} were promised` };
    });
}

/** Rows asked for themselves are like queries only where those were taken from among them. */
function recall({ point, measuredOn }: TunedChoice, { recall: live }: Seen): Stray[] {
  if (!live || !measuredOn?.heldOut) return [];
  const error = Z95 * Math.sqrt((live.recall * (1 - live.recall)) / live.sample);
  const [low] = point.recallInterval;
  if (live.recall + error >= low) return [];
  const text = `recall is ${live.recall.toFixed(3)} of ${live.sample} rows, ${point.recall.toFixed(3)} (at least ${low.toFixed(3)}) was promised`;
  return [{ what: 'recall', promised: point.recall, now: live.recall, text }];
}

function growth({ point, measuredOn }: TunedChoice, { rows, memoryBytes }: Seen): Stray[] {
  if (!measuredOn || rows < ENOUGH_ROWS) return [];
  const strays: Stray[] = [];
  const [promised, now] = [point.memoryBytes / measuredOn.n, memoryBytes / rows];
  if (now > LARGER * promised) {
    const text = `a row takes ${now.toFixed(0)} bytes, ${promised.toFixed(0)} were promised; compact() lets go of removed rows`;
    strays.push({ what: 'memory', promised, now, text });
  }
  if (rows > GROWN * measuredOn.n) {
    const text = `there are ${rows} rows, the choice was measured on ${measuredOn.n}; tune anew`;
    strays.push({ what: 'rows', promised: measuredOn.n, now: rows, text });
  }
  return strays;
}
