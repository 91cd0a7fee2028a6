/** The tuner's plan on an index and a clock that are made up, and a whole run on a small real one. */
import { afterAll, describe, expect, it } from 'vitest';
import type { VectorIndex } from '../../src/index/vector-index.ts';
import { createIndex, type Engine, openEngine, parseTuning, printTuning, tune, version } from '../../src/node.ts';
import { candidatesOf } from '../../src/tune/candidates.ts';
import { bestFor } from '../../src/tune/operating-points.ts';
import { promoted, rungs } from '../../src/tune/plan.ts';
import { meanWithInterval, type Surroundings, type TrialRecord } from '../../src/tune/trial.ts';
import { keyOf, tuneOn } from '../../src/tune/tuner.ts';
import { makeVectors } from '../contract/data.ts';

const engine = await openEngine({ prefer: 'cpu', threads: 1 });
afterAll(() => engine.close());

const dim = 4;

/** Indexes whose searches find more with larger beams and links; each row takes a millisecond to add. */
class MadeUp implements Surroundings {
  clock = 0;
  readonly machine = { runtime: 'made up', system: 'none', cores: 1 };
  readonly built: string[] = [];

  now = () => this.clock;

  async fromBytes(): Promise<VectorIndex> {
    throw new Error('there is no GPU here');
  }

  async createIndex(description: string): Promise<VectorIndex> {
    let size = 0;
    const M = Number(/\d+/.exec(description)?.[0] ?? 0);
    const found = (nq: number, k: number, ef: number) => {
      const hits = description === 'Flat' ? k : Math.min(k, Math.floor((k * ef * M) / 1600));
      return {
        k,
        labels: Int32Array.from({ length: nq * k }, (_, i) => i % k),
        distances: Float32Array.from({ length: nq * k }, (_, i) => (i % k < hits ? 1 : 2)),
        stats: { hops: new Uint32Array(nq), distances: new Uint32Array(nq).fill(ef * M) },
        engine: 'cpu',
        distancesOf: 'vectors',
      };
    };
    return {
      description,
      isTrained: true,
      memory: { codes: 10 },
      get size() {
        return size;
      },
      add: async (rows: Float32Array) => {
        size = rows.length / dim;
        this.built.push(`${description}:${size}`);
        this.clock += size;
      },
      prepare: async () => {},
      search: async (queries: Float32Array, { k = 10, efSearch = 1600 }) => {
        this.clock += efSearch / 1000;
        return found(queries.length / dim, k, efSearch);
      },
      [Symbol.dispose]: () => {},
    } as unknown as VectorIndex;
  }
}

const vectors = (n: number) => makeVectors('normal', n, dim, 3);
const options = (more: object = {}) => ({ dim, engine: engine as Engine, indexes: ['HNSW'] as const, ...more });

describe('the plan', () => {
  it('gives fewer candidates more rows', () => {
    expect(rungs(64_000, 10)).toEqual([4000, 16_000, 64_000]);
    expect(rungs(64_000, 3)).toEqual([16_000, 64_000]);
    expect(rungs(64_000, 2)).toEqual([64_000]);
    expect(rungs(10_000, 10)).toEqual([10_000]);
  });

  it('promotes by recall and distances alone', () => {
    const candidates = candidatesOf('HNSW', 10_000, 8).slice(0, 5);
    const record = (recall: number, distances: number, buildSeconds: number): TrialRecord => ({
      ...{ build: candidates[0]!.build, rows: 1, buildSeconds, memory: {} },
      searches: [{ search: {}, recall, recallInterval: [0, 1], distances }],
    });
    const records = [record(0.9, 1, 1), record(0.96, 50, 9), record(0.97, 40, 99), record(0.94, 1, 1), record(0.99, 45, 1)];
    expect(promoted(candidates, records, 0.95, false)).toEqual([candidates[1], candidates[2], candidates[4]]);
    expect(promoted(candidates, records, 0.95, true)).toEqual([candidates[2], candidates[4]]);
    expect(promoted(candidates, records, 1, true), 'where none finds enough, those that find most').toEqual([candidates[2], candidates[4]]);
  });

  it('is followed, and is the same every time', async () => {
    const runs = [new MadeUp(), new MadeUp()];
    const results = [];
    for (const run of runs) results.push(await tuneOn(run, vectors(17_000), options()));
    expect(runs[0]!.built).toEqual(runs[1]!.built);
    expect(results[0]).toEqual(results[1]);
    const graphs = runs[0]!.built.filter((one) => one.startsWith('HNSW'));
    expect(graphs.filter((one) => one.endsWith(':4037'))).toHaveLength(10);
    expect(graphs.filter((one) => one.endsWith(':16150'))).toHaveLength(2);
    expect(results[0]!.best!.recall).toBeGreaterThanOrEqual(0.95);
  });

  it('comes closer from below to the first way that finds enough', async () => {
    // of HNSW16 a search finds 0.95 from efSearch 95 on: 96 is tried, then 80, 88 and 92
    const { trials } = await tuneOn(new MadeUp(), vectors(3000), options({ minRecall: 0.9 }));
    const record = trials.find(({ build }) => build.description === 'HNSW16')!;
    const tried = record.searches.map(({ search }) => search.efSearch!);
    expect(tried).toEqual([...tried].sort((a, b) => a - b));
    const at = record.searches.findIndex(({ recall }) => recall >= 0.9);
    expect(record.searches.slice(0, at).every(({ recall }) => recall < 0.9)).toBe(true);
    expect(tried[at]! - tried[at - 1]!).toBeLessThanOrEqual(Math.max(2, tried[at]! / 8));
  });

  it('ends with the budget, and says so', async () => {
    const run = new MadeUp();
    const result = await tuneOn(run, vectors(17_000), options({ budget: 60 }));
    expect(run.clock / 1000).toBeLessThan(90);
    expect(result.log.at(-1)!.event).toMatch(
      /^HNSW ends before HNSW\d+ efConstruction \d+ on \d+ rows.*: of the budget of 60 s \d+ are left$/,
    );
    expect(result.best).toBeUndefined();
  });

  it('goes on from trials that are there already', async () => {
    const trials: TrialRecord[] = [];
    const whole = await tuneOn(new MadeUp(), vectors(17_000), options({ onTrial: (trial: TrialRecord) => trials.push(trial) }));
    const run = new MadeUp();
    const resumed = await tuneOn(run, vectors(17_000), options({ resume: trials.slice(0, 7) }));
    expect(run.built.filter((one) => one.startsWith('HNSW'))).toHaveLength(trials.length - 7);
    expect(resumed.trials.map(({ build }) => keyOf(build))).toEqual(whole.trials.map(({ build }) => keyOf(build)));
    expect(resumed.best).toMatchObject({ build: whole.best!.build, search: whole.best!.search, recall: whole.best!.recall });
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const run = tuneOn({ createIndex, now: () => performance.now() } as never, vectors(9000), {
      ...options(),
      signal: stop.signal,
      onTrial: () => stop.abort(new Error('enough')),
    });
    await expect(run).rejects.toThrow('enough');
  });

  it('leaves out what would take too much memory, before it is built', async () => {
    const run = new MadeUp();
    const result = await tuneOn(run, vectors(5000), options({ maxMemory: 5000 * 200 }));
    expect(run.built.some((one) => one.startsWith('HNSW48'))).toBe(false);
    expect(result.log.some(({ event }) => /^HNSW48.* is left out: it would take \d+ bytes, more than 1000000$/.test(event))).toBe(true);
  });
});

describe('recall of a sample', () => {
  it('has an interval of 1.96 standard errors', () => {
    const each = [1, 1, 1, 0.5, 0.5, 1, 1, 0];
    const { recall, recallInterval } = meanWithInterval(each);
    const deviation = Math.sqrt(each.reduce((sum, x) => sum + (x - 0.75) ** 2, 0) / 7);
    expect(recall).toBe(0.75);
    expect(recallInterval[0]).toBeCloseTo(0.75 - (1.96 * deviation) / Math.sqrt(8), 11);
    expect(recallInterval[1]).toBe(1);
    expect(meanWithInterval([1])).toEqual({ recall: 1, recallInterval: [1, 1] });
  });
});

describe('a whole run', () => {
  it('finds an index that keeps what it measured', { timeout: 120_000 }, async () => {
    const rows = makeVectors('clusters', 3000, 16, 1);
    const result = await tune(rows, { dim: 16, engine, indexes: ['Flat', 'IVF', 'HNSW'], minRecall: 0.9, seed: 3 });
    expect(result.best!.recall).toBeGreaterThanOrEqual(0.9);
    expect(result.measuredOn).toMatchObject({ n: 2850, dim: 16, metric: 'l2', k: 10, queries: 150, heldOut: true });
    expect(new Set(result.points.map(({ build }) => build.description.replace(/\d.*/, '')))).toEqual(new Set(['Flat', 'IVF', 'HNSW']));
    for (const { latency, recall, recallInterval, memoryBytes } of result.points) {
      expect(latency.p99).toBeGreaterThanOrEqual(latency.p50);
      expect(recallInterval[0]).toBeLessThanOrEqual(recall);
      expect(memoryBytes).toBeGreaterThan(0);
    }
    expect(parseTuning(printTuning(result, version))).toEqual({ format: 1, isodex: version, ...JSON.parse(JSON.stringify(result)) });
    using index = await createIndex(result.best!, { dim: 16, engine });
    if (!index.isTrained) await index.train(rows);
    await index.add(rows);
    const { labels } = await index.search(rows.subarray(0, 16), { k: 1 });
    expect(labels[0]).toBe(0);
  });

  it('refuses what it cannot use', async () => {
    const refused = (given: Float32Array, more: object) => expect(tune(given, { ...options(), ...more } as never)).rejects;
    await refused(vectors(12), {}).toThrow('vectors has 11 rows to search, too few for k = 10; give more');
    await refused(vectors(100), { indexes: ['Tree'] }).toThrow("indexes has 'Tree'; give some of Flat, IVF, HNSW, OPQ+HNSW");
    await refused(vectors(100), { objective: 'joy' }).toThrow("objective is 'joy'; give one of p99, qps, memory, build");
    await refused(vectors(100), { minRecall: 95 }).toThrow('minRecall is 95; give a share from 0 to 1, as 0.95');
    await refused(vectors(100), { maxP99: Number.NaN }).toThrow('maxP99 is NaN; give a number above 0');
    expect(() => bestFor([], { minRecall: 1.5 })).toThrow('minRecall is 1.5; give a share from 0 to 1');
    await refused(new Float32Array(401), {}).toThrow('vectors has 401 values, which is not a multiple of dim 4');
    await refused(
      Float32Array.from(vectors(100), (x, i) => (i === 9 ? Number.NaN : x)),
      {},
    ).toThrow('vectors row 2, column 1 is NaN');
  });

  it('takes the choices of the older system', async () => {
    const parameters = { m: 12, ef_construction: 150, ef_search: 40 };
    using graph = await createIndex({ index_type: 'HNSW', parameters }, { dim: 16, engine });
    expect(graph).toMatchObject({ description: 'HNSW12' });
    using coded = await createIndex({ index_type: 'OPQ+HNSW', parameters: { n_subquantizers: 8, m_hnsw: 24 } }, { dim: 16, engine });
    expect(coded).toMatchObject({ description: 'OPQ8,HNSW24,PQ8' });
    using flat = await createIndex({ index_type: 'Flat' }, { dim: 16, engine });
    expect(flat).toMatchObject({ description: 'Flat' });
    await expect(createIndex(undefined as never, { dim: 16, engine })).rejects.toThrow(/the index is undefined; where tune found none/);
    await expect(createIndex({ index_type: 'Tree' } as never, { dim: 16, engine })).rejects.toThrow(/neither a description, nor a point/);
  });
});
