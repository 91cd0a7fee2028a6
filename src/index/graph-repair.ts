/**
 * Every node stays within reach of level 0's links from the entry: pruning can cut off the last link to a node, and copies of
 * a row choose the same few of them. A node out of reach is linked from its nearest node within reach.
 */
import { NONE } from '../kernels/graph.ts';
import type { LinkWriter } from './graph-pages.ts';
import type { GraphBuilder } from './hnsw-build.ts';

/** Looking for lost nodes visits all of them: always in a small graph, else after so many additions against its size. */
const SMALL_GRAPH = 4096;
const ADDED_SHARE = 64;
/** Lost nodes whose nearest ones are looked for at a time. */
const SLICE = 4096;

/** Links lost nodes, where it is time to; returns how many rows were added since that was done last. */
export async function repair(builder: GraphBuilder, added: number, signal: AbortSignal | undefined): Promise<number> {
  const { count, writer } = builder;
  if (count > SMALL_GRAPH && added * ADDED_SHARE < count) return added;
  const reached = new Uint8Array(count);
  reach(writer, reached, builder.entry);
  const lost = Uint32Array.from(reached.keys()).filter((node) => !reached[node]);
  for (let begin = 0; begin < lost.length; begin += SLICE) {
    signal?.throwIfAborted();
    const slice = lost.subarray(begin, begin + SLICE);
    const { ids, width } = await builder.nearestTo(slice);
    for (const [i, node] of slice.entries()) {
      if (reached[node]) continue;
      const near = ids.subarray(i * width, (i + 1) * width).filter((id) => id !== NONE && reached[id]);
      await adopt(writer, near.length > 0 ? near : Uint32Array.of(builder.entry), node);
      reach(writer, reached, node);
    }
  }
  return 0;
}

/** Marks what can be reached from a node on level 0. */
function reach(writer: LinkWriter, reached: Uint8Array, from: number): void {
  const links = writer.view();
  const waiting = [from];
  reached[from] = 1;
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    const at = writer.offset(node, false);
    for (let i = at; i < at + writer.degree && links[i] !== NONE; i++) {
      const next = links[i]!;
      if (reached[next]) continue;
      reached[next] = 1;
      waiting.push(next);
    }
  }
}

/**
 * Links a lost node from the nearest of `near` that has room. Where none has, the nearest one's last link makes way: the lost
 * node then leads to where that led, so nothing else gets lost.
 */
async function adopt(writer: LinkWriter, near: Uint32Array, node: number): Promise<void> {
  const roomy = near.find((id) => linkCount(writer, id) < writer.degree);
  const parent = roomy ?? near[0]!;
  await writer.own([parent, node], false);
  const links = writer.view();
  const at = writer.offset(parent, false) + Math.min(linkCount(writer, parent), writer.degree - 1);
  const displaced = links[at]!;
  links[at] = node;
  if (displaced === NONE) return;
  const own = writer.offset(node, false);
  const count = linkCount(writer, node);
  if (links.subarray(own, own + count).includes(displaced)) return;
  links[own + Math.min(count, writer.degree - 1)] = displaced;
}

function linkCount(writer: LinkWriter, node: number): number {
  const at = writer.offset(node, false);
  const end = writer
    .view()
    .subarray(at, at + writer.degree)
    .indexOf(NONE);
  return end < 0 ? writer.degree : end;
}
