/** Whole inputs of the kernels that choose links: graph-select and graph-join. */
import { NONE, selectScratchWords } from '../../src/kernels/graph.ts';
import { type Random, randomFrom } from '../contract/data.ts';
import { type LinkLists, layOut, makeLinks, makeRows, type RowKind, type Shape, SLOTS, shuffled } from './graph-cases.ts';
import { byKey, modelKey, rowAt } from './models/graph-model.ts';

export interface SelectShape {
  readonly m: number;
  readonly n: number;
  readonly form: number;
  readonly stride: number;
  readonly kind: RowKind;
  readonly ef: number;
  readonly most: number;
  /** Candidates of each node; by default any number that there is room for. */
  readonly candidates?: number;
}

export function selectCase(shape: SelectShape, offset: number) {
  const random = randomFrom(offset);
  const { m, n, form, stride, kind, ef, most } = shape;
  const codes = makeRows(form, n, stride, kind, offset + 1);
  const nodes = Uint32Array.from({ length: m }, () => random.int(0, n - 1));
  const keys = new Int32Array(m * ef);
  const candidates = new Uint32Array(m * ef).fill(NONE);
  for (const [i, node] of nodes.entries()) {
    const query = rowAt(codes, stride, node);
    const found = someOf(n, node, shape.candidates ?? random.int(0, ef), random).slice(0, ef);
    const scored = found.map((id) => ({ id, key: modelKey(form, query, rowAt(codes, stride, id)) })).sort(byKey);
    for (const [j, { id, key }] of scored.entries()) {
      keys[i * ef + j] = key;
      candidates[i * ef + j] = id;
    }
  }
  const slotWords = selectScratchWords(stride, ef);
  return {
    name: JSON.stringify(shape),
    params: { m, stride, form, ef, most, slots: SLOTS, slotWords },
    arrays: { codes, nodes, keys, candidates, chosen: new Uint32Array(m * most).fill(999), scratch: new Uint32Array(SLOTS * slotWords) },
  };
}

/** `fits`: every group just fits. `overflows`: by one. `hub`: nearly all nodes chose the first target. */
export type Group = 'fits' | 'overflows' | 'any' | 'hub';

export interface JoinShape {
  readonly t: number;
  readonly n: number;
  readonly form: number;
  readonly stride: number;
  readonly kind: RowKind;
  readonly degree: number;
  readonly level: number;
  readonly group: Group;
  readonly shape?: Shape;
}

export function joinCase(shape: JoinShape, offset: number) {
  const random = randomFrom(offset);
  const { n, form, stride, kind, degree, level } = shape;
  const most = level === 0 ? degree : degree >> 1;
  const { links: lists } = makeLinks({ n, degree, shape: shape.shape ?? 'random', top: level }, random);
  const { basePages, ...blocks } = layOut(lists, degree, random);
  const members = [...lists.keys()].filter((node) => lists[node]!.length > level);
  const targets = Uint32Array.from(shuffled(members, random).slice(0, shape.t));
  const groups = [...targets].map((target, i) => sourcesOf(target, members, lists[target]![level]!, sizeOf(shape.group, i, most, random)));
  const offsets = new Uint32Array(targets.length + 1);
  for (const [i, group] of groups.entries()) offsets[i + 1] = offsets[i]! + group.length;
  const slotWords = selectScratchWords(stride, degree + Math.max(...groups.map((group) => group.length)));
  const t = targets.length;
  return {
    name: JSON.stringify(shape),
    params: { t, stride, form, degree, basePages, level, most, slots: SLOTS, slotWords },
    arrays: {
      codes: makeRows(form, n, stride, kind, offset + 1),
      ...blocks,
      ...{ targets, offsets, sources: Uint32Array.from(groups.flat()) },
      joined: new Uint32Array(t * degree).fill(999),
      scratch: new Uint32Array(SLOTS * slotWords),
    },
    lists: lists as LinkLists,
  };

  /** Who chose a target, ascending: none that it links to already. */
  function sourcesOf(target: number, from: readonly number[], linked: readonly number[], size: (old: number) => number): number[] {
    const free = from.filter((node) => node !== target && !linked.includes(node));
    return shuffled(free, random)
      .slice(0, size(linked.length))
      .sort((a, b) => a - b);
  }
}

function sizeOf(group: Group, i: number, most: number, random: Random): (old: number) => number {
  if (group === 'hub' && i === 0) return () => Infinity;
  if (group === 'any') return () => random.int(1, 2 * most);
  return (old) => Math.max(1, most - old + (group === 'overflows' ? 1 : 0));
}

function someOf(n: number, but: number, count: number, random: Random): number[] {
  return shuffled([...new Uint32Array(n).keys()], random)
    .filter((id) => id !== but)
    .slice(0, count);
}
