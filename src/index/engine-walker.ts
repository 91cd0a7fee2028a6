import type { Engine } from '../host/engine.ts';
import { DeviceGraph, DeviceGraphs } from './device-graph.ts';
import { DeviceLinker } from './device-linker.ts';
import { DeviceCodes } from './graph-device.ts';
import { isDeviceWalkable, LockstepWalker } from './graph-lockstep.ts';
import { type Found, type GraphView, type Heads, HostWalker, headsOf, type Walk } from './graph-walk.ts';
import type { BuildingWalker, Linker, LinkJob } from './linker.ts';
import { withHostBehind } from './per-engine.ts';
import { ResidentWalker } from './resident-walker.ts';

/** Queries of one walk, what is done between two looks at the signal: for each thread of the host, or enough for a device's groups. */
const HOST_SLICE = 256;
const DEVICE_SLICE = 4096;

/** A build has a copy of its graph made where new nodes are one in so many at least. */
const BUILD_SHARE = 16;

/** What devices have of a graph: codes alone, for walks in lock-step, or all of it. */
export class DeviceCopies {
  readonly codes = new DeviceCodes();
  readonly graphs = new DeviceGraphs();

  get bytes(): number {
    return this.codes.bytes + this.graphs.bytes;
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
 * where the device is lost or full, or the codec is none for devices. An `auto` engine walks on its host.
 */
export class EngineWalker implements BuildingWalker {
  private readonly engine: Engine;
  private readonly copies: DeviceCopies;
  private readonly host: HostWalker;
  private readonly device: { readonly resident: ResidentWalker; readonly lockstep: LockstepWalker } | undefined;
  private readonly slices: { readonly host: number; readonly device: number };
  private last: Engine;

  /** `slices`: queries of one walk, for each thread of the host or on a device; default by what SQ8 queries take. */
  constructor(engine: Engine, copies: DeviceCopies, slices = { host: HOST_SLICE, device: DEVICE_SLICE }) {
    this.slices = slices;
    this.engine = engine;
    this.copies = copies;
    this.host = new HostWalker(engine.host);
    const walkers = () => ({ resident: new ResidentWalker(engine, copies.graphs), lockstep: new LockstepWalker(engine, copies.codes) });
    this.device = engine.kind === 'gpu' ? walkers() : undefined;
    this.last = engine.host;
  }

  get slice(): number {
    return this.device ? this.slices.device : this.slices.host * this.engine.host.info.threads;
  }

  get isAhead(): boolean {
    return this.device !== undefined;
  }

  /** The engine of the last walk. */
  get answered(): Engine {
    return this.last;
  }

  async walk(graph: GraphView, walk: Walk): Promise<Found> {
    const { device, host } = this;
    return this.onDeviceOrHost(graph, (on) => {
      this.last = on;
      if (on === this.engine.host) return host.walk(graph, walk);
      return (DeviceGraph.fits(on, graph) ? device!.resident : device!.lockstep).walk(graph, walk);
    });
  }

  /** The `length` nearest of what each query finds. */
  async search(graph: GraphView, walk: Walk, length: number): Promise<Heads> {
    return headsOf(await this.walk(graph, walk), walk.ef, length);
  }

  /** Does what the first walk would do first: sends the device what it lacks. */
  async prepare(graph: GraphView, signal: AbortSignal | undefined): Promise<void> {
    await this.onDeviceOrHost(graph, async (on) => {
      if (on === this.engine.host) return;
      if (DeviceGraph.fits(on, graph)) await this.copies.graphs.use(on, graph, signal, async () => {});
      else (await this.copies.codes.acquire(on, graph, signal)).release();
    });
  }

  /** A device builds by itself what it can walk by itself, where the new nodes are worth a copy of the graph for the build alone. */
  async openLinker(view: GraphView, job: LinkJob): Promise<Linker | undefined> {
    if (job.fresh * BUILD_SHARE < view.count) return undefined;
    return this.onDeviceOrHost(view, async (on) => {
      if (on === this.engine.host || !DeviceGraph.fits(on, view)) return undefined;
      return DeviceLinker.open(on, this.copies.graphs, view, job);
    });
  }

  private async onDeviceOrHost<T>({ plan }: GraphView, work: (on: Engine) => Promise<T>): Promise<T> {
    const { engine } = this;
    if (!this.device || !isDeviceWalkable(plan)) return work(engine.host);
    const chosen = await engine.pick({ terms: 0, waits: 0, uploadBytes: 0 }); // the host, once the device is lost
    return withHostBehind(chosen, engine.host, this.copies, work);
  }
}
