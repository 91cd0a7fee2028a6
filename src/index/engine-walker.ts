import type { Engine } from '../host/engine.ts';
import type { DeviceCodes } from './graph-device.ts';
import { isDeviceWalkable, LockstepWalker } from './graph-lockstep.ts';
import { type Found, type GraphView, HostWalker, type Walk, type Walker } from './graph-walk.ts';
import { withHostBehind } from './per-engine.ts';

/** Queries of one walk, what is done between two looks at the signal: for each thread of the host, or enough for a device's groups. */
const HOST_SLICE = 256;
const DEVICE_SLICE = 4096;

/**
 * Walks on the device of an engine that has one, in lock-step, and on its host where the device is lost or full, or the codec
 * is none for devices. An `auto` engine walks on its host: a step waits for the device once per hop, and what the host does
 * for each candidate in TypeScript takes longer than WASM takes to score it.
 */
export class EngineWalker implements Walker {
  private readonly engine: Engine;
  private readonly codes: DeviceCodes;
  private readonly host: HostWalker;
  private readonly device: LockstepWalker | undefined;
  private readonly slices: { readonly host: number; readonly device: number };
  private last: Engine;

  /** `slices`: queries of one walk, for each thread of the host or on a device; default by what SQ8 queries take. */
  constructor(engine: Engine, codes: DeviceCodes, slices = { host: HOST_SLICE, device: DEVICE_SLICE }) {
    this.slices = slices;
    this.engine = engine;
    this.codes = codes;
    this.host = new HostWalker(engine.host);
    this.device = engine.kind === 'gpu' ? new LockstepWalker(engine, codes) : undefined;
    this.last = engine.host;
  }

  get slice(): number {
    return this.device ? this.slices.device : this.slices.host * this.engine.host.info.threads;
  }

  /** The engine of the last walk. */
  get answered(): Engine {
    return this.last;
  }

  async walk(graph: GraphView, walk: Walk): Promise<Found> {
    const { device, host } = this;
    return this.onDeviceOrHost(graph, (on) => {
      this.last = on;
      return on === this.engine.host ? host.walk(graph, walk) : device!.walk(graph, walk);
    });
  }

  /** Does what the first walk would do first: sends the device what it lacks. */
  async prepare(graph: GraphView, signal: AbortSignal | undefined): Promise<void> {
    await this.onDeviceOrHost(graph, async (on) => {
      if (on !== this.engine.host) (await this.codes.acquire(on, graph, signal)).release();
    });
  }

  private async onDeviceOrHost<T>({ plan }: GraphView, work: (on: Engine) => Promise<T>): Promise<T> {
    const { engine } = this;
    if (!this.device || !isDeviceWalkable(plan)) return work(engine.host);
    const chosen = await engine.pick({ terms: 0, waits: 0, uploadBytes: 0 }); // the host, once the device is lost
    return withHostBehind(chosen, engine.host, this.codes, work);
  }
}
