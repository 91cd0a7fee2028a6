/** The library for one platform; main.ts and node.ts say which. */
import type { Engine, EngineKind } from './host/engine.ts';
import { type EngineOptions, openEngineOn, type Platform } from './host/open.ts';
import { type IndexConfig, makeIndex, readIndex } from './index/factory.ts';
import { type ByteSource, bytesSource } from './index/format.ts';
import type { OriginalsAt } from './index/originals.ts';
import { checkOptions, type VectorIndex } from './index/vector-index.ts';
import type { OperatingPoint } from './tune/operating-points.ts';
import { type TuneOptions, type TuningResult, tuneOn } from './tune/tuner.ts';
import { choiceOf, type OlderChoice } from './tune/tuning-file.ts';
import type { TaskOptions } from './util/tasks.ts';

export interface EngineChoice {
  /**
   * An engine of yours, which stays open when the index closes; or the kind to open for this index alone. Default 'auto'.
   */
  engine?: Engine | EngineKind | undefined;
}

/** A description; or a point that `tune` measured; or a choice that the older system wrote. */
export type IndexChoice = string | OperatingPoint | OlderChoice;

export interface CreateOptions extends IndexConfig, EngineChoice {}

export interface OpenOptions extends EngineChoice, TaskOptions {}

export class Library {
  private readonly platform: Platform;

  constructor(platform: Platform) {
    this.platform = platform;
  }

  openEngine(options?: EngineOptions): Promise<Engine> {
    return openEngineOn(this.platform, options);
  }

  async createIndex(choice: IndexChoice, options: CreateOptions): Promise<VectorIndex> {
    const { description, config } = typeof choice === 'string' ? { description: choice, config: {} } : choiceOf(choice);
    const { engine, close } = await this.engineFor(options?.engine);
    return closingOnError(close, () => makeIndex(description, { ...config, ...options }, engine, close));
  }

  async tune(vectors: Float32Array, options: TuneOptions & EngineChoice): Promise<TuningResult> {
    const { engine, close } = await this.engineFor(checkOptions(options).engine);
    try {
      const createIndex = (description: string, config: CreateOptions) => this.createIndex(description, config);
      return await tuneOn({ createIndex, now: () => performance.now() }, vectors, { ...options, engine });
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
      return closingOnError(close, () => readIndex(source, engine, options, originalsAt, closeBoth));
    });
  }

  private async engineFor(choice: Engine | EngineKind = 'auto'): Promise<{ engine: Engine; close: () => void }> {
    if (typeof choice !== 'string') return { engine: choice, close: () => {} };
    const engine = await this.openEngine({ prefer: choice });
    return { engine, close: () => engine.close() };
  }
}

async function closingOnError<T>(close: () => void, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    close();
    throw error;
  }
}
