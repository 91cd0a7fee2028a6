/** Finds the index that meets a wish on given vectors: what is tried, in which order, and when it stops. */
import type { Engine, EngineInfo } from '../host/engine.ts';
import { checkedQueries } from '../index/checked-rows.ts';
import { estimate } from '../index/estimate.ts';
import type { BuildChoice, MeasuredOn, OperatingPoint, SearchChoice } from '../index/tuned.ts';
import { checkDim, checkMetric, checkSeed, type Metric } from '../index/vector-index.ts';
import { badArgument } from '../util/errors.ts';
import { createHasher, toHex } from '../util/sha256.ts';
import { spread } from '../util/spread.ts';
import type { TaskOptions } from '../util/tasks.ts';
import { type Candidate, candidatesOf, FAMILIES, type Family } from './candidates.ts';
import { type Crossing, measureCrossing } from './crossover.ts';
import { bestFor, type Choice, checkWish, type Wish } from './operating-points.ts';
import { promoted, rungs } from './plan.ts';
import { runTrial, type Surroundings, type TrialData, type TrialRecord } from './trial.ts';

export interface TuneOptions extends Wish, TaskOptions {
  /** Values in a vector. */
  readonly dim: number;
  /** Default 'l2'. */
  readonly metric?: Metric | undefined;
  /** Queries f32 [nq, dim]. Default: up to 1,000 of the vectors, evenly spaced, which are then left out of the indexes. */
  readonly queries?: Float32Array | undefined;
  /** Neighbours. Default 10. */
  readonly k?: number | undefined;
  /** Default 0.95. */
  readonly minRecall?: number | undefined;
  /** Kinds of index that are tried. Default: all. */
  readonly indexes?: readonly Family[] | undefined;
  /** Seconds that tuning may take. Default 900. */
  readonly budget?: number | undefined;
  readonly seed?: number | undefined;
  /** Whether the vectors are made up, which the result then says. Default false. */
  readonly synthetic?: boolean | undefined;
  /** Trials of an earlier run on the same vectors, which are not repeated. */
  readonly resume?: readonly TrialRecord[] | undefined;
  /** Gets each trial when it is done, and the best point so far. */
  readonly onTrial?: ((trial: TrialRecord, best: OperatingPoint | undefined) => void) | undefined;
}

/** What happened, in order: trials, what was promoted or left out, and why tuning ended. */
export interface LogEntry {
  /** Seconds since the start. */
  readonly at: number;
  readonly event: string;
  /** Whether something was not tried, and why is told. */
  readonly skipped?: boolean;
}

export interface TuningResult extends Choice {
  readonly wish: Wish;
  readonly measuredOn: MeasuredOn;
  /** All that was measured on all rows. */
  readonly points: readonly OperatingPoint[];
  readonly trials: readonly TrialRecord[];
  /** Where there is a GPU: of Flat, and of the best index or the one that comes nearest. */
  readonly crossovers: readonly Crossover[];
  readonly log: readonly LogEntry[];
}

/** From which batch on a GPU answers sooner, of one index searched in one way. */
export interface Crossover extends Crossing {
  readonly build: BuildChoice;
  readonly search: SearchChoice;
}

const HELD_OUT = 1000;
const HELD_OUT_SHARE = 1 / 20;
const BUDGET = 900;

export async function tuneOn(
  around: Surroundings,
  vectors: Float32Array,
  options: TuneOptions & { readonly engine: Engine },
): Promise<TuningResult> {
  return new Tuner(around, vectors, options).run();
}

class Tuner {
  private readonly around: Surroundings;
  private readonly options: TuneOptions & { readonly engine: Engine };
  private readonly wish: Wish & { readonly minRecall: number };
  private readonly all: Omit<TrialData, 'truth'>;
  private readonly measuredOn: MeasuredOn;
  private readonly started: number;
  private readonly trials: TrialRecord[] = [];
  private readonly points: OperatingPoint[] = [];
  private readonly log: LogEntry[] = [];
  /** By the number of rows. */
  private readonly data = new Map<number, TrialData>();

  constructor(around: Surroundings, vectors: Float32Array, options: TuneOptions & { readonly engine: Engine }) {
    const dim = checkDim(options.dim);
    const metric = checkMetric(options.metric ?? 'l2');
    const seed = checkSeed(options.seed ?? 1);
    const k = options.k ?? 10;
    const checked = checkedQueries(vectors, dim, 'l2', 'vectors');
    const { rows, queries } = options.queries
      ? { rows: checked, queries: checkedQueries(options.queries, dim, 'l2', 'queries') }
      : heldOut(checked, dim);
    if (rows.length / dim < 2 * k) throw badArgument(`vectors has ${rows.length / dim} rows to search, too few for k = ${k}; give more`);
    this.around = around;
    this.options = options;
    this.started = around.now();
    const { maxP99, maxMemory, maxBuild, objective = 'p99', minRecall = 0.95 } = options;
    this.wish = { minRecall, maxP99, maxMemory, maxBuild, objective };
    checkWish(this.wish);
    this.all = { dim, metric, seed, rows, queries, k };
    this.measuredOn = {
      ...{ fingerprint: fingerprintOf(vectors, options.queries), n: rows.length / dim, dim, metric, k },
      ...{ queries: queries.length / dim, heldOut: options.queries === undefined, synthetic: options.synthetic === true },
      ...engineFacts(options.engine.info),
      machine: around.machine,
    };
  }

  async run(): Promise<TuningResult> {
    const families = this.options.indexes ?? FAMILIES;
    const unknown = families.find((family) => !FAMILIES.includes(family));
    if (unknown !== undefined) throw badArgument(`indexes has '${unknown}'; give some of ${FAMILIES.join(', ')}`);
    for (const [i, family] of families.entries()) {
      this.options.onProgress?.(i, families.length);
      await this.tuneFamily(family);
    }
    this.options.onProgress?.(families.length, families.length);
    const choice = bestFor(this.points, this.wish);
    const crossovers = await this.crossovers(choice.best ?? choice.nearest);
    const { wish, measuredOn, points, trials, log } = this;
    return { ...choice, wish, measuredOn, points, trials, crossovers, log };
  }

  /** Of Flat and of the chosen index, where there is a GPU and time is left. */
  private async crossovers(chosen: OperatingPoint | undefined): Promise<Crossover[]> {
    const { engine, budget = BUDGET } = this.options;
    // of so much work an `auto` engine would ask a GPU if it was of any use
    const gpu = await engine.pick({ terms: 1e18, waits: 0, uploadBytes: 0 });
    if (gpu === engine.host || !chosen) return [];
    const flat = { build: { description: 'Flat', config: {} }, search: {}, buildSeconds: 0 };
    const crossovers: Crossover[] = [];
    for (const point of chosen.build.description === 'Flat' ? [flat] : [flat, chosen]) {
      const name = keyOf(point.build);
      if (this.seconds + point.buildSeconds > budget) this.skip(`where CPU and GPU cross over with ${name}: the budget is used up`);
      else crossovers.push({ build: point.build, search: point.search, ...(await this.crossing(point, gpu)) });
    }
    return crossovers;
  }

  private async crossing({ build, search }: Pick<OperatingPoint, 'build' | 'search'>, device: Engine): Promise<Crossing> {
    const { dim, metric, seed, rows, queries, k } = this.all;
    const { engine, signal } = this.options;
    using cpu = await this.around.createIndex(build.description, { ...build.config, dim, metric, seed, engine: engine.host });
    if (!cpu.isTrained) await cpu.train(rows, { signal });
    await cpu.add(rows, { signal });
    using gpu = await this.around.fromBytes(await cpu.toBytes({ signal }), { engine: device });
    for (const index of [cpu, gpu]) await index.prepare({ signal });
    const crossing = await measureCrossing({ cpu, gpu }, queries, { ...search, k, signal }, () => this.around.now());
    const said = crossing.from === null ? 'in no batch that was tried' : `in batches of ${crossing.from} and more`;
    this.note(`${keyOf(build)}: the GPU is faster ${said}`);
    return crossing;
  }

  private async tuneFamily(family: Family): Promise<void> {
    const { n, dim } = this.measuredOn;
    const known = candidatesOf(family, n, dim);
    if (known.length === 0) return this.skip(`${family}: ${n} rows of dim ${dim} are too few to learn from`);
    let candidates = known.filter((candidate) => this.fits(candidate));
    if (candidates.length === 0) return; // each was told of
    const sizes = rungs(n, candidates.length);
    for (const [rung, size] of sizes.entries()) {
      const last = rung === sizes.length - 1;
      const records: TrialRecord[] = [];
      for (const candidate of candidates) {
        const record = await this.trial(candidate, size, last);
        if (!record) return;
        records.push(record);
      }
      if (last) return;
      candidates = promoted(candidates, records, this.wish.minRecall, rung === sizes.length - 2);
      this.note(`${family}: after ${size} rows ${candidates.map(nameOf).join(', ')} go on`);
    }
  }

  /** Whether a candidate's memory, which is known before it is built, is within the wish. */
  private fits(candidate: Candidate): boolean {
    const { maxMemory } = this.wish;
    const { n, dim, metric } = this.measuredOn;
    const bytes = estimate(candidate.build.description, { n, dim, metric }).memory.total;
    if (maxMemory === undefined || bytes <= maxMemory) return true;
    this.skip(`${nameOf(candidate)} is left out: it would take ${bytes} bytes, more than ${maxMemory}`);
    return false;
  }

  /** Undefined where the time is up. */
  private async trial(candidate: Candidate, size: number, timed: boolean): Promise<TrialRecord | undefined> {
    const { family } = candidate;
    const { budget = BUDGET, resume = [], engine, signal, onTrial } = this.options;
    const known = resume.find((record) => record.rows === size && keyOf(record.build) === keyOf(candidate.build));
    if (known) return this.keep(known, timed);
    const expected = this.expectedSeconds(candidate, size);
    if (this.seconds + expected > budget) {
      const left = Math.max(0, budget - this.seconds).toFixed(0);
      const needed = expected > 0 ? `, which takes some ${Math.ceil(expected)} s` : '';
      this.skip(`${family} ends before ${nameOf(candidate)} on ${size} rows${needed}: of the budget of ${budget} s ${left} are left`);
      return undefined;
    }
    const data = await this.dataOf(size);
    const task = { engine, minRecall: this.wish.minRecall, timed, signal };
    const record = await runTrial(this.around, candidate, data, task);
    this.keep(record, timed);
    onTrial?.(record, bestFor(this.points, this.wish).best);
    return record;
  }

  private keep(record: TrialRecord, timed: boolean): TrialRecord {
    this.trials.push(record);
    const last = record.searches.at(-1)!;
    this.note(
      `${keyOf(record.build)} on ${record.rows} rows: built in ${record.buildSeconds.toFixed(1)} s, recall up to ${last.recall.toFixed(4)}`,
    );
    if (timed) this.points.push(...pointsOf(record));
    return record;
  }

  /** From the same candidate's last trial: builds take somewhat longer than in proportion. */
  private expectedSeconds({ build }: Candidate, size: number): number {
    const before = this.trials.findLast((trial) => keyOf(trial.build) === keyOf(build));
    return before ? before.buildSeconds * (size / before.rows) ** 1.1 : 0;
  }

  /** So many of the rows, and the truth among them. */
  private async dataOf(size: number): Promise<TrialData> {
    const known = this.data.get(size);
    if (known) return known;
    const { queries, dim, metric, seed, k } = this.all;
    const { engine, signal } = this.options;
    const rows = spread(this.all.rows, dim, size);
    using flat = await this.around.createIndex('Flat', { dim, metric, seed, engine });
    await flat.add(rows, { signal });
    const { distances: truth } = await flat.search(queries, { k, signal });
    const data = { ...this.all, rows, truth };
    this.data.set(size, data);
    return data;
  }

  private get seconds(): number {
    return (this.around.now() - this.started) / 1000;
  }

  private note(event: string): void {
    this.log.push({ at: Math.round(this.seconds * 1000) / 1000, event });
  }

  private skip(event: string): void {
    this.log.push({ at: Math.round(this.seconds * 1000) / 1000, event, skipped: true });
  }
}

function engineFacts({ description: engine, adapter, engines = [] }: EngineInfo): Pick<MeasuredOn, 'engine' | 'adapter'> {
  const named = adapter ?? engines.find((one) => one.adapter)?.adapter;
  return { engine, adapter: named && `${named.vendor} ${named.device}, ${named.description}` };
}

function nameOf({ build }: Candidate): string {
  return keyOf(build);
}

/** What tells builds apart. */
export function keyOf({ description, config }: OperatingPoint['build']): string {
  const numbers = Object.entries(config).map(([name, value]) => ` ${name} ${value}`);
  return `${description}${numbers.join('')}`;
}

function pointsOf({ build, buildSeconds, memory, searches }: TrialRecord): OperatingPoint[] {
  const memoryBytes = Object.values(memory).reduce((sum, bytes) => sum + bytes, 0);
  return searches.flatMap(({ search, recall, recallInterval, latency, qps }) =>
    latency && qps ? [{ build, search, recall, recallInterval, latency, qps, buildSeconds, memory, memoryBytes }] : [],
  );
}

/** Takes evenly spaced rows out of f32 [n, dim], to ask for. */
function heldOut(vectors: Float32Array, dim: number): { rows: Float32Array; queries: Float32Array } {
  const n = vectors.length / dim;
  const count = Math.max(1, Math.min(HELD_OUT, Math.floor(n * HELD_OUT_SHARE)));
  const asked = new Set(Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * n) / count)));
  const [rows, queries] = [new Float32Array((n - count) * dim), new Float32Array(count * dim)];
  let [row, query] = [0, 0];
  for (let i = 0; i < n; i++) {
    const vector = vectors.subarray(i * dim, (i + 1) * dim);
    if (asked.has(i)) queries.set(vector, query++ * dim);
    else rows.set(vector, row++ * dim);
  }
  return { rows, queries };
}

/** SHA-256 of the values, in hexadecimal digits. */
export function fingerprintOf(vectors: Float32Array, queries: Float32Array | undefined): string {
  const hasher = createHasher();
  for (const array of queries ? [vectors, queries] : [vectors]) {
    hasher.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  }
  return toHex(hasher.digest());
}
