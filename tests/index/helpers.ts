/** What the tests of indexes share: answers by brute force, snapshots made by hand, engines with hooks. */
import { expect } from 'vitest';
import type { Block } from '../../src/host/block.ts';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import type { HostEngine } from '../../src/host/engine.ts';
import type { Recording } from '../../src/host/recording.ts';
import type { LabelFilter } from '../../src/index/filter.ts';
import { MemoryOriginals } from '../../src/index/originals.ts';
import { appended, emptySnapshot, type Snapshot } from '../../src/index/rows.ts';
import type { Metric, Neighbors, VectorIndex } from '../../src/index/vector-index.ts';
import type { Dtype } from '../../src/kernels/kernel.ts';
import { randomFrom } from '../contract/data.ts';
import { ranked, rowsOf } from '../contract/oracle.ts';

export const metrics: readonly Metric[] = ['l2', 'ip', 'cosine'];

export interface Row {
  readonly label: number;
  readonly vector: Float32Array;
}

export function labelled(vectors: Float32Array, dim: number, first = 0): Row[] {
  return rowsOf(vectors, dim).map((vector, i) => ({ label: first + i, vector }));
}

/** The right answer: brute force, padded. */
export function nearest(metric: Metric, rows: readonly Row[], queries: Float32Array, dim: number, k: number) {
  const all = rowsOf(queries, dim).map((query) => ranked(metric, rows, query).slice(0, k));
  const pad = <T>(list: T[], value: T) => list.concat(new Array<T>(k - list.length).fill(value));
  return {
    labels: Int32Array.from(
      all.flatMap((one) =>
        pad(
          one.map(({ label }) => label),
          -1,
        ),
      ),
    ),
    distances: Float32Array.from(
      all.flatMap((one) =>
        pad(
          one.map(({ distance }) => distance),
          Number.POSITIVE_INFINITY,
        ),
      ),
    ),
  };
}

/** The same labels and the same distance bits. */
export function expectSameNeighbors(
  actual: Pick<Neighbors, 'labels' | 'distances'>,
  expected: Pick<Neighbors, 'labels' | 'distances'>,
  what = '',
): void {
  const bits = (x: Float32Array) => new Uint32Array(x.buffer, x.byteOffset, x.length);
  expect(actual.labels.length, `${what}: how many`).toBe(expected.labels.length);
  const [a, b] = [bits(actual.distances), bits(expected.distances)];
  const at = actual.labels.findIndex((label, i) => label !== expected.labels[i] || a[i] !== b[i]);
  if (at < 0) return;
  expect.fail(
    `${what}: result ${at} is label ${actual.labels[at]} at ${actual.distances[at]}, not ${expected.labels[at]} at ${expected.distances[at]}`,
  );
}

/** The same bytes; vitest's own comparison takes a second for each megabyte. */
export function expectSameBytes(actual: Uint8Array, expected: Uint8Array, what = 'bytes'): void {
  expect(actual.length, `${what}: how many`).toBe(expected.length);
  const at = Buffer.compare(actual, expected) === 0 ? -1 : actual.findIndex((byte, i) => byte !== expected[i]);
  if (at >= 0) expect.fail(`${what}: byte ${at} is ${actual[at]}, not ${expected[at]}`);
}

/** Asserts that the index answers as brute force over `rows` does. */
export async function expectExact(index: VectorIndex, rows: readonly Row[], queries: Float32Array, k = 10, what = ''): Promise<void> {
  expect(index.size, `${what}: size`).toBe(rows.length);
  expectSameNeighbors(await index.search(queries, { k }), nearest(index.metric, rows, queries, index.dim, k), what);
}

/** Data that lies near a subspace of few dimensions: what makes a projection worth its while. */
export function lowRank(n: number, dim: number, offset: number, rank = 10, noise = 1e-3): Float32Array {
  const random = randomFrom(7919); // all offsets share one subspace
  const directions = Array.from({ length: rank }, () => Float64Array.from({ length: dim }, () => random.normal()));
  const own = randomFrom(offset);
  const out = new Float32Array(n * dim);
  for (let row = 0; row < n; row++) {
    const at = directions.map(() => own.normal());
    for (let j = 0; j < dim; j++) {
      let sum = noise * own.normal();
      for (let r = 0; r < rank; r++) sum += at[r]! * directions[r]![j]!;
      out[row * dim + j] = sum;
    }
  }
  return out;
}

/** A committed state with these rows, labels 0 and on; `before` is a state that it continues. */
export function snapshotOf(vectors: Float32Array, dim: number, before: Snapshot = emptySnapshot(new MemoryOriginals(dim))): Snapshot {
  const rows = rowsOf(vectors, dim);
  for (const [i, row] of rows.entries()) before.originals.rowForWriting(before.count + i, rows.length - i).set(row);
  const labels = Int32Array.from(rows, (_, i) => before.nextLabel + i);
  return appended(before, labels, undefined, []);
}

export const oneThread = () => CpuEngine.open({ threads: 1 });

export interface Hooks {
  /** Awaited before the engine does it. */
  run?(recording: Recording): Promise<void> | void;
  alloc?(label: string): Promise<void> | void;
  write?(block: Block): void;
}

/** The same engine, but it tells (and waits for) the hooks, which may change while it works. */
export function hooked(engine: HostEngine, hooks: Hooks): HostEngine {
  const proxy: HostEngine = new Proxy(engine, {
    get(target, name) {
      if (name === 'host') return proxy;
      if (name === 'pick') return async () => proxy;
      if (name === 'run') {
        return async (recording: Recording) => {
          await hooks.run?.(recording);
          return target.run(recording);
        };
      }
      if (name === 'alloc') {
        return async (dtype: Dtype, length: number, label: string) => {
          await hooks.alloc?.(label);
          return target.alloc(dtype, length, label);
        };
      }
      if (name === 'write') {
        return (block: Block, ...rest: [never, number | undefined]) => {
          hooks.write?.(block);
          target.write(block, ...rest);
        };
      }
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return proxy;
}

/** A promise and what settles it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

export const failsWith = (code: string, message?: RegExp | string) =>
  expect.objectContaining({
    name: 'IsodexError',
    code,
    ...(message === undefined ? {} : { message: typeof message === 'string' ? message : expect.stringMatching(message) }),
  });

/** What is no filter. */
export const noFilters = [new Uint8Array(4), new Set([1]), 'all', 5, null, [1, 2]];

export async function expectFilterRefused(index: VectorIndex, queries: Float32Array, filter: unknown): Promise<void> {
  const options = { filter: filter as LabelFilter };
  const refused = failsWith('bad-argument', 'filter must be a Uint32Array bitset over labels or a function of a label');
  await expect(index.search(queries, options)).rejects.toEqual(refused);
  await expect(index.rangeSearch(queries, 1, options)).rejects.toEqual(refused);
}
