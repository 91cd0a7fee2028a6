/** The library's functions for one platform; main.ts and node.ts say which. */
import type { Engine, EngineKind } from './host/engine.ts';
import { type EngineOptions, openEngineOn, type Platform } from './host/open.ts';
import { type IndexConfig, makeIndex, readIndex } from './index/factory.ts';
import { type ByteSource, bytesSource } from './index/format.ts';
import type { WritableOriginals } from './index/originals.ts';
import type { VectorIndex } from './index/vector-index.ts';
import type { TaskOptions } from './util/tasks.ts';

export interface EngineChoice {
  /**
   * An engine of yours, which stays open when the index closes; or the kind to open for this index alone. Default 'auto'.
   */
  engine?: Engine | EngineKind | undefined;
}

export interface CreateOptions extends IndexConfig, EngineChoice {}

export interface OpenOptions extends EngineChoice, TaskOptions {}

export type OriginalsAt = (position: number, count: number, dim: number) => WritableOriginals;

export function functionsFor(platform: Platform) {
  /** Opens an engine: reference, cpu, gpu, or auto, which chooses for each call. */
  const openEngine = (options: EngineOptions = {}): Promise<Engine> => openEngineOn(platform, options);

  const engineFor = async (choice: Engine | EngineKind = 'auto') => {
    if (typeof choice !== 'string') return { engine: choice, close: () => {} };
    const engine = await openEngine({ prefer: choice });
    return { engine, close: () => engine.close() };
  };

  /** Makes an empty index: 'Flat' is exact search. Throws 'bad-argument' for a bad description, dim, metric or seed. */
  const createIndex = async (description: string, options: CreateOptions): Promise<VectorIndex> => {
    const { engine, close } = await engineFor(options?.engine);
    return closingOnError(close, () => makeIndex(description, options, engine, close));
  };

  const read = async (source: ByteSource, options: OpenOptions, originalsAt?: OriginalsAt, onClose?: () => void): Promise<VectorIndex> => {
    const { engine, close } = await engineFor(options.engine);
    const closeBoth = () => {
      close();
      onClose?.();
    };
    return closingOnError(closeBoth, () => readIndex(source, engine, options, originalsAt, closeBoth));
  };

  /** Opens an index from the bytes of its file. Throws 'bad-file' for anything else, damage included. */
  const fromBytes = (bytes: Uint8Array, options: OpenOptions = {}): Promise<VectorIndex> => read(bytesSource(bytes), options);

  return { openEngine, createIndex, fromBytes, read };
}

async function closingOnError<T>(close: () => void, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    close();
    throw error;
  }
}
