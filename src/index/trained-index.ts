import type { Engine } from '../host/engine.ts';
import { badArgument, IsodexError } from '../util/errors.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { checkedQueries } from './checked-rows.ts';
import { type CodedConfig, describeCoded, keepsVectors } from './coded-config.ts';
import { Trained } from './coding/trained.ts';
import { trainPlan } from './coding/training.ts';
import { withHostBehind } from './per-engine.ts';
import { type Circumstances, RowIndex } from './row-index.ts';
import type { Snapshot } from './rows.ts';
import { States } from './states.ts';
import type { AddOptions, Settings, TrainReport, VectorBatches } from './vector-index.ts';

/** What an index that is trained is at one time. */
export interface TrainedState {
  readonly snapshot: Snapshot;
  readonly trained: Trained | undefined;
}

/** An index that learns from a sample before rows are added: what all of them share, whatever finds their rows. */
export abstract class TrainedIndex<S extends TrainedState> extends RowIndex {
  readonly description: string;
  readonly config: CodedConfig;
  protected readonly addReports = 'commit';
  protected readonly states: States<S>;

  constructor(engine: Engine, { config, settings }: { config: CodedConfig; settings: Settings }, state: S, circumstances?: Circumstances) {
    super(engine, { ...settings, snapshot: state.snapshot }, circumstances);
    this.config = config;
    this.description = describeCoded(config);
    this.states = new States(state);
    this.settle(state);
  }

  /** The state of an index that has these rows, none as yet or none any more. */
  protected abstract emptyState(snapshot: Snapshot, trained: Trained | undefined): S;

  /** What a state holds on engines. */
  protected abstract holdings(state: S): Disposable[];

  /** Where only codes are kept, rows are read from them. */
  protected abstract settle(state: S): void;

  override get isTrained(): boolean {
    return this.states.current.trained !== undefined;
  }

  override async train(vectors: Float32Array, options: TaskOptions = {}): Promise<TrainReport> {
    this.checkOpen();
    const rows = checkedQueries(vectors, this.dim, this.metric, 'vectors');
    return this.write(async () => {
      const started = performance.now();
      const { current } = this.states;
      this.checkEmpty(current.snapshot);
      const { plan, report } = await this.learn(rows, options);
      const trained = this.unlessClosed(await Trained.open(this.engine, plan, this.metric));
      this.replace(this.emptyState(current.snapshot, trained), this.holdings(current));
      this.meter.did('train', performance.now() - started);
      return report;
    });
  }

  override async add(vectors: VectorBatches, options: AddOptions = {}): Promise<Int32Array> {
    this.checkOpen();
    if (!this.isTrained) throw this.untrained('add to it');
    return super.add(vectors, options);
  }

  async prepare(): Promise<void> {
    this.checkOpen();
  }

  /** Searches and a writer under way finish first: memory that they still read must not become somebody else's. */
  protected release(): void {
    void this.idle().then(() => {
      const { current } = this.states;
      this.states.replace(this.emptyState(current.snapshot, undefined), this.holdings(current));
    });
  }

  protected get settings(): Settings {
    return { dim: this.dim, metric: this.metric, seed: this.seed };
  }

  protected get distancesOf(): 'vectors' | 'codes' {
    return keepsVectors(this.config) ? 'vectors' : 'codes';
  }

  protected untrained(what: string): IsodexError {
    return new IsodexError('bad-argument', `the index ${this.description} is not trained; call train(vectors) before you ${what}`);
  }

  /** Rows are coded as the index was trained when they came. */
  private checkEmpty({ count, liveCount }: Snapshot): void {
    if (count === 0) return;
    const what = liveCount > 0 ? `holds ${liveCount} rows` : `holds no rows but keeps the places of ${count} that were removed`;
    const mend = liveCount > 0 ? 'train before you add, or make another index' : 'call compact() first';
    throw badArgument(`the index ${what}, coded as it was trained; ${mend}`);
  }

  /** Trains on a device where there is one; if that is lost or full, on the host. Closing the index stops it. */
  private async learn(rows: Float32Array, { signal, onProgress }: TaskOptions) {
    const { engine, settings } = this;
    const { description, maxPointsPerCentroid } = this.config;
    const task = { description, settings, maxPointsPerCentroid, signal };
    const progress = (done: number, total: number) => {
      this.checkOpen();
      onProgress?.(done, total);
    };
    const chosen = await engine.pick({ terms: 0, waits: 0, uploadBytes: 0 });
    const nothingKept = { drop() {} };
    return withHostBehind(chosen, engine.host, nothingKept, (on) => trainPlan(rows, { ...task, engine: on, onProgress: progress }));
  }

  /** What was made for the index, or 'closed' where it was closed meanwhile. */
  protected unlessClosed<T extends Disposable>(made: T): T {
    try {
      this.checkOpen();
      return made;
    } catch (error) {
      made[Symbol.dispose]();
      throw error;
    }
  }

  protected replace(next: S, garbage: readonly Disposable[]): void {
    this.settle(next);
    this.states.replace(next, garbage);
    this.swap(next.snapshot);
  }
}
