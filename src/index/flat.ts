import type { Engine } from '../host/engine.ts';
import { type TaskOptions, untilAborted } from '../util/tasks.ts';
import { BestCollector, type Collector } from './collectors.ts';
import { DerivedCodes } from './derived-codes.ts';
import { admit } from './filter.ts';
import { writeFlat } from './flat-file.ts';
import { searchFlat } from './flat-search.ts';
import { MemoryOriginals } from './originals.ts';
import { withHostBehind } from './per-engine.ts';
import { RangeCollector } from './range-collector.ts';
import { type Circumstances, RowIndex, type RowState } from './row-index.ts';
import { compacted, type Snapshot } from './rows.ts';
import type { Neighbors, RangeNeighbors, RangeSearchOptions, SearchOptions } from './vector-index.ts';

/** Dead rows are dropped when they are this share of all, and at least so many. */
const COMPACT_SHARE = 4;
const COMPACT_ROWS = 1024;

/** Exact search: always the canonical nearest neighbours, ties and duplicates included. */
export class FlatIndex extends RowIndex {
  readonly description = 'Flat';
  protected readonly addReports = 'copying';
  private readonly codes: DerivedCodes;

  constructor(engine: Engine, state: RowState, circumstances?: Circumstances) {
    super(engine, state, circumstances);
    this.codes = new DerivedCodes(this.metric, this.seed, this.width);
  }

  /** Bytes held by rows and labels, and by codes on all engines. */
  override get memory() {
    return { ...super.memory, codes: this.codes.bytes };
  }

  async prepare(options: TaskOptions = {}): Promise<void> {
    this.checkOpen();
    if (this.snapshot.count === 0) return;
    const { engine, snapshot } = this;
    const chosen = engine.kind === 'auto' ? engine.host : await engine.pick({ terms: 0, waits: 0, uploadBytes: 0 });
    await this.whileOpen(
      withHostBehind(chosen, engine.host, this.codes, async (on) => {
        const codes = this.codes.acquire(on, snapshot, options);
        void codes.then(
          (held) => held.release(),
          () => undefined,
        );
        await untilAborted(codes, options.signal);
      }),
    );
  }

  protected async nearest(queries: Float32Array, k: number, options: SearchOptions): Promise<Neighbors> {
    const nq = queries.length / this.dim;
    const labels = new Int32Array(nq * k).fill(-1);
    const distances = new Float32Array(nq * k).fill(Infinity);
    const wanted = Math.min(k, Math.max(1, this.size));
    const { engine, collector } = await this.run(queries, options, () => new BestCollector(nq, wanted));
    for (const [q, list] of collector.lists.entries()) list.writeTo(labels, distances, q * k);
    return { k, labels, distances, engine: engine.kind, distancesOf: 'vectors' };
  }

  protected async within(queries: Float32Array, radius: number, options: RangeSearchOptions): Promise<RangeNeighbors> {
    const nq = queries.length / this.dim;
    const { engine, collector } = await this.run(queries, options, () => new RangeCollector(nq, radius, options.maxResults));
    return { ...collector.results(), engine: engine.kind, distancesOf: 'vectors' };
  }

  async compact(): Promise<void> {
    await this.write(() => this.closeGaps(this.snapshot));
  }

  /** When much of the state is dead, its live rows move together first. */
  protected async commit(next: Snapshot): Promise<void> {
    const dead = next.count - next.liveCount;
    const inMemory = next.originals instanceof MemoryOriginals;
    if (!inMemory || dead < COMPACT_ROWS || dead * COMPACT_SHARE < next.count) this.swap(next);
    else await this.closeGaps(next);
  }

  protected pieces(options: TaskOptions): AsyncIterable<Uint8Array> & Disposable {
    return RowIndex.disposable(writeFlat(this, this.snapshot, options));
  }

  protected release(): void {
    this.codes.close();
  }

  /** Makes a state without its dead rows the current one. */
  private async closeGaps(state: Snapshot): Promise<void> {
    if (state.liveCount < state.count) {
      this.swap(await compacted(state, new MemoryOriginals(this.dim)));
      this.codes.drop();
    } else this.swap(state);
  }

  private run<C extends Collector>(
    queries: Float32Array,
    options: SearchOptions | RangeSearchOptions,
    collector: () => C,
  ): Promise<{ engine: Engine; collector: C }> {
    const { engine, snapshot, codes, metric, width } = this;
    const admission = admit(snapshot, options.filter);
    return searchFlat({ engine, snapshot, admission, codes, metric, width, queries, options }, collector);
  }
}
