import { NONE, PAGE_ROWS } from '../graph.ts';
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
export function graphSearchTwin(views: SearchViews, params: Record<string, number>): void {
  const { nq, stride, form, degree, basePages, entry, entryLevel, level, ef, filtered } = params as Record<SearchParam, number>;
  const scorer = new Scorer(views.codes, stride, form);
  for (let q = 0; q < nq; q++) {
    let [hops, distances] = [0, 1];
    const keyOf = (node: number) => {
      distances++;
      return scorer.key(views.queries, q, node);
    };
    let nearest = { id: entry, key: scorer.key(views.queries, q, entry) };
    for (let above = entryLevel; above > level; above--) {
      for (let from = -1; from !== nearest.id; ) {
        from = nearest.id;
        hops++;
        for (const id of linksOf(views, degree, basePages, from, above)) {
          const key = keyOf(id);
          if (key < nearest.key || (key === nearest.key && id < nearest.id)) nearest = { id, key };
        }
      }
    }
    const beam = new Beam(ef, filtered ? views.admitted : undefined);
    const seen = new Set([nearest.id]);
    beam.insert(nearest.key, nearest.id);
    for (let node = beam.expandNearest(); node >= 0; node = beam.expandNearest()) {
      hops++;
      for (const id of linksOf(views, degree, basePages, node, level)) {
        if (seen.has(id)) continue;
        seen.add(id);
        beam.insert(keyOf(id), id);
      }
    }
    let found = 0;
    for (const [i, id] of beam.ids.entries()) {
      if (!beam.mayReturn(id)) continue;
      views.keys[q * ef + found] = beam.keys[i]!;
      views.ids[q * ef + found++] = id;
    }
    views.keys.fill(0, q * ef + found, (q + 1) * ef);
    views.ids.fill(NONE, q * ef + found, (q + 1) * ef);
    views.stats[2 * q] = hops;
    views.stats[2 * q + 1] = distances;
  }
}

type SearchParam = 'nq' | 'stride' | 'form' | 'degree' | 'basePages' | 'entry' | 'entryLevel' | 'level' | 'ef' | 'filtered';
