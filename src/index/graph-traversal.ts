/** One query's way through a graph whose candidates are scored elsewhere: it asks for keys, is given them, and asks on. */
import { BEAM_FACTOR, NONE, PAGE_ROWS } from '../kernels/graph.ts';
import type { GraphView } from './graph-walk.ts';
import { SortedBeam } from './sorted-beam.ts';

/** A graph's links as they lie on the host just now. */
export interface LinkViews {
  readonly links: Uint32Array;
  readonly pages: Uint32Array;
  readonly upperRows: Uint32Array;
}

/** Takes the pairs whose keys a traversal waits for. */
export interface PairSink {
  add(q: number, row: number): void;
}

/** What all traversals of a walk have in common. */
export interface Course {
  readonly graph: GraphView;
  readonly level: number;
  readonly ef: number;
  /** Bit per node. */
  readonly admitted: Uint32Array | undefined;
  /** A power of two: entries of the table of visited nodes. */
  readonly visitedSlots: number;
}

/** Entries of the table for each entry of the beam: with fewer, more nodes are forgotten and scored again. */
const SLOTS_PER_ENTRY = 64;

/**
 * Visited nodes are kept in a table of ids, where a node overwrites the one that was at its place. It may forget a node, which
 * is then scored again and changes nothing (docs/identity.md, part 9), but takes none for another. So it may have a fixed size
 * that depends on the beam and not on the graph: a bit for each node would take megabytes for each query of a large graph, and
 * a set that grows costs more time than the few keys computed twice. In a small graph every node has a place of its own.
 */
export function visitedSlotsFor(count: number, ef: number): number {
  const wanted = Math.min(count, SLOTS_PER_ENTRY * ef);
  return 2 ** Math.ceil(Math.log2(Math.max(2, wanted)));
}

/** Bytes that a traversal takes. */
export function traversalBytes({ visitedSlots, ef, admitted }: Course): number {
  return 4 * visitedSlots + 8 * ((admitted ? BEAM_FACTOR : 1) * ef + 1);
}

export class Traversal {
  hops = 0;
  distances = 0;
  private readonly course: Course;
  /** Its number in the group. */
  private readonly q: number;
  private readonly beam: SortedBeam;
  private readonly visited: Uint32Array;
  /** Above the level that is searched the way goes down greedily: the level, the nearest node so far, whose links were followed last. */
  private above: number;
  private nearest: number;
  private nearestKey = Number.POSITIVE_INFINITY;
  private followed = -1;
  private inBeam = false;

  constructor(course: Course, q: number) {
    this.course = course;
    this.q = q;
    this.beam = new SortedBeam(course.ef, course.admitted);
    this.visited = new Uint32Array(course.visitedSlots).fill(NONE);
    this.above = Math.max(course.graph.entryLevel, course.level);
    this.nearest = course.graph.entry;
  }

  /** Asks for the key of the node where the way begins. */
  begin(sink: PairSink): void {
    this.ask(this.nearest, sink);
  }

  /** A key that was asked for; of those asked for together, in any order. */
  take(key: number, id: number): void {
    if (this.inBeam) this.beam.insert(key, id);
    else if (key < this.nearestKey || (key === this.nearestKey && id < this.nearest)) {
      this.nearest = id;
      this.nearestKey = key;
    }
  }

  /** Follows links until there are keys to wait for; false when there is nothing left to follow. */
  advance(views: LinkViews, sink: PairSink): boolean {
    const before = this.distances;
    while (this.distances === before) {
      const node = this.nextNode();
      if (node < 0) return false;
      this.hops++;
      this.follow(node, views, sink);
    }
    return true;
  }

  /** What the beam holds of nodes that may be returned: as many keys and ids as there are, of rows [ef]. */
  writeTo(keys: Int32Array, ids: Uint32Array): void {
    const { beam } = this;
    let found = 0;
    for (let i = 0; i < beam.length; i++) {
      const id = beam.idAt(i);
      if (!beam.mayReturn(id)) continue;
      keys[found] = beam.keyAt(i);
      ids[found++] = id;
    }
    keys.fill(0, found);
    ids.fill(NONE, found);
  }

  /** The node to expand next; −1 when all are. */
  private nextNode(): number {
    while (this.above > this.course.level) {
      if (this.followed !== this.nearest) return (this.followed = this.nearest);
      this.above--;
      this.followed = -1;
    }
    if (!this.inBeam) {
      this.inBeam = true;
      this.visit(this.nearest);
      this.beam.insert(this.nearestKey, this.nearest);
    }
    return this.beam.expandNearest();
  }

  /** Asks for the keys of a node's links: of all of them on the way down, later of those that are new. */
  private follow(node: number, { links, pages, upperRows }: LinkViews, sink: PairSink): void {
    const { degree, basePages } = this.course.graph;
    const row = this.above === 0 ? node : upperRows[node]! + this.above - 1;
    const slot = pages[(this.above === 0 ? 0 : basePages) + Math.floor(row / PAGE_ROWS)]!;
    const first = (slot * PAGE_ROWS + (row % PAGE_ROWS)) * degree;
    for (let at = first; at < first + degree; at++) {
      const id = links[at]!;
      if (id === NONE) return;
      if (!this.inBeam || this.visit(id)) this.ask(id, sink);
    }
  }

  /** Whether a node was not visited, as far as is remembered. */
  private visit(id: number): boolean {
    const slot = id & (this.course.visitedSlots - 1);
    if (this.visited[slot] === id) return false;
    this.visited[slot] = id;
    return true;
  }

  private ask(id: number, sink: PairSink): void {
    this.distances++;
    sink.add(this.q, id);
  }
}
