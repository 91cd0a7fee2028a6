/**
 * A graph on a device that walks it by itself: codes and link rows in two blocks at most each, and where upper link rows begin. Link
 * rows lie in the order of their pages, so a device needs no table of pages. Kept up by sending what has changed: new rows, and
 * pages whose stamp is another. One state at a time is there, so walks take turns.
 */
import { type Block, rangeOf } from '../host/block.ts';
import type { Engine } from '../host/engine.ts';
import { isSq8, PAGE_ROWS } from '../kernels/graph.ts';
import { BEAM_MOST_LINKS, BEAM_MOST_NODES } from '../kernels/graph-beam.ts';
import { BYTES } from '../kernels/kernel.ts';
import { hasCode } from '../util/errors.ts';
import { ceilDiv, roundUp } from '../util/math.ts';
import { Breather } from '../util/tasks.ts';
import { DeviceLimbs } from './device-limbs.ts';
import { DeviceRows } from './device-rows.ts';
import { DispatchPace } from './dispatch-pace.ts';
import type { GraphView } from './graph-walk.ts';
import { Held, PerEngine } from './per-engine.ts';

/** Room beyond what is needed when a graph has outgrown its own: a quarter. */
const SLACK_SHIFT = 2;
/** What is sent waits in memory until the device takes it: after so many bytes it is waited for. */
const BYTES_UNDER_WAY = 2 ** 26;
/** Rows sent at a time. */
const PIECE_ROWS = 4096;

/** One graph on every device that walks it. */
export class DeviceGraphs {
  private readonly graphs = new PerEngine<DeviceGraph>();

  /** A graph that has room for the view, held while `work` goes on. */
  async hold<T>(engine: Engine, view: GraphView, work: (graph: DeviceGraph) => Promise<T>): Promise<T> {
    const graph = await this.graphs.acquire(engine, {
      fits: (held) => held.holds(view),
      make: () => DeviceGraph.open(engine, view),
      extend: async () => {},
    });
    try {
      return await work(graph);
    } finally {
      graph.release();
    }
  }

  /** Takes over a graph that somebody else made there, in the place of its own. */
  offer(engine: Engine, graph: DeviceGraph): void {
    this.graphs.offer(engine, graph);
  }

  /** Bytes that must be sent to a device before it can walk the graph: 0 where it has most of it, and room for the rest. */
  missing(engine: Engine, view: GraphView): number {
    if (this.graphs.held(engine)?.holds(view)) return 0;
    return view.count * view.plan.stride + view.stamps.length * PAGE_ROWS * view.degree * BYTES.u32;
  }

  /** Bytes that the graph on a device was sent so far; undefined where none is there. */
  sent(engine: Engine): number | undefined {
    return this.graphs.held(engine)?.sent;
  }

  get bytes(): number {
    return this.graphs.bytes;
  }

  /** Rows from `count` on are about to be written, maybe over ones that an add left behind when it failed. */
  truncate(count: number): void {
    for (const graph of this.graphs.all()) graph.truncate(count);
  }

  drop(engine?: Engine): void {
    this.graphs.drop(engine);
  }

  close(): void {
    this.graphs.close();
  }
}

/** What of a graph lies where, in rows. */
interface Rooms {
  readonly nodes: number;
  /** Link rows of upper levels begin here, behind those of level 0. */
  readonly upperBase: number;
  readonly linkRows: number;
}

export class DeviceGraph extends Held {
  private readonly rooms: Rooms;
  readonly codes: DeviceRows<'i8'>;
  readonly links: DeviceRows<'u32'>;
  /** u32: upper rows [nodes], then a bit per node. */
  readonly tables: Block<'u32'>;
  /** Once a search has wanted them. */
  private limbs: DeviceLimbs | undefined;
  /** What walks over it take on this engine. */
  readonly pace = new DispatchPace();
  private readonly engine: Engine;
  private readonly plan: GraphView['plan'];
  private readonly degree: number;
  /** Nodes that are there, and the stamps of pages, those of upper levels behind. */
  private count = 0;
  private readonly stamps: Float64Array;
  private turn: Promise<unknown> = Promise.resolve();
  private under = 0;
  /** Bytes that were sent so far. */
  sent = 0;
  /** There was no room for limbs. */
  private isFull = false;

  private constructor(engine: Engine, { plan, degree }: GraphView, rooms: Rooms, blocks: Blocks) {
    super();
    this.engine = engine;
    this.plan = plan;
    this.degree = degree;
    this.rooms = rooms;
    this.codes = blocks.codes;
    this.links = blocks.links;
    this.tables = blocks.tables;
    this.stamps = new Float64Array(rooms.linkRows / PAGE_ROWS);
  }

  /** Whether a device can walk a graph by itself: it has integer codes, and fits into two bindings for codes and two for links. */
  static fits(engine: Engine, view: GraphView): boolean {
    return DeviceGraph.hasRoom(engine, view, roomsFor(view));
  }

  private static hasRoom(engine: Engine, { plan, degree }: GraphView, { nodes, linkRows }: Rooms): boolean {
    const most = 2 * engine.maxBlockBytes;
    const links = linkRows * degree * BYTES.u32;
    return isSq8(plan.form) && degree <= BEAM_MOST_LINKS && nodes <= BEAM_MOST_NODES && nodes * plan.stride <= most && links <= most;
  }

  static async open(engine: Engine, view: GraphView): Promise<DeviceGraph> {
    const rooms = roomsFor(view, view.count >> SLACK_SHIFT);
    const fitting = DeviceGraph.hasRoom(engine, view, rooms) ? rooms : roomsFor(view);
    return new DeviceGraph(engine, view, fitting, await allocate(engine, view, fitting));
  }

  override get bytes(): number {
    return this.codes.bytes + this.links.bytes + this.tables.length * BYTES.u32 + (this.limbs?.bytes ?? 0);
  }

  /** Where bits of nodes begin in `tables`. */
  get admittedAt(): number {
    return this.rooms.nodes;
  }

  /** What lies where, as the kernel takes it. */
  get places(): Readonly<Record<'split' | 'linkSplit' | 'upperBase' | 'admittedAt', number>> {
    return { split: this.codes.split, linkSplit: this.links.split, upperBase: this.rooms.upperBase, admittedAt: this.admittedAt };
  }

  /** The graph as kernels bind it. */
  get blocks() {
    const [codesA, codesB] = this.codes.blocks;
    const [linksA, linksB] = this.links.blocks;
    return { codesA, codesB, linksA, linksB, tables: this.tables };
  }

  /** Whether this has room for the graph, or is it already. */
  holds({ plan, degree, count, basePages, stamps }: GraphView): boolean {
    const { nodes, upperBase, linkRows } = this.rooms;
    const upperPages = stamps.length - basePages;
    return plan === this.plan && degree === this.degree && count <= nodes && upperPages * PAGE_ROWS <= linkRows - upperBase;
  }

  truncate(count: number): void {
    this.count = Math.min(this.count, count);
    this.limbs?.truncate(count);
  }

  /**
   * Does `work` with the graph as the view has it, one after the other. Devices do what they are told in order: work is done once all is
   * submitted, and what it gives is read after its turn, while others have theirs.
   */
  inTurn<T>(view: GraphView, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(async () => {
      await this.update(view, signal);
      return work();
    });
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  /** Sends what the device has not as the view has it. */
  async update(view: GraphView, signal: AbortSignal | undefined): Promise<void> {
    const breather = new Breather(signal);
    for (let begin = this.count; begin < view.count; begin += PIECE_ROWS) {
      this.sendRows(view, begin, Math.min(view.count, begin + PIECE_ROWS));
      await this.settled(PIECE_ROWS * this.plan.stride);
      await breather.breathe();
    }
    this.count = Math.max(this.count, view.count);
    for (let page = 0; page < view.stamps.length; page++) {
      const at = this.placeOf(view.basePages, page);
      if (this.stamps[at] === view.stamps[page]) continue;
      this.sendPage(view, page, at);
      this.stamps[at] = view.stamps[page]!;
      await this.settled(PAGE_ROWS * this.degree * BYTES.u32);
      if (page % 256 === 255) await breather.breathe();
    }
  }

  /** Lower limbs of all rows of the view, in its turn; undefined where it has none, or the device no room for them. */
  async limbsOf({ readLimbs, count }: GraphView, signal: AbortSignal | undefined): Promise<DeviceLimbs | undefined> {
    if (!readLimbs || this.isFull) return undefined;
    try {
      this.limbs ??= await DeviceLimbs.open(this.engine, this.rooms.nodes, this.plan.stride);
    } catch (error) {
      if (!hasCode(error, 'out-of-memory')) throw error;
      this.isFull = true;
      return undefined;
    }
    await this.limbs.update(readLimbs, count, signal, (bytes) => this.settled(bytes));
    return this.limbs;
  }

  /** Pages [first, end), all of level 0 or all above, as the device has them: u32 [pages, PAGE_ROWS · degree]. */
  async readPages(basePages: number, first: number, end: number): Promise<Uint32Array> {
    const { degree, engine } = this;
    const { blocks: links, split: linkSplit } = this.links;
    const begin = this.placeOf(basePages, first) * PAGE_ROWS;
    const rows = (end - first) * PAGE_ROWS;
    const middle = Math.min(Math.max(linkSplit - begin, 0), rows);
    const fromB = begin + middle - linkSplit;
    const [a, b] = await engine.read([
      rangeOf(links[0], middle > 0 ? begin * degree : 0, middle > 0 ? (begin + middle) * degree : 0),
      rangeOf(links[1], middle < rows ? fromB * degree : 0, middle < rows ? (fromB + rows - middle) * degree : 0),
    ]);
    if (b.length === 0) return a;
    const all = new Uint32Array(rows * degree);
    all.set(a);
    all.set(b, a.length);
    return all;
  }

  /** What lies here is what these pages say. */
  isAs({ basePages, stamps }: Pick<GraphView, 'basePages' | 'stamps'>): void {
    for (const [page, stamp] of stamps.entries()) this.stamps[this.placeOf(basePages, page)] = stamp;
  }

  /** Where a page lies here: those of upper levels lie behind the room for level 0. */
  private placeOf(basePages: number, page: number): number {
    return page < basePages ? page : this.rooms.upperBase / PAGE_ROWS + page - basePages;
  }

  protected override free(): void {
    for (const thing of [this.codes, this.links, this.tables, this.limbs]) thing?.[Symbol.dispose]();
  }

  private sendRows({ codes, upperRows }: GraphView, begin: number, end: number): void {
    const { host } = this.engine;
    const { stride } = this.plan;
    const bytes = host.view(codes);
    this.codes.write(begin, end, (from, to) => bytes.subarray(from * stride, to * stride));
    this.engine.write(this.tables, host.view(upperRows).subarray(begin, end), begin);
  }

  private sendPage({ links, table }: GraphView, page: number, at: number): void {
    const words = PAGE_ROWS * this.degree;
    const from = table[page]! * words;
    const rows = this.engine.host.view(links).subarray(from, from + words);
    const first = at * PAGE_ROWS;
    const part = (begin: number, end: number) => rows.subarray((begin - first) * this.degree, (end - first) * this.degree);
    this.links.write(first, first + PAGE_ROWS, part);
  }

  private async settled(bytes: number): Promise<void> {
    this.under += bytes;
    this.sent += bytes;
    if (this.under < BYTES_UNDER_WAY) return;
    this.under = 0;
    await this.engine.read([rangeOf(this.tables, 0, 1)]);
  }
}

interface Blocks {
  readonly codes: DeviceRows<'i8'>;
  readonly links: DeviceRows<'u32'>;
  readonly tables: Block<'u32'>;
}

function roomsFor({ count, basePages, stamps }: GraphView, slack = 0): Rooms {
  const nodes = roundUp(Math.max(1, count + slack), PAGE_ROWS);
  const upperPages = stamps.length - basePages;
  return { nodes, upperBase: nodes, linkRows: nodes + (upperPages + ceilDiv(upperPages * slack, Math.max(1, count))) * PAGE_ROWS };
}

async function allocate(engine: Engine, { plan, degree }: GraphView, { nodes, linkRows }: Rooms): Promise<Blocks> {
  const made: Disposable[] = [];
  const keep = <T extends Disposable>(thing: T): T => {
    made.push(thing);
    return thing;
  };
  try {
    const codes = keep(await DeviceRows.open(engine, 'i8', nodes, plan.stride, 'graph: codes on the device'));
    const links = keep(await DeviceRows.open(engine, 'u32', linkRows, degree, 'graph: links on the device'));
    const tables = await engine.alloc('u32', nodes + ceilDiv(nodes, 32), 'graph: tables on the device');
    return { codes, links, tables };
  } catch (error) {
    for (const thing of made) thing[Symbol.dispose]();
    throw error;
  }
}
