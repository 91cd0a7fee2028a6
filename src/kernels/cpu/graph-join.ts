import { NONE } from '../graph.ts';
import type { ParamsOf } from '../kernel.ts';
import { Scorer } from './graph-score.ts';
import { type Links, linksOf } from './graph-search.ts';
import { byDistance, select } from './graph-select.ts';

interface JoinViews extends Links {
  codes: Int8Array;
  targets: Uint32Array;
  offsets: Uint32Array;
  sources: Uint32Array;
  joined: Uint32Array;
}

/** Specification of the kernel `graph-join`. */
export function graphJoinTwin(views: JoinViews, params: ParamsOf<JoinParam>): void {
  const { t, stride, form, degree, basePages, level, most } = params;
  const { codes, targets, offsets, sources, joined } = views;
  const scorer = new Scorer(codes, stride, form);
  for (let i = 0; i < t; i++) {
    const target = targets[i]!;
    const old = linksOf(views, degree, basePages, target, level);
    const all = [...old, ...sources.subarray(offsets[i], offsets[i + 1])];
    joined.fill(NONE, i * degree, (i + 1) * degree).set(all.length <= most ? all : pruned(scorer, target, all, most), i * degree);
  }
}

function pruned(scorer: Scorer, target: number, links: readonly number[], most: number): number[] {
  const candidates = links.map((id) => ({ id, distance: scorer.between(target, id) }));
  candidates.sort(byDistance);
  return select(scorer, candidates, most);
}

type JoinParam = 't' | 'stride' | 'form' | 'degree' | 'basePages' | 'level' | 'most';
