import { NONE } from '../graph.ts';
import type { ParamsOf } from '../kernel.ts';
import { Scorer } from './graph-score.ts';
import { byDistance, type Candidate, select } from './graph-select.ts';

interface PruneViews {
  codesA: Int8Array;
  codesB: Int8Array;
  linksA: Uint32Array;
  linksB: Uint32Array;
  tables: Uint32Array;
  lists: Uint32Array;
  groups: Uint32Array;
  edges: Uint32Array;
}

type PruneParam =
  | ('items' | 'skip' | 'first' | 'back' | 'quads' | 'form' | 'degree' | 'split' | 'linkSplit')
  | ('upperBase' | 'level' | 'ef' | 'most');

/** Specification of the kernel `graph-prune`. */
export function graphPruneTwin(views: PruneViews, params: ParamsOf<PruneParam>): void {
  const { items, skip, first, back, ef, quads, form } = params;
  const stride = 16 * quads;
  const pruner = new Pruner(views, params, new Scorer(joined(views.codesA, views.codesB, params.split * stride), stride, form));
  const { groups } = views;
  for (let i = skip; i < skip + items; i++) {
    if (back === 0) pruner.choose(groups[first + i]!, first + i, i * (2 * ef + 2));
    else if (i < groups[0]!) pruner.linkBack(groups[2 + 4 * i]!, 2 * groups[3 + 4 * i]!, groups[4 + 4 * i]!);
  }
}

/** Rows of two blocks behind one another; the second one may be there for form's sake. */
function joined(a: Int8Array, b: Int8Array, bytes: number): Int8Array {
  const all = new Int8Array(bytes + b.length);
  all.set(a.subarray(0, bytes));
  all.set(b, bytes);
  return all;
}

class Pruner {
  private readonly views: PruneViews;
  private readonly params: ParamsOf<PruneParam>;
  private readonly scorer: Scorer;

  constructor(views: PruneViews, params: ParamsOf<PruneParam>, scorer: Scorer) {
    this.views = views;
    this.params = params;
    this.scorer = scorer;
  }

  /** The links of a new node, number `i`, among what a search found. */
  choose(node: number, i: number, at: number): void {
    const { ef, most } = this.params;
    const { lists, edges } = this.views;
    const row = this.rowOf(node);
    if (!row) return;
    const ids = lists.subarray(at + ef, at + 2 * ef);
    const term = this.scorer.term(node);
    const found = Array.from(ids.subarray(0, lengthOf(ids)), (id, j): Candidate => ({ id, distance: (lists[at + j]! | 0) + term }));
    const chosen = select(this.scorer, found, most);
    row.fill(NONE).set(chosen);
    for (let j = 0; j < most; j++) {
      const id = chosen[j] ?? NONE;
      edges.set([id, id === NONE ? 0 : found.find((one) => one.id === id)!.distance], 2 * (i * most + j));
    }
  }

  /** Links a node to those of its list. */
  linkBack(node: number, at: number, count: number): void {
    const { lists } = this.views;
    const { most } = this.params;
    const row = this.rowOf(node);
    if (!row) return;
    const keys = lists.subarray(at, at + count);
    const ids = lists.subarray(at + count, at + 2 * count);
    const old = row.slice(0, lengthOf(row.subarray(0, most)));
    if (old.length + count <= most) {
      row.set(ids.slice().sort(), old.length);
      return;
    }
    const fresh = Array.from(ids, (id, i): Candidate => ({ id, distance: keys[i]! | 0 })).sort(byDistance);
    for (const [i, { id, distance }] of fresh.entries()) [keys[i], ids[i]] = [distance, id];
    const all = [...fresh, ...Array.from(old, (id) => ({ id, distance: this.scorer.between(node, id) }))].sort(byDistance);
    row.fill(NONE).set(select(this.scorer, all, most));
  }

  /** The node's link row on the level, as it lies there. */
  private rowOf(node: number): Uint32Array | undefined {
    const { tables, linksA, linksB } = this.views;
    const { level, upperBase, linkSplit, degree } = this.params;
    if (level > 0 && tables[node] === NONE) return undefined;
    const row = level === 0 ? node : upperBase + tables[node]! + level - 1;
    const [links, at] = row < linkSplit ? [linksA, row] : [linksB, row - linkSplit];
    return links.subarray(at * degree, (at + 1) * degree);
  }
}

/** Ids before the first NONE. */
function lengthOf(ids: Uint32Array): number {
  const end = ids.indexOf(NONE);
  return end < 0 ? ids.length : end;
}
