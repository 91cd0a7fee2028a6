/**
 * What a kernel is: a description that every engine can run. It says what it binds, how large the work is and how a GPU
 * should be covered, and it carries its specification, the plain-TypeScript twin. It never touches a device.
 */

export type Dtype = 'f32' | 'f64' | 'i32' | 'u32' | 'i8';

export type TypedArray = Float32Array | Float64Array | Int32Array | Uint32Array | Int8Array;

/** The typed array of each dtype. In WGSL, i8 travels four to a u32 word, the first in the lowest byte. */
export interface ArrayOf {
  f32: Float32Array;
  f64: Float64Array;
  i32: Int32Array;
  u32: Uint32Array;
  i8: Int8Array;
}

export const BYTES: Readonly<Record<Dtype, number>> = { f32: 4, f64: 8, i32: 4, u32: 4, i8: 1 };

interface Binding {
  readonly dtype: Dtype;
  readonly access: 'read' | 'write' | 'scratch';
}

export function reads<D extends Dtype>(dtype: D): { dtype: D; access: 'read' } {
  return { dtype, access: 'read' };
}

export function writes<D extends Dtype>(dtype: D): { dtype: D; access: 'write' } {
  return { dtype, access: 'write' };
}

/**
 * Memory to work in: it comes zeroed, or as the same kernel with the same params left it, which means nothing otherwise. For kernels
 * without a `plan` only.
 */
export function scratches<D extends Dtype>(dtype: D): { dtype: D; access: 'scratch' } {
  return { dtype, access: 'scratch' };
}

export type Bindings = Readonly<Record<string, Binding>>;

/** One typed array for each binding. */
export type Views<B extends Bindings> = { readonly [K in keyof B]: ArrayOf[B[K]['dtype']] };

/** The u32 fields of `struct Params`, by name. Signed and float values travel as their bits. */
export type ParamsOf<P extends string> = Readonly<Record<P, number>>;

/** The device limits that plans look at. */
export interface Limits {
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupsPerDimension: number;
  readonly maxComputeWorkgroupStorageSize: number;
}

/** How a GPU covers the work: pipeline constants (WGSL `override`s) and the grid of workgroups. */
export interface Plan {
  readonly constants: Readonly<Record<string, number>>;
  readonly grid: readonly [x: number, y: number, z: number];
}

/** Inputs of a dispatch. */
export interface Trial {
  readonly params: ParamsOf<string>;
  readonly arrays: Readonly<Record<string, TypedArray>>;
}

/**
 * Functions of a shader for a feature that is an experiment still, in `shaders/<feature>/`: a device uses them only after they have written
 * there, on each trial, what the twin writes.
 */
export interface Experiment {
  readonly feature: string;
  /** Whether they are made for a plan with these constants. */
  suits(constants: Plan['constants']): boolean;
  /** At least one; plans have the same constants for all. */
  trials(): readonly Trial[];
  /** What was written, with all that may come in any order put into one. */
  inOrder(written: Readonly<Record<string, TypedArray>>): readonly number[];
}

export interface Kernel<B extends Bindings = Bindings, P extends string = string> {
  /** Stem of shaders/<name>.wgsl, src/kernels/<name>.ts, src/kernels/cpu/<name>.ts and tests/kernels/<name>.test.ts. */
  readonly name: string;
  /** No WASM export: hosts do the same by another kernel. Their twins still run it. Default false. */
  readonly deviceOnly?: boolean;
  /** In the order of `@binding(0 …)` and of the WASM export's pointers. The uniform `params` comes after them. */
  readonly bindings: B;
  readonly params: readonly P[];
  /** How many independent items the work falls into; threads share [0, items) among them. */
  items(params: ParamsOf<P>): number;
  /** Multiply-adds, or steps of like cost: what cost models count. */
  terms(params: ParamsOf<P>): number;
  /** Covers the work on a GPU. Absent on kernels that run on the host only (canonical arithmetic). */
  plan?(params: ParamsOf<P>, limits: Limits): Plan;
  readonly experiment?: Experiment;
  /** The specification: plain loops over whole arrays. */
  twin(views: Views<B>, params: ParamsOf<P>): void;
}

export function defineKernel<const B extends Bindings, const P extends string>(kernel: Kernel<B, P>): Kernel<B, P> {
  return kernel;
}

const exportNames = new Map<string, string>();

/** The name of a kernel's WASM export: `sq8-scan` → `sq8Scan`. */
export function exportName(kernelName: string): string {
  let name = exportNames.get(kernelName);
  if (!name) exportNames.set(kernelName, (name = kernelName.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())));
  return name;
}

/**
 * Spreads `groups` workgroups over x and z, since one dimension holds 65,535 at most. The shader's linear index is
 * `workgroup_id.x + workgroup_id.z * num_workgroups.x`; it may pass `groups` by less than one row of x.
 */
export function splitGrid(groups: number, y: number, limits: Limits): readonly [number, number, number] {
  const most = limits.maxComputeWorkgroupsPerDimension;
  const z = Math.max(1, Math.ceil(groups / most));
  return [Math.ceil(groups / z), y, z];
}
