import { NONE } from '../graph.ts';
import type { ParamsOf } from '../kernel.ts';

interface GroupViews {
  edges: Uint32Array;
  nodes: Uint32Array;
  sizes: Uint32Array;
  groups: Uint32Array;
  lists: Uint32Array;
}

/** Specification of the kernel `graph-group`, but for the order of groups and of those in one. */
export function graphGroupTwin(views: GroupViews, { edges, most, phase }: ParamsOf<'edges' | 'most' | 'phase'>): void {
  if (phase === 0) count(views, edges);
  else if (phase === 1) place(views);
  else if (phase === 2) fill(views, edges, most);
  else clear(views, edges);
}

function count({ edges: all, sizes, groups }: GroupViews, edges: number): void {
  for (let e = 0; e < edges; e++) {
    const target = all[2 * e]!;
    if (target !== NONE && sizes[target]!++ === 0) groups[2 + 4 * groups[0]!++] = target;
  }
}

function place({ sizes, groups }: GroupViews): void {
  for (let group = 0; group < groups[0]!; group++) {
    const at = 2 + 4 * group;
    const size = sizes[groups[at]!]!;
    groups.set([groups[1]!, size, 0], at + 1);
    groups[1]! += size;
    sizes[groups[at]!] = group;
  }
}

function fill({ edges: all, nodes, sizes, groups, lists }: GroupViews, edges: number, most: number): void {
  for (let e = 0; e < edges; e++) {
    const [target, distance] = all.subarray(2 * e, 2 * e + 2) as unknown as [number, number];
    if (target === NONE) continue;
    const at = 2 + 4 * sizes[target]!;
    const [offset, size, filled] = groups.subarray(at + 1, at + 4) as unknown as [number, number, number];
    lists[2 * offset + filled] = distance;
    lists[2 * offset + size + filled] = nodes[Math.floor(e / most)]!;
    groups[at + 3] = filled + 1;
  }
}

function clear({ edges: all, sizes }: GroupViews, edges: number): void {
  for (let e = 0; e < edges; e++) if (all[2 * e] !== NONE) sizes[all[2 * e]!] = 0;
}
