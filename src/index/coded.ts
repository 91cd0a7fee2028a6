import type { Engine } from '../host/engine.ts';
import { Breather, type TaskOptions } from '../util/tasks.ts';
import { isCertifiable } from './certified-search.ts';
import { CodeOriginals } from './code-originals.ts';
import { candidatesFor, checkNprobe, checkRefineFactor, keepsVectors } from './coded-config.ts';
import { DeviceLists } from './coded-device.ts';
import { writeCoded } from './coded-file.ts';
import { type CodedTask, searchLists, searchListsWithin } from './coded-search.ts';
import type { CodedContent, CodedState } from './coded-state.ts';
import { type CodedRows, Lists } from './coding/lists.ts';
import type { Trained } from './coding/trained.ts';
import { BestCollector } from './collectors.ts';
import { admit } from './filter.ts';
import { MemoryOriginals } from './originals.ts';
import { RangeCollector } from './range-collector.ts';
import { type Circumstances, RowIndex } from './row-index.ts';
import { compacted, liveRows, renumbered, type Snapshot } from './rows.ts';
import { TrainedIndex } from './trained-index.ts';
import type { Neighbors, RangeNeighbors, RangeSearchOptions, SearchOptions } from './vector-index.ts';

/** Rows that are coded at a time. */
const PIECE_ROWS = 4096;

/**
 * Codes in one list or many (IVF), behind any transforms: an approximate index whose memory is that of its codes. `train` comes
 * first. With RFlat, or the codec Flat, the vectors are kept too, and distances are theirs; otherwise they are what codes say.
 */
export class CodedIndex extends TrainedIndex<CodedState> {
  private readonly device = new DeviceLists();

  constructor(engine: Engine, { config, settings, ...state }: CodedContent, circumstances?: Circumstances) {
    super(engine, { config, settings }, state, circumstances);
  }

  /** Bytes held by vectors (where they are kept), labels, codes, lists, and by what does not grow with the rows. */
  override get memory() {
    const { lists, trained } = this.states.current;
    const { codes, lists: places } = lists?.memory ?? { codes: 0, lists: 0 };
    return { ...super.memory, codes: codes + this.device.bytes, lists: places, fixed: trained?.bytes ?? 0 };
  }

  /** Numbers the rows anew, without gaps. */
  async compact(options: TaskOptions = {}): Promise<void> {
    await this.write(async () => {
      options.signal?.throwIfAborted();
      const { snapshot, trained, lists } = this.states.current;
      if (snapshot.liveCount === snapshot.count) return;
      const next = keepsVectors(this.config)
        ? await compacted(snapshot, new MemoryOriginals(this.dim))
        : renumbered(snapshot, new CodeOriginals(this.dim));
      options.signal?.throwIfAborted();
      const renumberedLists = this.unlessClosed(await lists!.renumbered(liveRows(snapshot)));
      this.replace({ snapshot: next, trained, lists: renumberedLists }, [lists!]);
      options.onProgress?.(snapshot.count, snapshot.count);
    });
  }

  protected async nearest(queries: Float32Array, k: number, options: SearchOptions): Promise<Neighbors> {
    const nq = queries.length / this.dim;
    const labels = new Int32Array(nq * k).fill(-1);
    const distances = new Float32Array(nq * k).fill(Infinity);
    using reading = this.read(queries, options);
    const factor = options.refineFactor === undefined ? this.config.refineFactor : checkRefineFactor(options.refineFactor);
    const wanted = Math.min(k, Math.max(1, this.size));
    const collector = new BestCollector(nq, wanted);
    const keep = candidatesFor(this.config, factor)(wanted);
    const certified = keepsVectors(this.config) && options.refineFactor === undefined;
    const answered = reading.task ? await searchLists(this.certify(reading.task, certified), keep, wanted, collector) : this.engine.host;
    for (const [q, list] of collector.lists.entries()) list.writeTo(labels, distances, q * k);
    return { k, labels, distances, engine: answered.kind, distancesOf: this.distancesOf };
  }

  protected async within(queries: Float32Array, radius: number, options: RangeSearchOptions): Promise<RangeNeighbors> {
    const nq = queries.length / this.dim;
    using reading = this.read(queries, options);
    const collector = new RangeCollector(nq, radius, options.maxResults);
    const answered = reading.task ? await searchListsWithin(reading.task, radius, collector) : this.engine.host;
    return { ...collector.results(), engine: answered.kind, distancesOf: this.distancesOf };
  }

  protected async commit(next: Snapshot, options: TaskOptions): Promise<void> {
    const { snapshot, trained, lists } = this.states.current;
    const breather = new Breather(options.signal);
    const shape = { nlist: trained!.nlist, stride: trained!.codec.stride, withTerms: trained!.codec.withTerms };
    const added = next.count - snapshot.count;
    const pieces: CodedRows[] = [];
    for (let first = snapshot.count; first < next.count; first += PIECE_ROWS) {
      const count = Math.min(PIECE_ROWS, next.count - first);
      const rows = new Float32Array(count * this.dim);
      await next.originals.readRange(first, first + count, rows);
      pieces.push(await trained!.code(rows, first, this.dim, options));
      options.onProgress?.(first + count - snapshot.count, added);
      this.checkOpen();
      await breather.breathe();
    }
    const merged = this.unlessClosed(await Lists.merged(this.engine.host, shape, lists, pieces, next.live));
    this.replace({ snapshot: next, trained, lists: merged }, lists ? [lists] : []);
  }

  protected pieces(options: TaskOptions): AsyncIterable<Uint8Array> & Disposable {
    const { state, release } = this.states.acquire();
    return RowIndex.disposable(writeCoded(this.config, this.settings, this.engine.host, state, options), release);
  }

  protected emptyState(snapshot: Snapshot, trained: Trained | undefined): CodedState {
    return { snapshot, trained, lists: undefined };
  }

  protected holdings({ trained, lists }: CodedState): Disposable[] {
    return [trained, lists].filter((thing) => thing !== undefined);
  }

  protected override release(): void {
    this.device.close();
    super.release();
  }

  protected settle({ snapshot, trained, lists }: CodedState): void {
    if (!(snapshot.originals instanceof CodeOriginals) || !lists || !trained) return;
    const vector = new Float32Array(trained.dimOf(this.dim));
    snapshot.originals.settle((row, out) => {
      const place = lists.find(row);
      if (!place) return;
      trained.codec.decode(this.engine.host.view(lists.codes), place.position * lists.stride, place.list, vector);
      trained.invert(vector, out);
    }, snapshot.count);
  }

  private certify(task: CodedTask, wanted: boolean): CodedTask {
    return wanted && isCertifiable(task.trained) ? { ...task, certified: true } : task;
  }

  /** The current state as a search takes it, held until it is disposed of. `task` is undefined where there are no rows. */
  private read(queries: Float32Array, options: SearchOptions | RangeSearchOptions): { readonly task: CodedTask | undefined } & Disposable {
    const { engine, metric, config } = this;
    const { state, release } = this.states.acquire();
    try {
      const { snapshot, trained, lists } = state;
      if (!trained) throw this.untrained('search it');
      const nprobe = options.nprobe === undefined || !trained.coarse ? config.nprobe : checkNprobe(options.nprobe, trained.nlist);
      if (!lists) return { task: undefined, [Symbol.dispose]: release };
      const admission = admit(snapshot, options.filter);
      const vectors = keepsVectors(config) ? snapshot.originals : undefined;
      const asked = { queries, nprobe, candidatesFor: candidatesFor(config, config.refineFactor), options };
      const task = { engine, device: this.device, trained, lists, snapshot, admission, metric, vectors, ...asked };
      return { task, [Symbol.dispose]: release };
    } catch (error) {
      release();
      throw error;
    }
  }
}
