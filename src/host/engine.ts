/**
 * What runs kernels. An engine owns memory (blocks) and runs recordings over it; it knows nothing of indexes. Three
 * kinds compute: `reference` (the twins), `cpu` (WASM SIMD, threads) and `gpu` (WebGPU); `auto` holds two of them.
 */
import type { ArrayOf, Dtype } from '../kernels/kernel.ts';
import type { Block, BlockRange } from './block.ts';
import type { EngineCosts, WalkCosts } from './costs.ts';
import type { Recording } from './recording.ts';

export type EngineKind = 'reference' | 'cpu' | 'gpu' | 'auto';

/** What a call is about to do: an `auto` engine weighs it. */
export interface Work {
  /** Integer multiply-adds of scans. */
  readonly terms: number;
  /** Times that the host must wait for the device. */
  readonly waits: number;
  /** Bytes that a GPU would have to be sent first because it does not hold them yet. */
  readonly uploadBytes: number;
}

/** Where walks may go: the host, or the device. */
export interface WalkChoice {
  readonly device: Engine;
  readonly costs: { readonly host: EngineCosts & WalkCosts; readonly device: EngineCosts & WalkCosts };
}

export interface EngineInfo {
  readonly kind: EngineKind;
  /** For people: 'WASM SIMD (relaxed), 2 threads', 'NVIDIA H200 through Dawn/Vulkan'. */
  readonly description: string;
  /** Threads that compute; 1 when work runs on the calling thread. */
  readonly threads: number;
  /** WASM or WebGPU features in use. */
  readonly features: readonly string[];
  /** GPU only: how the adapter names itself. */
  readonly adapter?: AdapterInfo;
  /** GPU only: the limits in force. */
  readonly limits?: Readonly<Record<string, number>>;
  /** What did not go as asked for, each said once: no adapter, a lost device, threads that a page forbids. */
  readonly notes: readonly string[];
  /** `auto` only: the engines that it holds. */
  readonly engines?: readonly EngineInfo[];
}

export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  /** Driver and backend, as the adapter describes them. */
  readonly description: string;
  /** A driver that computes on the CPU: right answers, no speed. */
  readonly software: boolean;
}

/** What a kernel took on a device, in all its dispatches. */
export interface KernelTime {
  readonly kernel: string;
  readonly dispatches: number;
  readonly nanoseconds: number;
}

export interface Engine extends Disposable {
  readonly kind: EngineKind;
  readonly info: EngineInfo;
  /** Where canonical arithmetic runs: the engine itself, or a GPU engine's CPU companion. */
  readonly host: HostEngine;
  /** The largest block that a kernel can bind, in bytes; larger data goes into several. */
  readonly maxBlockBytes: number;
  /** Zeroed memory. Rejects with code 'out-of-memory' when there is none. */
  alloc<D extends Dtype>(dtype: D, length: number, label: string): Promise<Block<D>>;
  /** Copies `data` into the block from element `offset` on, in order with the runs around it. i8 comes in whole words of four. */
  write<D extends Dtype>(block: Block<D>, data: ArrayOf[D], offset?: number): void;
  /** Runs the dispatches in order. */
  run(recording: Recording): Promise<void>;
  /** Waits for what was run and returns copies of the ranges. */
  read<const R extends readonly BlockRange[]>(
    ranges: R,
  ): Promise<{ [I in keyof R]: R[I] extends BlockRange<infer D> ? ArrayOf[D] : never }>;
  /** The engine that should do this work: an `auto` engine chooses, every other names itself. */
  pick(work: Work): Promise<Engine>;
  /**
   * A GPU with `timestamp-query` only: does `work`, and tells what each kernel took on the device meanwhile. Dispatches are timed one by
   * one then, which takes time by itself: for benches.
   */
  readonly profile?: (<T>(work: () => Promise<T>) => Promise<{ result: T; kernels: KernelTime[] }>) | undefined;
  /**
   * `auto` only: the engines among which walks over a graph may choose, and what they cost, measured at first use; undefined where
   * there is no choice. A graph learns better what it costs itself, so it chooses (index/walk-chooser.ts).
   */
  walkChoice?(): Promise<WalkChoice | undefined>;
  /** Frees everything. What is pending rejects with code 'closed'. */
  close(): void;
}

/** An engine whose blocks the host sees directly. */
export interface HostEngine extends Engine {
  /** The block's memory itself. Use it at once: any wait may let another call grow, and so move, the memory. */
  view<D extends Dtype>(block: Block<D>): ArrayOf[D];
  /** Runs the dispatches on the calling thread before it returns: for work so small that a promise would cost as much. */
  runNow(recording: Recording): void;
}
