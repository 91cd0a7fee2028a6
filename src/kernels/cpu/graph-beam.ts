import { NONE } from '../graph.ts';
import type { ParamsOf } from '../kernel.ts';
import { Beam } from './beam.ts';
import { Scorer } from './graph-score.ts';

interface BeamViews {
  queries: Int8Array;
  codesA: Int8Array;
  codesB: Int8Array;
  linksA: Uint32Array;
  linksB: Uint32Array;
  tables: Uint32Array;
  found: Uint32Array;
  /** Of devices alone. */
  spill: Uint32Array;
}

type BeamParam =
  | ('nq' | 'first' | 'n' | 'quads' | 'form' | 'degree' | 'split' | 'linkSplit' | 'upperBase' | 'admittedAt')
  | ('entry' | 'entryLevel' | 'level' | 'ef' | 'filtered' | 'visited');

/** Specification of the kernel `graph-beam`. */
export function graphBeamTwin(views: BeamViews, params: ParamsOf<BeamParam>): void {
  for (let q = params.first; q < params.first + params.nq; q++) {
    const walk = new DeviceWalk(views, params, q);
    walk.report(walk.fill(walk.descend()));
  }
}

/** One query's way, as a device takes it: its table of visited nodes forgets, so it may score a node twice. */
class DeviceWalk {
  private hops = 0;
  private distances = 0;
  private readonly views: BeamViews;
  private readonly params: ParamsOf<BeamParam>;
  private readonly q: number;
  private readonly scorers: readonly [below: Scorer, above: Scorer];

  constructor(views: BeamViews, params: ParamsOf<BeamParam>, q: number) {
    this.views = views;
    this.params = params;
    this.q = q;
    const stride = 16 * params.quads;
    this.scorers = [new Scorer(views.codesA, stride, params.form), new Scorer(views.codesB, stride, params.form)];
  }

  /** Greedy steps from the entry down to the level that is searched. */
  descend(): { id: number; key: number } {
    let nearest = { id: this.params.entry, key: this.keyOf(this.params.entry) };
    for (let above = this.params.entryLevel; above > this.params.level; above--) {
      for (let from = -1; from !== nearest.id; ) {
        from = nearest.id;
        this.hops++;
        for (const id of this.linksOf(from, above)) {
          const key = this.keyOf(id);
          if (key < nearest.key || (key === nearest.key && id < nearest.id)) nearest = { id, key };
        }
      }
    }
    return nearest;
  }

  /** The beam, filled from one node on. */
  fill(start: { id: number; key: number }): Beam {
    const { ef, filtered, level, admittedAt, visited: places } = this.params;
    const beam = new Beam(ef, filtered ? this.views.tables.subarray(admittedAt) : undefined);
    const visited = new Uint32Array(places).fill(NONE);
    const placeOf = (id: number) => id & (places - 1);
    visited[placeOf(start.id)] = start.id;
    beam.insert(start.key, start.id);
    for (let node = beam.expandNearest(); node >= 0; node = beam.expandNearest()) {
      this.hops++;
      const fresh = this.linksOf(node, level).filter((id) => visited[placeOf(id)] !== id);
      for (const id of fresh) visited[placeOf(id)] = NONE;
      for (const id of fresh) {
        visited[placeOf(id)] = Math.min(visited[placeOf(id)]!, id);
        beam.insert(this.keyOf(id), id);
      }
    }
    return beam;
  }

  report(beam: Beam): void {
    const { ef } = this.params;
    const out = this.views.found.subarray(this.q * (2 * ef + 2), (this.q + 1) * (2 * ef + 2));
    out.fill(0, 0, ef).fill(NONE, ef, 2 * ef);
    let at = 0;
    for (const [i, id] of beam.ids.entries()) {
      if (!beam.mayReturn(id)) continue;
      out[at] = beam.keys[i]! >>> 0;
      out[ef + at++] = id;
    }
    out.set([this.hops, this.distances], 2 * ef);
  }

  /** Ids of no node, as damage leaves them, are passed over. */
  private linksOf(node: number, level: number): number[] {
    const { degree, linkSplit, upperBase, n } = this.params;
    const { linksA, linksB, tables } = this.views;
    if (level > 0 && tables[node] === NONE) return [];
    const row = level === 0 ? node : upperBase + tables[node]! + level - 1;
    const [links, at] = row < linkSplit ? [linksA, row] : [linksB, row - linkSplit];
    return [...links.subarray(at * degree, (at + 1) * degree)].filter((id) => id < n);
  }

  private keyOf(node: number): number {
    const { split } = this.params;
    this.distances++;
    return node < split
      ? this.scorers[0].key(this.views.queries, this.q, node)
      : this.scorers[1].key(this.views.queries, this.q, node - split);
  }
}
