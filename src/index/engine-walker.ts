import type { Engine, WalkChoice } from '../host/engine.ts';
import { DeviceGraph, DeviceGraphs } from './device-graph.ts';
import { DeviceLinker } from './device-linker.ts';
import { DispatchPace } from './dispatch-pace.ts';
import { DeviceCodes } from './graph-device.ts';
import { isDeviceWalkable, LockstepWalker } from './graph-lockstep.ts';
import {
  type Found,
  type GraphView,
  type Heads,
  HostWalker,
  headsOf,
  type Sought,
  type Walk,
  type Walker,
  walkTerms,
} from './graph-walk.ts';
import type { BuildingWalker, Linker, LinkJob } from './linker.ts';
import { withHostBehind } from './per-engine.ts';
import { ResidentWalker } from './resident-walker.ts';
import { WalkChooser, type WalkLoad } from './walk-chooser.ts';

/** Queries of one walk, what is done between two looks at the signal, for each thread of the host. */
const HOST_SLICE = 256;
/**
 * The same on a device. Large ones walk for 2,000 at a time and wait at a slice's end for the last, so slices are longer where that has shown
 * to take little time; with wide beams they are shorter, for memory's sake.
 */
const DEVICE_SLICE = { least: 4096, most: 16_384, entries: 2 ** 20, ms: 100 };

/** Beams that searches are prepared for. */
const USUAL_EF = 64;
/** Batches of a build, by and large (hnsw-build.ts). */
const BATCHES = 400;
/** A build has a copy of its graph made where new nodes are one in so many at least. */
const BUILD_SHARE = 16;

/** What devices have of a graph: codes alone, for walks in lock-step, or all of it. */
export class DeviceCopies {
  readonly codes = new DeviceCodes();
  readonly graphs = new DeviceGraphs();

  /** What walks over the graph took here so far. */
  readonly chooser = new WalkChooser();
  /** The same of devices alone. */
  readonly pace = new DispatchPace();

  get bytes(): number {
    return this.codes.bytes + this.graphs.bytes;
  }

  /** What walks over a graph would be for a device. */
  loadOf(device: Engine, graph: GraphView, queries: number, ef: number): WalkLoad {
    const { degree, plan } = graph;
    const terms = walkTerms(plan, degree, ef);
    if (DeviceGraph.fits(device, graph)) return { queries, terms, rounds: 0, uploadBytes: this.graphs.missing(device, graph) };
    return { queries, terms, rounds: ef, uploadBytes: this.codes.missing(device, graph) };
  }

  /** Rows from `count` on are about to be written, maybe over ones that an add left behind when it failed. */
  truncate(count: number): void {
    this.codes.truncate(count);
    this.graphs.truncate(count);
  }

  /** Forgets what is on an engine (its device is lost or full), or everything. */
  drop(engine?: Engine): void {
    this.codes.drop(engine);
    this.graphs.drop(engine);
  }

  /** Forgets everything, and sends no more. */
  close(): void {
    this.codes.close();
    this.graphs.close();
  }
}

/**
 * Walks on the device of an engine that has one: by itself where the whole graph fits there, else in lock-step with the host. On the host
 * where the device is lost or full, or the codec is none for devices. An `auto` engine walks where it takes less time (walk-chooser.ts).
 */
export class EngineWalker implements BuildingWalker {
  private readonly engine: Engine;
  private readonly copies: DeviceCopies;
  private readonly host: HostWalker;
  private readonly slices: { readonly host: number; readonly device: number };
  /** Where the walks of a call go, once that is known. */
  private way: Way | undefined;
  private deviceSlice = DEVICE_SLICE.least;
  /** When a walk was last done. */
  private doneAt = 0;
  private last: Engine;

  /** `slices`: queries of one walk, for each thread of the host or on a device; default by what SQ8 queries take. */
  constructor(engine: Engine, copies: DeviceCopies, slices = { host: HOST_SLICE, device: DEVICE_SLICE.most }) {
    this.slices = slices;
    this.engine = engine;
    this.copies = copies;
    this.host = new HostWalker(engine.host);
    this.last = engine.host;
  }

  get slice(): number {
    return this.isAhead ? this.deviceSlice : this.slices.host * this.engine.host.info.threads;
  }

  get isAhead(): boolean {
    return this.way !== undefined && this.way.on !== this.engine.host;
  }

  /** The engine of the last walk. */
  get answered(): Engine {
    return this.last;
  }

  /** Finds out where a call's walks should go: from here on `slice` and `isAhead` are those of the place. */
  async begin(graph: GraphView, queries: number, ef: number): Promise<void> {
    const { entries, least, ms } = DEVICE_SLICE;
    this.deviceSlice = Math.min(
      this.slices.device,
      Math.max(least, Math.min(Math.floor(entries / ef), this.copies.pace.queriesIn(ms, ef))),
    );
    this.way = await this.wayFor(graph, queries, ef);
  }

  async walk(graph: GraphView, walk: Walk): Promise<Found> {
    const way = this.way ?? (await this.wayFor(graph, walk.nq, walk.ef));
    return this.onWay(way, graph, walk, (walker) => walker.walk(graph, walk));
  }

  /** The nearest of what each query finds, as far as they are looked at. */
  async search(graph: GraphView, walk: Walk, sought: Sought): Promise<Heads> {
    const way = this.way ?? (await this.wayFor(graph, walk.nq, walk.ef));
    return this.onWay(way, graph, walk, async (walker) => {
      if (walker instanceof ResidentWalker) return walker.search(graph, walk, sought);
      return headsOf(await walker.walk(graph, walk), walk.ef, sought.length);
    });
  }

  /** Whether searches leave out what the lower limbs of their queries rule out. */
  narrows(graph: GraphView): boolean {
    return this.isAhead && graph.readLimbs !== undefined && DeviceGraph.fits(this.way!.on, graph);
  }

  /** Does what the first walk on a device would do first, where there would be one: sends it what it lacks. */
  async prepare(graph: GraphView, signal: AbortSignal | undefined): Promise<void> {
    const { engine, copies } = this;
    const { host } = engine;
    const choice = await engine.walkChoice?.();
    const load = choice && copies.loadOf(choice.device, graph, Math.min(this.slices.device, DEVICE_SLICE.least), USUAL_EF);
    const isSlower = load && copies.chooser.reckon('device', choice, load) >= copies.chooser.reckon('host', choice, load);
    const device = !isDeviceWalkable(graph.plan) || isSlower ? host : (choice?.device ?? (await this.onlyPlace()));
    await withHostBehind(device, host, copies, async (on) => {
      if (on === host) return;
      if (DeviceGraph.fits(on, graph))
        await this.copies.graphs.hold(on, graph, (held) => held.inTurn(graph, signal, () => held.limbsOf(graph, signal)));
      else (await this.copies.codes.acquire(on, graph, signal)).release();
    });
  }

  /** A device builds by itself what it can walk by itself, where the new nodes are worth a copy of the graph for the build alone. */
  async openLinker(view: GraphView, job: LinkJob): Promise<Linker | undefined> {
    if (job.fresh * BUILD_SHARE < view.count || !isDeviceWalkable(view.plan)) return undefined;
    const calls = Math.ceil(job.fresh / Math.max(1, view.count / BATCHES)); // all of them are searched for, in batches
    const { on: device } = await this.wayFor(view, job.fresh, job.efConstruction, calls);
    return withHostBehind(device, this.engine.host, this.copies, async (on) => {
      if (on === this.engine.host || !DeviceGraph.fits(on, view)) return undefined;
      return DeviceLinker.open(on, this.copies.graphs, view, job);
    });
  }

  private async wayFor(graph: GraphView, queries: number, ef: number, calls = 1): Promise<Way> {
    const { engine, copies } = this;
    if (!isDeviceWalkable(graph.plan)) return { on: engine.host };
    const choice = await engine.walkChoice?.();
    if (!choice) return { on: await this.onlyPlace() };
    const load = { ...copies.loadOf(choice.device, graph, queries, ef), calls };
    return { on: copies.chooser.choose(choice, load) === 'device' ? choice.device : engine.host, choice };
  }

  /** Where there is no choice: the device of an engine that is one, until it is lost, or the host. */
  private async onlyPlace(): Promise<Engine> {
    const { engine } = this;
    return engine.kind === 'gpu' ? engine.pick({ terms: 0, waits: 0, uploadBytes: 0 }) : engine.host;
  }

  private onWay<T>({ on, choice }: Way, graph: GraphView, { nq, ef }: Walk, work: (walker: Walker) => Promise<T>): Promise<T> {
    const { engine, copies } = this;
    return withHostBehind(on, engine.host, copies, async (chosen) => {
      this.last = chosen;
      const load = choice && chosen === on ? copies.loadOf(choice.device, graph, nq, ef) : undefined;
      const sent = copies.graphs.sent(chosen);
      const begun = performance.now();
      const done = await work(this.walkerOn(chosen, graph));
      const now = performance.now();
      const isWalkAlone = copies.graphs.sent(chosen) === sent;
      if (chosen !== engine.host) copies.pace.noteDone(nq, ef, begun, now);
      // A walk that was begun ahead of its turn waited until the one before it was done.
      const place = chosen === engine.host ? 'host' : 'device';
      if (load && isWalkAlone && (place === 'host' || load.uploadBytes === 0))
        copies.chooser.note(place, choice!, load, now - Math.max(begun, this.doneAt));
      this.doneAt = now;
      return done;
    });
  }

  private walkerOn(on: Engine, graph: GraphView): Walker {
    if (on === this.engine.host) return this.host;
    return DeviceGraph.fits(on, graph) ? new ResidentWalker(on, this.copies.graphs) : new LockstepWalker(on, this.copies.codes);
  }
}

/** Where walks go; with the choice that this was, where there was one. */
interface Way {
  readonly on: Engine;
  readonly choice?: WalkChoice;
}
