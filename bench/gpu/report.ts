/** What the gpu bench writes. Seconds, bytes; queries per second by the size of batches. */
import type * as Isodex from '../../src/node.ts';
import type { Machine } from '../machine.ts';

/** Whether every engine gives the same bits. */
export interface IdentityReport {
  readonly index: string;
  readonly metric: string;
  /** Of the file, after the same calls. */
  readonly sameFile: boolean;
  /** Queries whose labels, distance bits or hops differ. */
  readonly differing: number;
  readonly queries: number;
}

/** What the device does by itself. */
export interface DeviceRates {
  /** Of a read of four bytes after an empty queue. */
  readonly readMs: number;
  /** Multiply-adds of 8-bit numbers a second, by `dot4I8Packed` out of registers: what scans are held against. */
  readonly dot4PerSecond: number;
}

type Rates = Readonly<Record<string, number>>;

export interface SearchReport {
  readonly index: string;
  readonly search: Readonly<Record<string, number>>;
  readonly recall: number;
  readonly gpu: Rates;
  readonly cpu: Rates;
}

export interface BuildReport {
  readonly index: string;
  readonly gpuSeconds: number;
  readonly cpuSeconds: number;
  readonly sameFile: boolean;
}

export interface GpuReport {
  readonly bench: 'gpu';
  readonly date: string;
  readonly version: string;
  readonly machine: Machine;
  readonly engine: Pick<Isodex.EngineInfo, 'description' | 'features' | 'adapter' | 'limits' | 'notes'>;
  /** As the adapter lists them, where it has the feature. */
  readonly subgroupMatrices: readonly object[];
  readonly cpuThreads: number;
  readonly settings: { readonly rows: number; readonly dim: number; readonly k: number; readonly data: string };
  readonly identity: readonly IdentityReport[];
  readonly rates: DeviceRates | null;
  readonly builds: readonly BuildReport[];
  readonly searches: readonly SearchReport[];
}
