/** Whole inputs of graph-prune, which are those of graph-select and graph-join laid out as devices have them. */
import { NONE } from '../../src/kernels/graph.ts';
import { randomFrom } from '../contract/data.ts';
import { layOutFlat, padded } from './beam-cases.ts';
import { shuffled } from './graph-cases.ts';
import { type JoinShape, joinCase, type SelectShape, selectCase } from './link-cases.ts';
import { modelDistance, rowAt } from './models/graph-model.ts';

/** Rows of codes, and of links, in the first of two blocks. */
export interface Splits {
  readonly split: number;
  readonly linkSplit: number;
}

/** New nodes that choose; those before `first` belong to a part of the batch before. */
export function chooseCase(shape: SelectShape & Splits & { readonly first: number }, offset: number) {
  const { n, stride, form, ef, most, first } = shape;
  const { arrays, name } = selectCase(shape, offset);
  const { codes, keys, candidates } = arrays;
  const nodes = [...new Set(arrays.nodes)]; // a node is new once
  const items = nodes.length - first;
  const found = new Uint32Array(items * (2 * ef + 2)).fill(7);
  for (let i = 0; i < items; i++) {
    // Where a node came twice, its first candidates are as good as its last.
    const from = arrays.nodes.indexOf(nodes[first + i]!) * ef;
    found.set(new Uint32Array(keys.buffer, 4 * from, ef), i * (2 * ef + 2));
    found.set(candidates.subarray(from, from + ef), i * (2 * ef + 2) + ef);
  }
  const degree = 2 * most;
  const { params, blocks } = laidOut(shape, codes, new Uint32Array(n * degree).fill(999), degree, n);
  return {
    name: `${name}, ${first} before`,
    params: { ...params, ...some(items, offset), first, back: 0, stride, form, level: 0, ef, most },
    arrays: {
      ...blocks,
      ...{ tables: new Uint32Array(n).fill(NONE), lists: found, groups: Uint32Array.from(nodes) },
      edges: new Uint32Array(2 * nodes.length * most).fill(999),
    },
  };
}

/** Nodes that were chosen. */
export function backCase(shape: JoinShape & Splits, offset: number) {
  const random = randomFrom(offset + 3);
  const { stride, form, degree, level } = shape;
  const { arrays, lists: links, name } = joinCase(shape, offset);
  const { codes, targets, offsets, sources } = arrays;
  const flat = layOutFlat(links, degree);
  const { params, blocks } = laidOut(shape, codes, flat.links, degree, flat.upperBase);
  const lists = new Uint32Array(2 * sources.length);
  const groups = new Uint32Array(2 + 4 * (targets.length + 2)).fill(9);
  groups.set([targets.length, sources.length]);
  for (const [i, target] of targets.entries()) {
    const [begin, size] = [offsets[i]!, offsets[i + 1]! - offsets[i]!];
    const who = shuffled([...sources.subarray(begin, begin + size)], random);
    groups.set([target, begin, size, 0], 2 + 4 * i);
    const distances = who.map((id) => modelDistance(form, rowAt(codes, stride, target), rowAt(codes, stride, id)));
    lists.set(new Uint32Array(Int32Array.from(distances).buffer), 2 * begin);
    lists.set(who, 2 * begin + size);
  }
  const most = level === 0 ? degree : degree >> 1;
  return {
    name,
    // More workgroups than there are groups: nobody waits for the device to say how many there are.
    params: { ...params, ...some(targets.length + 2, offset), first: 0, back: 1, stride, form, level, ef: 1, most },
    arrays: { ...blocks, tables: flat.upperRows, lists, groups, edges: new Uint32Array(2).fill(999) },
  };
}

/** Every fourth case goes about a part of the items, from one in the middle on. */
function some(items: number, offset: number): { readonly items: number; readonly skip: number } {
  const skip = offset % 40 === 0 ? items >> 1 : 0;
  return { items: items - skip, skip };
}

function laidOut(
  { split, linkSplit, stride }: Splits & { stride: number },
  codes: Int8Array,
  links: Uint32Array,
  degree: number,
  upperBase: number,
) {
  const rows = { split: Math.min(split, codes.length / stride), linkSplit: Math.min(linkSplit, links.length / degree) };
  const blocks = {
    codesA: padded(codes.subarray(0, rows.split * stride), Int8Array),
    codesB: padded(codes.subarray(rows.split * stride), Int8Array),
    linksA: padded(links.subarray(0, rows.linkSplit * degree), Uint32Array),
    linksB: padded(links.subarray(rows.linkSplit * degree), Uint32Array),
  };
  return { blocks, params: { ...rows, quads: stride / 16, degree, upperBase } };
}
