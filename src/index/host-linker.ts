/** Links new nodes on the host, found by any walker: the heuristic is graph-select's and graph-join's. */
import type { Block } from '../host/block.ts';
import type { HostEngine } from '../host/engine.ts';
import { Recording } from '../host/recording.ts';
import { NONE, selectScratchWords } from '../kernels/graph.ts';
import { graphJoin } from '../kernels/graph-join.ts';
import { graphSelect } from '../kernels/graph-select.ts';
import type { LinkWriter } from './graph-pages.ts';
import { groupByTarget } from './graph-reverse.ts';
import type { GraphView, Walker } from './graph-walk.ts';
import { type Linker, type LinkSettings, putQueries } from './linker.ts';

export class HostLinker implements Linker {
  private readonly host: HostEngine;
  private readonly walker: Walker;
  private readonly settings: LinkSettings;
  private readonly writer: LinkWriter;

  constructor(host: HostEngine, walker: Walker, settings: LinkSettings, writer: LinkWriter) {
    this.host = host;
    this.walker = walker;
    this.settings = settings;
    this.writer = writer;
  }

  async link(view: GraphView, nodes: Uint32Array, level: number): Promise<void> {
    const chosen = await this.chooseLinks(view, nodes, level);
    await this.writeRows(view, nodes, level, chosen, this.settings.M);
    await this.linkBack(view, nodes, level, chosen);
  }

  async finish(): Promise<void> {}

  [Symbol.dispose](): void {}

  /** u32 [nodes, M]: the links of new nodes on a level. */
  private async chooseLinks(view: GraphView, nodes: Uint32Array, level: number): Promise<Uint32Array> {
    const { host, settings, walker } = this;
    const { plan, codes } = view;
    const { M, efConstruction: ef, signal } = settings;
    using queries = await queriesOf(host, view, nodes);
    using found = await walker.walk(view, { nq: nodes.length, queries, level, ef, signal });
    using nodeBlock = await host.alloc('u32', nodes.length, 'build: nodes');
    using chosen = await host.alloc('u32', nodes.length * M, 'build: chosen links');
    const slots = host.info.threads;
    const slotWords = selectScratchWords(plan.stride, ef);
    using scratch = await host.alloc('u32', slots * slotWords, 'build: scratch');
    host.write(nodeBlock, nodes);
    const bound = { codes, nodes: nodeBlock, keys: found.keys, candidates: found.ids, chosen, scratch };
    const params = { m: nodes.length, stride: plan.stride, form: plan.form, ef, most: M, slots, slotWords };
    await host.run(new Recording().dispatch(graphSelect, bound, params));
    return host.view(chosen).slice();
  }

  /** Links the chosen nodes back to those that chose them. */
  private async linkBack(
    { plan, codes, upperRows, count }: GraphView,
    nodes: Uint32Array,
    level: number,
    chosen: Uint32Array,
  ): Promise<void> {
    const { host, settings, writer } = this;
    const { M } = settings;
    const { degree, basePages } = writer;
    const { targets, offsets, sources, largest } = groupByTarget(nodes, chosen, M, count);
    if (targets.length === 0) return;
    const t = targets.length;
    const slots = host.info.threads;
    const slotWords = selectScratchWords(plan.stride, degree + largest);
    using targetBlock = await host.alloc('u32', t, 'build: targets');
    using offsetBlock = await host.alloc('u32', t + 1, 'build: offsets');
    using sourceBlock = await host.alloc('u32', sources.length, 'build: sources');
    using joined = await host.alloc('u32', t * degree, 'build: joined links');
    using scratch = await host.alloc('u32', slots * slotWords, 'build: scratch');
    host.write(targetBlock, targets);
    host.write(offsetBlock, offsets);
    host.write(sourceBlock, sources);
    const lists = { targets: targetBlock, offsets: offsetBlock, sources: sourceBlock };
    const bound = { codes, links: writer.links, pages: writer.pages, upperRows, ...lists, joined, scratch };
    const most = level === 0 ? degree : M;
    const params = { t, stride: plan.stride, form: plan.form, degree, basePages, level, most, slots, slotWords };
    await host.run(new Recording().dispatch(graphJoin, bound, params));
    await this.writeRows({ upperRows }, targets, level, host.view(joined).slice(), degree);
  }

  /** Writes the link rows of nodes on a level, u32 [nodes, width]; what they do not fill is NONE. */
  private async writeRows(
    { upperRows }: Pick<GraphView, 'upperRows'>,
    nodes: Uint32Array,
    level: number,
    links: Uint32Array,
    width: number,
  ): Promise<void> {
    const { writer, host } = this;
    const upper = level > 0;
    const first = host.view(upperRows);
    const rows = upper ? nodes.map((node) => first[node]! + level - 1) : nodes;
    await writer.own(rows, upper);
    const view = writer.view();
    for (const [i, row] of rows.entries()) {
      const at = writer.offset(row, upper);
      view.set(links.subarray(i * width, (i + 1) * width), at);
      if (width < writer.degree) view.fill(NONE, at + width, at + writer.degree);
    }
  }
}

/** The nodes' own codes as queries, on the host. */
export async function queriesOf(host: HostEngine, view: GraphView, nodes: Uint32Array): Promise<Block<'i8'>> {
  const queries = await host.alloc('i8', nodes.length * view.plan.stride, 'build: queries');
  putQueries(host.view(queries), host, view, nodes);
  return queries;
}
