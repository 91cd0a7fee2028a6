/** How new nodes get their links, all or nothing: by a device that can, with the host behind it. */
import type { HostEngine } from '../host/engine.ts';
import type { TaskOptions } from '../util/tasks.ts';
import type { CodecPlan } from './graph-codec.ts';
import { type LinkPages, LinkWriter } from './graph-pages.ts';
import { repair } from './graph-repair.ts';
import type { GraphState } from './graph-state.ts';
import type { Walker } from './graph-walk.ts';
import { GraphBuilder } from './hnsw-build.ts';
import { HostLinker } from './host-linker.ts';
import type { BuildingWalker } from './linker.ts';
import { isDeviceFailure } from './per-engine.ts';

/** A graph that is to grow: codes of all nodes, and where their upper rows begin, are in place. */
export interface Linking {
  readonly host: HostEngine;
  readonly plan: CodecPlan;
  readonly M: number;
  readonly efConstruction: number;
  readonly blocks: Pick<GraphState, 'codes' | 'upperRows'>;
  /** Nodes there will be, and link rows above level 0. */
  readonly count: number;
  readonly upperCount: number;
  /** u8 [new nodes] */
  readonly levels: Uint8Array;
  /** Undefined where there is no node yet. */
  readonly from: GraphState | undefined;
}

/** What a state has of links, and what only the state before uses. */
export interface Linked extends Pick<GraphState, 'entry' | 'entryLevel' | 'upperCount' | 'sinceRepair'> {
  readonly pages: LinkPages;
  readonly garbage: readonly Disposable[];
}

/** Links the new nodes. A device that fails in the middle costs time: the host begins anew. Where it throws, `from` is as it was. */
export async function linkNodes(linking: Linking, walker: BuildingWalker, options: TaskOptions): Promise<Linked> {
  let byDevice = false;
  const openLinker: BuildingWalker['openLinker'] = async (view, job) => {
    const linker = await walker.openLinker?.(view, job);
    byDevice = linker !== undefined;
    return linker;
  };
  const walk: Walker['walk'] = (view, one) => walker.walk(view, one);
  try {
    return await linkBy(linking, { walk, openLinker }, options);
  } catch (error) {
    if (!byDevice || !isDeviceFailure(error)) throw error;
    return linkBy(linking, { walk }, options);
  }
}

async function linkBy(linking: Linking, walker: BuildingWalker, options: TaskOptions): Promise<Linked> {
  const { host, plan, M, efConstruction, blocks, count, upperCount, levels, from } = linking;
  const { signal } = options;
  const first = from?.count ?? 0;
  const writer = await LinkWriter.open(host, 2 * M, from?.pages, count, upperCount);
  try {
    const builder = new GraphBuilder({ host, walker, plan, writer, blocks, count, efConstruction, signal }, from);
    const job = { M, efConstruction, signal, writer, fresh: count - first };
    using linker = (await walker.openLinker?.(builder.view(), job)) ?? new HostLinker(host, walker, job, writer);
    await builder.insertAll(linker, { first, levels, ...options });
    const sinceRepair = await repair(builder, (from?.sinceRepair ?? 0) + count - first, signal);
    signal?.throwIfAborted();
    const { entry, entryLevel } = builder;
    return { ...writer.commit(), entry, entryLevel, upperCount, sinceRepair };
  } catch (error) {
    writer.rollback();
    throw error;
  }
}
