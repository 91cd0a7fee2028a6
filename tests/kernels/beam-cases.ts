/** Whole inputs of the kernel graph-beam, which are those of graph-search laid out as devices have them. */
import { NONE } from '../../src/kernels/graph.ts';
import { beamCapacityOf, visitedPlaces } from '../../src/kernels/graph-beam.ts';
import { randomFrom } from '../contract/data.ts';
import { type LinkLists, makeAdmitted, makeLinks, makeQueries, makeRows } from './graph-cases.ts';
import type { SearchShape } from './search-cases.ts';

export interface BeamShape extends SearchShape {
  /** Rows of codes, and of links, in the first of two blocks. */
  readonly split: number;
  readonly linkSplit: number;
  /** Places of the table of visited nodes, where they are not what they always are. */
  readonly visited?: number;
  /** Some links lead to nodes that are not there, some upper rows are missing. */
  readonly damaged?: boolean;
}

export function beamCase(shape: BeamShape, offset: number) {
  const random = randomFrom(offset);
  const { nq, n, stride, form, degree, kind, filter, top, level, ef, damaged = false } = shape;
  const { links: lists, entry } = makeLinks(shape, random);
  const { links, upperRows, upperBase } = layOutFlat(lists, degree);
  if (damaged) {
    for (let i = 0; i < links.length; i += 7) links[i] = n + (i % 3);
    for (let i = 0; i < n; i += 5) if (i !== entry) upperRows[i] = NONE;
  }
  const admitted = makeAdmitted(filter, n, entry, random);
  const codes = makeRows(form, n, stride, kind, offset + 2);
  const filtered = filter !== 'none';
  const capacity = beamCapacityOf(ef, filtered);
  const [split, linkSplit] = [Math.min(shape.split, n), Math.min(shape.linkSplit, links.length / degree)];
  const visited = shape.visited ?? visitedPlaces(capacity, degree);
  return {
    name: JSON.stringify(shape),
    params: {
      ...{ nq, first: 0, n, quads: stride / 16, form, degree, split, linkSplit, upperBase, admittedAt: n + 3 },
      ...{ entry, entryLevel: top, level, ef, capacity, filtered: filtered ? 1 : 0, visited },
    },
    arrays: {
      queries: makeQueries(form, nq, stride, kind, offset + 1),
      codesA: padded(codes.subarray(0, split * stride), Int8Array),
      codesB: padded(codes.subarray(split * stride), Int8Array),
      linksA: padded(links.subarray(0, linkSplit * degree), Uint32Array),
      linksB: padded(links.subarray(linkSplit * degree), Uint32Array),
      tables: Uint32Array.from([...upperRows, 9, 9, 9, ...admitted]),
      found: new Uint32Array(nq * (2 * ef + 2)).fill(999),
      spill: new Uint32Array(2 * nq * capacity),
    },
  };
}

/** No block is empty. */
export function padded<A extends Int8Array | Uint32Array>(array: A, make: new (length: number) => A): A {
  return array.length > 0 ? (array.slice() as A) : new make(16);
}

/** Link rows of level 0, then those above, one node's after the other's. */
export function layOutFlat(lists: LinkLists, degree: number) {
  const n = lists.length;
  const upperRows = new Uint32Array(n).fill(NONE);
  let upper = 0;
  for (const [node, levels] of lists.entries()) {
    if (levels.length < 2) continue;
    upperRows[node] = upper;
    upper += levels.length - 1;
  }
  const links = new Uint32Array((n + upper) * degree).fill(NONE);
  for (const [node, levels] of lists.entries()) {
    for (const [level, ids] of levels.entries()) links.set(ids, (level === 0 ? node : n + upperRows[node]! + level - 1) * degree);
  }
  return { links, upperRows, upperBase: n };
}
