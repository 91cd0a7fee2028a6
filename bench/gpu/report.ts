/** What the gpu bench writes. Seconds, bytes; milliseconds where a name says so. */
import type * as Isodex from '../../src/node.ts';
import type { Machine } from '../machine.ts';
import type { Skipped } from '../session.ts';
import type { MatrixShape } from './device.ts';

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

/**
 * What the device does by itself. Multiply-adds: `dot4Registers` by `dot4I8Packed` out of registers, `dot4Product` and `f32Product`
 * in plain tiled products; `heldMatrices` by 8-bit integer matrices that a subgroup holds, `readMatrices` in a product of such.
 * Bytes: `inOrder` of a large buffer, `rows192` and `rows256` of rows of so many bytes at random places of it.
 */
export type RateName =
  | ('dot4Registers' | 'dot4Product' | 'f32Product' | 'heldMatrices' | 'readMatrices')
  | ('inOrder' | 'rows192' | 'rows256');

/** Or why it could not be measured. */
export type Rate = { readonly perSecond: number } | { readonly missing: string };

export interface DeviceRates {
  /** Of a read of four bytes after an empty queue. */
  readonly readMs: number;
  readonly timedBy: 'timestamps' | 'wall clock';
  readonly measured: Readonly<Record<RateName, Rate>>;
}

/** What one piece of work took on the device, apart from what the host did and waited. */
export interface DeviceTime {
  readonly seconds: number;
  /** Around it, on the host, while kernels were timed one by one. */
  readonly wallSeconds: number;
  readonly kernels: readonly Isodex.KernelTime[];
}

/** Of rounds of one batch. */
export interface Timing {
  readonly rounds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** By the median. */
  readonly queriesPerSecond: number;
}

export interface BatchReport {
  readonly batch: number;
  /** The engine that answered on the GPU's side: another one where the device was lost. */
  readonly answeredBy: string;
  readonly gpu: Timing;
  readonly cpu: Timing;
  /** Where the device tells times. */
  readonly device: DeviceTime | null;
}

/** What a walk did for a query, on average, and what it must read for that. */
export interface Effort {
  readonly hops: number;
  readonly distances: number;
  readonly bytes: number;
  /** Share of distances that the CPU, which forgets no visited node, did not compute. */
  readonly rescored: number;
}

/** What a scan multiplies with. */
type ScanUnit = 'dot4Product' | 'readMatrices';

export interface SearchReport {
  readonly index: string;
  readonly search: Readonly<Record<string, number>>;
  readonly recall: number;
  readonly batches: readonly BatchReport[];
  /** Of walks over graphs. */
  readonly effort?: Effort | undefined;
  /** Of scans by Flat; default dot4Product. */
  readonly unit?: ScanUnit | undefined;
}

/** Who built. */
type Builder = 'gpu' | 'cpu' | 'hnswlib';

export interface BuildReport {
  readonly index: string;
  readonly by: Builder;
  /** For people: 'hnswlib-node 3.0.0, compiled …'. */
  readonly label: string;
  readonly rows: number;
  /** Of the CPU. */
  readonly threads: number;
  readonly seconds: number;
  /** Of the file, for those that should be the same. */
  readonly sha256?: string | undefined;
  readonly device?: DeviceTime | undefined;
}

/** PyTorch's float32 product and top k on the same card. */
export type TorchReport = { readonly missing: string } | TorchFigures;

interface TorchFigures {
  readonly version: string;
  readonly device: string;
  readonly rows: number;
  readonly batch: number;
  /** Medians, with products of floats as they are and by TF32. */
  readonly seconds: { readonly f32: number; readonly tf32: number };
}

export interface Settings {
  readonly rows: number;
  readonly dim: number;
  readonly k: number;
  readonly data: string;
  /** Of the data, as distances of the nearest tell it. */
  readonly intrinsicDimension?: number | undefined;
}

/** One thing that the figures say, with what was hoped for. */
export interface Finding {
  readonly what: string;
  readonly value: string;
  readonly goal?: string | undefined;
  readonly reached?: boolean | undefined;
}

export interface GpuReport {
  readonly bench: 'gpu';
  readonly date: string;
  readonly version: string;
  readonly machine: Machine;
  readonly engine: Pick<Isodex.EngineInfo, 'description' | 'features' | 'adapter' | 'limits' | 'notes'>;
  /** Whether device times are told, and why not. */
  readonly deviceTimes: 'timestamps, not rounded' | 'the adapter has no timestamp-query';
  /** As the adapter lists them, where it has the feature. */
  readonly subgroupMatrices: readonly MatrixShape[];
  /** Invocations of a subgroup, least and most, where the adapter tells. */
  readonly subgroupSizes: readonly [number, number] | null;
  readonly cpuThreads: number;
  readonly settings: Settings;
  readonly identity: readonly IdentityReport[];
  readonly rates: DeviceRates | null;
  readonly builds: readonly BuildReport[];
  readonly searches: readonly SearchReport[];
  readonly torch: TorchReport | null;
  readonly findings: readonly Finding[];
  /** What was not measured, and why; and what could not be, for it failed. */
  readonly skipped: readonly Skipped[];
  readonly failed: readonly Skipped[];
}
