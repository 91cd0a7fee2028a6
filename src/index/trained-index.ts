import type { Engine } from '../host/engine.ts';
import { badArgument, IsodexError } from '../util/errors.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { type CodedConfig, describeCoded, keepsVectors } from './coded-config.ts';
import { Trained } from './coding/trained.ts';
import { trainPlan } from './coding/training.ts';
import { RowIndex } from './row-index.ts';
import type { Snapshot } from './rows.ts';
import { States } from './states.ts';
import { type AddOptions, checkedQueries, type Settings, type TrainReport, type VectorBatches } from './vector-index.ts';

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

  constructor(engine: Engine, { config, settings }: { config: CodedConfig; settings: Settings }, state: S, onClose?: () => void) {
    super(engine, { ...settings, snapshot: state.snapshot }, onClose);
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
      const { current } = this.states;
      const { snapshot } = current;
      if (snapshot.count > 0) throw badArgument(`the index holds ${snapshot.count} rows, coded as it was trained; train an empty one`);
      const { engine, config, settings } = this;
      const { description, maxPointsPerCentroid } = config;
      const task = { engine: await engine.pick({ terms: 0, waits: 0, uploadBytes: 0 }), description, settings, maxPointsPerCentroid };
      const { plan, report } = await trainPlan(rows, { ...task, ...options });
      const trained = await Trained.open(engine, plan, this.metric);
      this.replace(this.emptyState(snapshot, trained), this.holdings(current));
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

  protected replace(next: S, garbage: readonly Disposable[]): void {
    this.settle(next);
    this.states.replace(next, garbage);
    this.swap(next.snapshot);
  }
}
