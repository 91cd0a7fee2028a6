/** How much of the rows each candidate sees: successive halving (Jamieson, Talwalkar, 2016), by recall and counts of distances alone. */
import type { Candidate } from './candidates.ts';
import type { TrialRecord } from './trial.ts';

/** Each rung has so many times as many rows as the one before, and half as many candidates. */
const GROWTH = 4;
/** Fewer rows say too little of more. */
const LEAST_ROWS = 4000;
/** Candidates of a family that see all rows. */
const FINALISTS = 2;

/** Rows of each rung for a family with so many candidates; the last one has all. */
export function rungs(n: number, candidates: number): number[] {
  const sizes = [n];
  for (let left = FINALISTS; left < candidates; left *= 2) {
    const fewer = Math.floor(sizes[0]! / GROWTH);
    if (fewer < LEAST_ROWS) break;
    sizes.unshift(fewer);
  }
  return sizes;
}

/** The better half of candidates, in their order; after the last rung but one no more than see all rows. */
export function promoted(
  candidates: readonly Candidate[],
  records: readonly TrialRecord[],
  minRecall: number,
  isLast: boolean,
): Candidate[] {
  const keep = isLast ? Math.min(FINALISTS, candidates.length) : Math.max(FINALISTS, Math.ceil(candidates.length / 2));
  const ranked = candidates.map((candidate, i) => ({ candidate, i, merit: meritOf(records[i]!, minRecall) }));
  ranked.sort((a, b) => compareMerits(a.merit, b.merit) || a.i - b.i);
  return ranked
    .slice(0, keep)
    .sort((a, b) => a.i - b.i)
    .map(({ candidate }) => candidate);
}

interface Merit {
  /** Distances of the first search that finds enough; Infinity where none does. */
  readonly distances: number;
  readonly recall: number;
}

function meritOf({ searches }: TrialRecord, minRecall: number): Merit {
  const enough = searches.find(({ recall }) => recall >= minRecall);
  return { distances: enough?.distances ?? Infinity, recall: Math.max(...searches.map(({ recall }) => recall)) };
}

/** Fewer distances first; where neither finds enough, more recall. */
function compareMerits(a: Merit, b: Merit): number {
  if (a.distances !== b.distances) return a.distances - b.distances;
  return b.recall - a.recall;
}
