import { NONE } from '../graph.ts';
import { Scorer } from './graph-score.ts';

export interface Candidate {
  readonly id: number;
  /** Distance to the node that links are chosen for. */
  readonly distance: number;
}

/** Nearest first. */
export function byDistance(a: Candidate, b: Candidate): number {
  return a.distance - b.distance || a.id - b.id;
}

/** The heuristic: `sorted` candidates, nearest first, at most `most` of them. */
export function select(scorer: Scorer, sorted: readonly Candidate[], most: number): number[] {
  const chosen: number[] = [];
  for (const { id, distance } of sorted) {
    if (chosen.length === most) break;
    const hidden = chosen.some((other) => {
      const between = scorer.between(id, other);
      return between < distance || (between === 0 && distance === 0);
    });
    if (!hidden) chosen.push(id);
  }
  return chosen;
}

interface SelectViews {
  codes: Int8Array;
  nodes: Uint32Array;
  keys: Int32Array;
  candidates: Uint32Array;
  chosen: Uint32Array;
}

/** Specification of the kernel `graph-select`. */
export function graphSelectTwin(
  { codes, nodes, keys, candidates, chosen }: SelectViews,
  { m, stride, form, ef, most }: Record<'m' | 'stride' | 'form' | 'ef' | 'most', number>,
): void {
  const scorer = new Scorer(codes, stride, form);
  for (let i = 0; i < m; i++) {
    const term = scorer.term(nodes[i]!);
    const sorted: Candidate[] = [];
    for (let at = i * ef; at < (i + 1) * ef && candidates[at] !== NONE; at++) {
      sorted.push({ id: candidates[at]!, distance: keys[at]! + term });
    }
    chosen.fill(NONE, i * most, (i + 1) * most).set(select(scorer, sorted, most), i * most);
  }
}
