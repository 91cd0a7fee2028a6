import { NONE, PAGE_ROWS } from '../graph.ts';
import type { ParamsOf } from '../kernel.ts';
import { Beam } from './beam.ts';
import { Scorer } from './graph-score.ts';

export interface Links {
  readonly links: Uint32Array;
  readonly pages: Uint32Array;
  readonly upperRows: Uint32Array;
}

/** The links of a node on a level, as they lie. */
export function linksOf({ links, pages, upperRows }: Links, degree: number, basePages: number, node: number, level: number): Uint32Array {
  const row = level === 0 ? node : upperRows[node]! + level - 1;
  const slot = pages[(level === 0 ? 0 : basePages) + Math.floor(row / PAGE_ROWS)]!;
  const at = (slot * PAGE_ROWS + (row % PAGE_ROWS)) * degree;
  const end = links.indexOf(NONE, at);
  return links.subarray(at, end < 0 ? at + degree : Math.min(end, at + degree));
}

interface SearchViews extends Links {
  queries: Int8Array;
  codes: Int8Array;
  admitted: Uint32Array;
  keys: Int32Array;
  ids: Uint32Array;
  stats: Uint32Array;
}

/** Specification of the kernel `graph-search`. */
export function graphSearchTwin(views: SearchViews, params: ParamsOf<SearchParam>): void {
  for (let q = 0; q < params.nq; q++) {
    const walk = new Walk(views, params, q);
    const start = walk.descend();
    writeResults(views, params.ef, q, walk.fill(start));
    views.stats[2 * q] = walk.hops;
    views.stats[2 * q + 1] = walk.distances;
  }
}

type SearchParam = 'nq' | 'stride' | 'form' | 'degree' | 'basePages' | 'entry' | 'entryLevel' | 'level' | 'ef' | 'filtered';

/** One query's way through the graph. */
class Walk {
  hops = 0;
  distances = 0;
  private readonly views: SearchViews;
  private readonly params: ParamsOf<SearchParam>;
  private readonly q: number;
  private readonly scorer: Scorer;

  constructor(views: SearchViews, params: ParamsOf<SearchParam>, q: number) {
    this.views = views;
    this.params = params;
    this.q = q;
    this.scorer = new Scorer(views.codes, params.stride, params.form);
  }

  /** Greedy steps from the entry down to the level that is searched. */
  descend(): number {
    let nearest = { id: this.params.entry, key: this.keyOf(this.params.entry) };
    for (let above = this.params.entryLevel; above > this.params.level; above--) {
      for (let from = -1; from !== nearest.id; ) {
        from = nearest.id;
        for (const id of this.linksOf(from, above)) {
          const key = this.keyOf(id);
          if (key < nearest.key || (key === nearest.key && id < nearest.id)) nearest = { id, key };
        }
      }
    }
    this.distances--; // the start is scored again by `fill`, which the others need not do
    return nearest.id;
  }

  /** The beam, filled from one node on. */
  fill(start: number): Beam {
    const { ef, filtered, level } = this.params;
    const beam = new Beam(ef, filtered ? this.views.admitted : undefined);
    const seen = new Set([start]);
    beam.insert(this.keyOf(start), start);
    for (let node = beam.expandNearest(); node >= 0; node = beam.expandNearest()) {
      for (const id of this.linksOf(node, level)) {
        if (seen.has(id)) continue;
        seen.add(id);
        beam.insert(this.keyOf(id), id);
      }
    }
    return beam;
  }

  private linksOf(node: number, level: number): Uint32Array {
    this.hops++;
    return linksOf(this.views, this.params.degree, this.params.basePages, node, level);
  }

  private keyOf(node: number): number {
    this.distances++;
    return this.scorer.key(this.views.queries, this.q, node);
  }
}

function writeResults({ keys, ids }: SearchViews, ef: number, q: number, beam: Beam): void {
  keys.fill(0, q * ef, (q + 1) * ef);
  ids.fill(NONE, q * ef, (q + 1) * ef);
  let at = q * ef;
  for (const [i, id] of beam.ids.entries()) {
    if (!beam.mayReturn(id)) continue;
    keys[at] = beam.keys[i]!;
    ids[at++] = id;
  }
}
