import { NONE } from '../kernels/graph.ts';

export interface Groups {
  /** Nodes that were chosen, in the order of their first mention. */
  readonly targets: Uint32Array;
  /** [targets + 1] */
  readonly offsets: Uint32Array;
  /** Who chose target i, ascending: [offsets[i], offsets[i + 1]). */
  readonly sources: Uint32Array;
  /** Members of the largest group. */
  readonly largest: number;
}

/** Groups the links u32 [nodes, width] by where they lead. `nodes` ascend, so every group does; ids lie below `count`. */
export function groupByTarget(nodes: Uint32Array, links: Uint32Array, width: number, count: number): Groups {
  const sizes = new Uint32Array(count);
  const targets: number[] = [];
  let total = 0;
  for (const target of links) {
    if (target === NONE) continue;
    if (sizes[target]!++ === 0) targets.push(target);
    total++;
  }
  const offsets = new Uint32Array(targets.length + 1);
  let largest = 0;
  // From here on sizes[target] is where the target's next source goes.
  for (const [i, target] of targets.entries()) {
    const size = sizes[target]!;
    largest = Math.max(largest, size);
    sizes[target] = offsets[i]!;
    offsets[i + 1] = offsets[i]! + size;
  }
  const sources = new Uint32Array(total);
  for (let at = 0; at < links.length; at++) {
    const target = links[at]!;
    if (target !== NONE) sources[sizes[target]!++] = nodes[Math.floor(at / width)]!;
  }
  return { targets: Uint32Array.from(targets), offsets, sources, largest };
}
