/** What links new nodes into a graph: the phases of a build, on the host (host-linker.ts) or on a device (device-linker.ts). */
import type { HostEngine } from '../host/engine.ts';
import type { LinkWriter } from './graph-pages.ts';
import type { GraphView, Walker } from './graph-walk.ts';

export interface LinkSettings {
  /** Links that a node chooses on each level. */
  readonly M: number;
  /** Width of the beam that finds them. */
  readonly efConstruction: number;
  /** Looked at by walks that take several steps. */
  readonly signal?: AbortSignal | undefined;
}

export interface Linker extends Disposable {
  /**
   * Nodes, ascending, that are to enter the graph choose links on a level of it as it is without them, and those that they chose link
   * back to them. `view` is the graph so far.
   */
  link(view: GraphView, nodes: Uint32Array, level: number): Promise<void>;
  /** Sees to it that the writer has all links. Nothing is linked after that. */
  finish(): Promise<void>;
}

/** A graph that is to grow by `fresh` nodes, whose codes are in place. */
export interface LinkJob extends LinkSettings {
  readonly writer: LinkWriter;
  readonly fresh: number;
}

/** A walker whose engine may do the whole build by itself. */
export interface BuildingWalker extends Walker {
  /** What links nodes on a device, or undefined where the host does that with this walker's help. */
  openLinker?(view: GraphView, job: LinkJob): Promise<Linker | undefined>;
}

/** The nodes' own codes as queries, which have no terms: i8 [nodes, stride]. */
export function putQueries(to: Int8Array, host: HostEngine, { codes, plan }: Pick<GraphView, 'codes' | 'plan'>, nodes: Uint32Array): void {
  const { stride, grid } = plan;
  const from = host.view(codes);
  for (const [i, node] of nodes.entries()) {
    to.set(from.subarray(node * stride, (node + 1) * stride), i * stride);
    if (grid) to.fill(0, (i + 1) * stride - 4, (i + 1) * stride);
  }
}
