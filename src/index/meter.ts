/** Counts and times what an index is asked, since it was made or opened. */
import { Timings } from '../util/timings.ts';
import { ENOUGH_QUERIES, isAsChosen, type Seen, straysOf } from './straying.ts';
import type { TunedChoice } from './tuned.ts';
import type { LiveRecall, Metered, Neighbors, SearchOptions, Stray } from './vector-index.ts';

/** What rows and memory are just now: an index tells it when it is asked for. */
type Holdings = () => Pick<Seen, 'rows' | 'memoryBytes'>;

/** Single queries from one look for strays to the next. */
const LOOK_EVERY = 256;

export class Meter {
  private readonly times = { train: new Timings(), add: new Timings(), single: new Timings(), batched: new Timings() };
  private readonly calls = { train: 0, add: 0, remove: 0, search: 0, rangeSearch: 0 };
  private readonly engines: Record<string, number> = {};
  private readonly asChosen = new Timings();
  private queries = 0;
  private recall: LiveRecall | undefined;
  private recallAsChosen: LiveRecall | undefined;
  private readonly choice: TunedChoice | undefined;
  private readonly onStray: ((stray: Stray) => void) | undefined;
  private readonly told = new Set<Stray['what']>();
  private readonly holdings: Holdings;

  constructor(holdings: Holdings, choice: TunedChoice | undefined, onStray: ((stray: Stray) => void) | undefined) {
    this.holdings = holdings;
    this.choice = choice;
    this.onStray = onStray;
  }

  /** A call that succeeded. */
  did(what: 'train' | 'add', ms: number): void {
    this.calls[what]++;
    this.times[what].record(ms);
  }

  count(what: 'remove' | 'rangeSearch'): void {
    this.calls[what]++;
  }

  searched({ k, engine }: Neighbors, queries: number, ms: number, options: SearchOptions): void {
    this.calls.search++;
    this.queries += queries;
    this.engines[engine] = (this.engines[engine] ?? 0) + queries;
    if (queries > 1) this.times.batched.record(ms / queries, queries);
    else this.single(ms, k, options);
  }

  private single(ms: number, k: number, options: SearchOptions): void {
    this.times.single.record(ms);
    if (!this.choice || !isAsChosen(this.choice, k, options)) return;
    this.asChosen.record(ms);
    if (this.asChosen.count % LOOK_EVERY === ENOUGH_QUERIES) this.tellStrays();
  }

  measured(recall: LiveRecall, k: number, options: SearchOptions): void {
    this.recall = recall;
    if (!this.choice || !isAsChosen(this.choice, k, options)) return;
    this.recallAsChosen = recall;
    this.tellStrays();
  }

  get strays(): Stray[] {
    if (!this.choice) return [];
    return straysOf(this.choice, { asChosen: this.asChosen.summary, recall: this.recallAsChosen, ...this.holdings() });
  }

  get metered(): Metered {
    const { calls, queries, engines, recall } = this;
    const { train, add, single, batched } = this.times;
    const query = Timings.merged(single, batched);
    const times = { train: train.summary, add: add.summary, single: single.summary, batched: batched.summary, query: query.summary };
    return { calls: { ...calls }, queries, engines: { ...engines }, times, recall };
  }

  /** Each kind once. */
  private tellStrays(): void {
    if (!this.onStray) return;
    for (const stray of this.strays) {
      if (this.told.has(stray.what)) continue;
      this.told.add(stray.what);
      this.onStray(stray);
    }
  }
}
