/** Where CPU and GPU cross over: with indexes that take made-up times, and on a real device. */
import { afterAll, describe, expect, it } from 'vitest';
import type { VectorIndex } from '../../src/index/vector-index.ts';
import { openEngine, parseTuning, printTuning, tune, version } from '../../src/node.ts';
import { measureCrossing } from '../../src/tune/crossover.ts';
import { makeVectors } from '../contract/data.ts';

const dim = 2;
const queries = makeVectors('normal', 10, dim);

/** Searches take `wait` and `each` milliseconds for every query. */
function lanes(cpu: [wait: number, each: number], gpu: [wait: number, each: number]) {
  let clock = 0;
  const asked: number[] = [];
  const index = ([wait, each]: [number, number]) =>
    ({
      dim,
      search: async (rows: Float32Array) => {
        asked.push(rows.length / dim);
        clock += wait + (each * rows.length) / dim;
      },
    }) as unknown as VectorIndex;
  return { both: { cpu: index(cpu), gpu: index(gpu) }, now: () => clock, asked };
}

describe('a crossing', () => {
  it('is the smallest batch from which on the GPU is faster', async () => {
    const { both, now } = lanes([0, 1], [20, 0.1]);
    const { cpu, gpu, from } = await measureCrossing(both, queries, {}, now);
    expect(from).toBe(64);
    expect(Object.keys(cpu)).toEqual(['1', '4', '16', '64', '256', '1024', '4096']);
    for (const rate of Object.values(cpu)) expect(rate).toBeCloseTo(1000, 6);
    expect(gpu[256]).toBeCloseTo(256_000 / 45.6, 6);
  });

  it('is none where the GPU is never faster, and the first batch where it always is', async () => {
    const slow = lanes([0, 0.1], [1, 0.1]);
    expect((await measureCrossing(slow.both, queries, {}, slow.now)).from).toBe(null);
    const fast = lanes([1, 0.1], [0, 0.1]);
    expect((await measureCrossing(fast.both, queries, {}, fast.now)).from).toBe(1);
  });

  it('stops where a batch takes too long', async () => {
    const { both, now, asked } = lanes([0, 0.01], [0, 100]);
    const { from, gpu } = await measureCrossing(both, queries, {}, now);
    expect(from).toBe(null);
    expect(Object.keys(gpu)).toEqual(['1', '4', '16', '64']);
    expect(asked.filter((batch) => batch === 64)).toHaveLength(2);
  });
});

describe('tuning on a GPU', async () => {
  const engine = await openEngine({ prefer: 'gpu' }).catch(() => undefined);
  afterAll(() => engine?.close());

  it.skipIf(!engine)('measures where it crosses over with the CPU', { timeout: 120_000 }, async () => {
    const rows = makeVectors('clusters', 600, 8, 1);
    const result = await tune(rows, { dim: 8, engine: engine!, indexes: ['Flat', 'HNSW'], minRecall: 0.9, objective: 'build' });
    expect(result.crossovers[0]).toMatchObject({ build: { description: 'Flat' }, search: {} });
    for (const { cpu, gpu } of result.crossovers) expect(Object.keys(cpu)).toEqual(Object.keys(gpu));
    expect(result.measuredOn.adapter).toMatch(/\w/);
    expect(parseTuning(printTuning(result, version)).crossovers).toEqual(JSON.parse(JSON.stringify(result.crossovers)));
  });
});
