/** The widest searches of a graph that a device is asked for find what the host finds. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import { GpuEngine } from '../../src/host/gpu/gpu-engine.ts';
import { createIndex, fromBytes, type SearchOptions, type VectorIndex } from '../../src/main.ts';
import { makeVectors } from '../contract/data.ts';
import { findGpu } from '../contract/engines.ts';

const gpu = await findGpu();
const DIM = 12;
/** So many that a walk with a beam of 2,048 costs less than a comparison with all. */
const ROWS = 17_000;

describe.skipIf(!gpu)('searches for 2,048 neighbours on a GPU', () => {
  let host: CpuEngine;
  let engine: GpuEngine;
  let onHost: VectorIndex;
  let onDevice: VectorIndex;

  beforeAll(async () => {
    host = await CpuEngine.open({ threads: 2 });
    engine = await GpuEngine.open(gpu!, await CpuEngine.open({ threads: 1 }));
    onHost = await createIndex('HNSW', { dim: DIM, metric: 'l2', M: 8, efConstruction: 20, engine: host });
    await onHost.add(makeVectors('normal', ROWS, DIM, 1));
    onDevice = await fromBytes(await onHost.toBytes(), { engine });
  });
  afterAll(() => {
    for (const opened of [onDevice, onHost, engine, host]) opened?.close();
  });

  const cases: readonly [string, SearchOptions][] = [
    ['k 2,048', { k: 2048 }],
    ['k 1,024 under a filter', { k: 1024, filter: (label) => label % 4 !== 1 }],
  ];
  it.each(cases)('are those of the host: %s', async (_, options) => {
    const queries = makeVectors('normal', 2, DIM, 2);
    const expected = await onHost.search(queries, { ...options, stats: true });
    const actual = await onDevice.search(queries, { ...options, stats: true });
    expect(actual.labels).toEqual(expected.labels);
    expect(new Uint32Array(actual.distances.buffer)).toEqual(new Uint32Array(expected.distances.buffer));
    expect(actual.stats!.hops).toEqual(expected.stats!.hops);
    expect(Math.min(...actual.stats!.hops)).toBeGreaterThan(options.k!); // they walked
  });
});
