/** The library for one platform; main.ts and node.ts say which. */
import type { Engine, EngineKind } from './host/engine.ts';
import { type EngineOptions, openEngineOn, type Platform } from './host/open.ts';
import { type ByteSource, bytesSource } from './index/byte-source.ts';
import { type IndexConfig, makeIndex, readIndex } from './index/factory.ts';
import type { OriginalsAt } from './index/originals.ts';
import type { Machine, OperatingPoint, TunedChoice } from './index/tuned.ts';
import { checkOptions, type Stray, type VectorIndex } from './index/vector-index.ts';
import { type TuneOptions, type TuningResult, tuneOn } from './tune/tuner.ts';
import { choiceOf, chosenBy, type OlderChoice } from './tune/tuning-file.ts';
import type { TaskOptions } from './util/tasks.ts';

export interface EngineChoice {
  /**
   * An engine of yours, which stays open when the index closes; or the kind to open for this index alone. Default 'auto'.
   */
  engine?: Engine | EngineKind | undefined;
}

/** A description; or a point that `tune` measured; or a choice that the older system wrote. */
export type IndexChoice = string | OperatingPoint | OlderChoice;

export interface StrayOptions {
  /** Of an index that was chosen by `tune`: told once of each thing that strays from what was promised (`stats().strays`). */
  onStray?: ((stray: Stray) => void) | undefined;
}

export interface CreateOptions extends IndexConfig, EngineChoice, StrayOptions {}

export interface OpenOptions extends EngineChoice, TaskOptions, StrayOptions {}

/** `dim` and `metric` are the result's; where they are given, they must be the same. */
export interface FromTuningOptions extends Omit<CreateOptions, 'dim'> {
  readonly dim?: number | undefined;
}

export class Library {
  private readonly platform: Platform;
  private readonly machine: () => Machine;

  constructor(platform: Platform, machine: () => Machine) {
    this.platform = platform;
    this.machine = machine;
  }

  openEngine(options?: EngineOptions): Promise<Engine> {
    return openEngineOn(this.platform, options);
  }

  async createIndex(choice: IndexChoice, options: CreateOptions): Promise<VectorIndex> {
    const { description, config, tuned } =
      typeof choice === 'string' ? { description: choice, config: {}, tuned: undefined } : choiceOf(choice);
    return this.create(description, { ...config, ...options }, tuned);
  }

  async fromTuningResult(result: TuningResult, options: FromTuningOptions = {}): Promise<VectorIndex> {
    const { point, measuredOn } = chosenBy(result, checkOptions(options));
    const { description, config } = choiceOf(point);
    const { dim, metric } = measuredOn;
    return this.create(description, { ...config, ...options, dim, metric }, { point, measuredOn });
  }

  async tune(vectors: Float32Array, options: TuneOptions & EngineChoice): Promise<TuningResult> {
    const { engine, close } = await this.engineFor(checkOptions(options).engine);
    try {
      const createIndex = (description: string, config: CreateOptions) => this.createIndex(description, config);
      const fromBytes = (bytes: Uint8Array, on: OpenOptions) => this.fromBytes(bytes, on);
      const around = { createIndex, fromBytes, now: () => performance.now(), machine: this.machine() };
      return await tuneOn(around, vectors, { ...options, engine });
    } finally {
      close();
    }
  }

  fromBytes(bytes: Uint8Array, options: OpenOptions = {}): Promise<VectorIndex> {
    return this.read(bytesSource(bytes), options);
  }

  /** Reads an index from any source; `onClose` runs when the index closes, or when reading fails. */
  async read(source: ByteSource, options: OpenOptions, originalsAt?: OriginalsAt, onClose = () => {}): Promise<VectorIndex> {
    return closingOnError(onClose, async () => {
      const { engine, close } = await this.engineFor(options.engine);
      const closeBoth = () => {
        close();
        onClose();
      };
      const around = { onClose: closeBoth, onStray: options.onStray };
      return closingOnError(close, () => readIndex(source, engine, options, originalsAt, around));
    });
  }

  private async create(description: string, options: CreateOptions, tuned: TunedChoice | undefined): Promise<VectorIndex> {
    const { engine, close } = await this.engineFor(options?.engine);
    const around = { onClose: close, tuned: tuned && keptPromise(tuned, options), onStray: options?.onStray };
    return closingOnError(close, () => makeIndex(description, options, engine, around));
  }

  private async engineFor(choice: Engine | EngineKind = 'auto'): Promise<{ engine: Engine; close: () => void }> {
    if (typeof choice !== 'string') return { engine: choice, close: () => {} };
    const engine = await this.openEngine({ prefer: choice });
    return { engine, close: () => engine.close() };
  }
}

/** What was promised, unless the index is made in another way than was measured. */
function keptPromise(tuned: TunedChoice, options: CreateOptions): TunedChoice | undefined {
  const { build, search } = tuned.point;
  const measured: Readonly<Record<string, number | undefined>> = { ...build.config, ...search };
  const given = options as unknown as Readonly<Record<string, number | undefined>>;
  const ways = ['efConstruction', 'efSearch', 'nprobe', 'refineFactor'];
  return ways.every((way) => given[way] === measured[way]) ? tuned : undefined;
}

async function closingOnError<T>(close: () => void, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    close();
    throw error;
  }
}
