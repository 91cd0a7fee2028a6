/** The suite end to end on tiny synthetic data, without other libraries, and what it makes of samples. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { benchSuite } from '../../bench/suite/bench.ts';
import { casesOf, listsFor } from '../../bench/suite/cases.ts';
import type { Lane } from '../../bench/suite/lanes.ts';
import type { LaneReport, SuiteReport } from '../../bench/suite/report.ts';
import { type LaneTrack, takeRounds } from '../../bench/suite/rounds.ts';
import { latencyPoint, memoryOf, memoryShareOf, reductionsOf } from '../../bench/suite/summary.ts';
import { reductionText } from '../../bench/suite/text.ts';
import { clustered } from '../../src/tune/clustered.ts';
import { benchRunner, root } from './run.ts';

const { bench, out, library } = benchRunner();

const rounds = ['--queries', '20', '--threads', '1,2', '--repeats', '2', '--singles', '5'];
const tiny = [...rounds, '--data', 'clustered-1500x24,glove', '--cache', out, '--out', out];

const recalls = (...found: number[]) => found.map((recall) => ({ recall: { 1: 1, 10: recall, 100: 0.5 } }));

interface Fake {
  contender?: string;
  kind?: LaneReport['kind'];
  index?: string;
  threads?: number;
  p99?: number;
  bytesPerVector?: number;
  recall?: number;
}

/** A lane as far as summaries look at it. */
function lane({ contender = 'Isodex', kind = 'Flat', index = kind, threads = 1, p99, bytesPerVector = 0, recall = 1 }: Fake): LaneReport {
  const build = { seconds: 1, cpuSeconds: 1, threads: 1, date: '', loadAverage: 0, fileBytes: 0 };
  const queriesPerSecond = { median: 1, min: 1, max: 1 };
  const points = recalls(0.5, recall).map((point) => ({ ...point, search: {}, seconds: [], cpuSeconds: [], queriesPerSecond }));
  const latency = p99 === undefined ? null : { point: 1, p50: p99, p95: p99, p99, seconds: [p99] };
  const memory = { residentBytes: 0, bytesPerVector, parts: null };
  return { id: `${contender} ${index} ${threads}`, contender, kind, index, threads, build, memory, points, latency };
}

describe('latencyPoint', () => {
  it('is the cheapest that finds enough, or else the one that finds most', () => {
    expect(latencyPoint(recalls(0.8, 0.95, 0.99))).toBe(1);
    expect(latencyPoint(recalls(0.8, 0.94, 0.9))).toBe(1);
    expect(latencyPoint([{ recall: { 1: null, 10: null, 100: null } }])).toBe(0);
  });
});

describe('reductionsOf', () => {
  const lanes = [
    lane({ p99: 0.002 }),
    lane({ contender: 'FAISS', p99: 0.004 }),
    lane({ kind: 'HNSW', p99: 0.001, recall: 0.97 }),
    lane({ kind: 'HNSW', threads: 2 }),
    lane({ contender: 'FAISS', threads: 2 }),
    lane({ contender: 'usearch', kind: 'HNSW', p99: 0.0001 }),
  ];

  it("puts Isodex's HNSW beside every full scan on one thread, FAISS's first", () => {
    expect(reductionsOf(lanes)).toEqual([
      { against: 'FAISS Flat', flatP99: 0.004, p99: 0.001, recall: 0.97, reduction: 0.75 },
      { against: 'Isodex Flat', flatP99: 0.002, p99: 0.001, recall: 0.97, reduction: 0.5 },
    ]);
    expect(reductionsOf(lanes.slice(0, 2))).toEqual([]);
  });

  it('is told as below, or above where it is', () => {
    const [first] = reductionsOf(lanes);
    expect(reductionText(first!)).toBe("HNSW p99 is 75 % below Flat's (FAISS Flat 4.00 ms → 1.00 ms, recall 0.97)");
    const worse = { ...first!, p99: 0.006, reduction: -0.5 };
    expect(reductionText(worse)).toBe("HNSW p99 is 50 % above Flat's (FAISS Flat 4.00 ms → 6.00 ms, recall 0.97)");
  });
});

describe('memory', () => {
  it('is what the library tells, or what its process takes', () => {
    expect(memoryOf(500, { codes: 10, links: 30 }, 4)).toEqual({ residentBytes: 500, bytesPerVector: 10, parts: { codes: 10, links: 30 } });
    expect(memoryOf(500, null, 4).bytesPerVector).toBe(125);
  });

  it('of OPQ+HNSW is compared with that of HNSW, the smaller where there are two', () => {
    const graph = lane({ kind: 'HNSW', bytesPerVector: 400 });
    const small = { kind: 'OPQ+HNSW' as const, recall: 0.96 };
    const lanes = [graph, lane({ ...small, bytesPerVector: 500 }), lane({ ...small, bytesPerVector: 40 })];
    expect(memoryShareOf(lanes)).toEqual({ share: 0.1, recall: 0.96 });
    expect(memoryShareOf([graph])).toBeNull();
  });
});

describe('cases', () => {
  const options = { rows: 60_000, dim: 784, k: 10, quick: false, slow: false };
  const names = (name: string, more = {}) => casesOf(name, { ...options, ...more }).map(({ description }) => description);

  it('have lists, codes and rotations that fit the data', () => {
    expect([60_000, 10_000, 331_479].map(listsFor)).toEqual([1024, 512, 2048]);
    expect(names('isodex')).toEqual([
      ...['Flat', 'IVF1024,Flat', 'HNSW32', 'OPQ32_768,HNSW16,PQ32,RFlat', 'OPQ32_768,HNSW16,PQ32,RFlat', 'SQ8', 'PQ28', 'LVQ4'],
    ]);
    expect(names('isodex', { dim: 384, rows: 10_000 })).toContain('OPQ32,HNSW16,PQ32,RFlat');
  });

  it('leave out what is slow, and more in a quick run', () => {
    expect(names('faiss', { slow: true }).filter((name) => !names('faiss').includes(name))).toEqual(['OPQ32_768,HNSW16_PQ32np,RFlat']);
    expect(names('lancedb', { quick: true })).toEqual(['Flat', 'IVF1024_FLAT', 'IVF1_HNSW32_SQ']);
  });

  it('tell which data are too small for OPQ', () => {
    const unfit = (more: object) => casesOf('isodex', { ...options, ...more }).find(({ kind }) => kind === 'OPQ+HNSW')!.unfit;
    expect(unfit({ rows: 9_984 })).toBeUndefined();
    expect(unfit({ rows: 9_983 })).toContain('9984 rows or more');
    expect(unfit({ dim: 31 })).toContain('32 dimensions or more');
  });
});

describe('takeRounds', () => {
  /** A lane whose peer tells its turns to `log`, and fails at its `failing`-th. */
  function track(name: string, log: string[], failing = Infinity): LaneTrack {
    let turns = 0;
    const ask = async (op: string, request: { count?: number }) => {
      if (++turns === failing) throw new Error(`${name} fell over`);
      log.push(`${name} ${op}${request.count ?? ''}`);
      return op === 'single' ? { seconds: Array(request.count).fill(0.5) } : { seconds: turns, cpuSeconds: turns };
    };
    const points = [{ search: {}, recall: { 1: 1, 10: 1, 100: 1 }, seconds: [], cpuSeconds: [] }];
    return { lane: { peer: { ask } } as unknown as Lane, points, single: [], rss: 0, sweepSeconds: 1 };
  }

  const options = { repeats: 3, singles: 4, timeIsUp: () => false, say: () => {} };
  const none = () => expect.unreachable();

  it('lets all take turns, the first rotating, and asks every round its share of single queries', async () => {
    const log: string[] = [];
    const { tracks, loadAverages } = await takeRounds([track('a', log), track('b', log)], options, none);
    expect(log.join(', ')).toBe(
      [
        'a single4, b single4',
        'a search, b search, a single1, b single1',
        'b search, a search, b single1, a single1',
        'a search, b search, a single2, b single2',
      ].join(', '),
    );
    expect(tracks.map(({ points, single }) => [points[0]!.seconds, single.length])).toEqual([
      [[2, 4, 6], 4],
      [[2, 4, 6], 4],
    ]);
    expect(loadAverages).toHaveLength(3);
  });

  it('goes on without a lane that fails', async () => {
    const failures: string[] = [];
    const all = [track('a', [], 4), track('b', [])];
    const { tracks } = await takeRounds(all, options, (_, { message }) => failures.push(message));
    expect(failures).toEqual(['a fell over']);
    expect(tracks).toEqual([all[1]]);
  });

  it('ends early where time is up, but not without a round', async () => {
    const { tracks } = await takeRounds([track('a', [])], { ...options, timeIsUp: () => true }, none);
    expect(tracks[0]!.points[0]!.seconds).toHaveLength(1);
  });
});

describe.skipIf(!existsSync(library))('bench suite (needs npm run build)', () => {
  const reported = () => JSON.parse(readFileSync(join(out, 'suite.json'), 'utf8')) as SuiteReport;

  it('measures every kind, skips what is missing with the reason, and writes JSON', async () => {
    const { stdout } = await bench(...tiny, '--against', 'faiss', '--python', join(out, 'no-python'));
    expect(stdout).toContain('HNSW p99 is');
    const report = reported();
    expect(JSON.stringify(report)).not.toContain(root);
    expect(report).toMatchObject({ bench: 'suite', settings: { k: 10, repeats: 2, singles: 5, quick: false, enough: 0.95 } });
    expect(report.version).toMatch(/^\d+\.\d+\.\d+/);
    const reasons = new Map(report.skipped.map(({ what, reason }) => [what, reason]));
    expect(reasons.get('FAISS')).toBe('the --python given cannot import faiss and numpy');
    expect(reasons.get('data set glove')).toContain('needs glove-6b-100d/');
    expect(reasons.get('Isodex OPQ32,HNSW16,PQ32,RFlat on clustered-1500x24')).toContain('32 dimensions or more');
    const [set] = report.sets;
    const { lanes } = set!;
    expect(new Set(lanes.map(({ id }) => id)).size).toBe(lanes.length);
    const indexes = ['Flat', 'IVF128,Flat', 'HNSW32', 'SQ8', 'PQ24', 'LVQ4'];
    expect(lanes.map(({ index, threads }) => `${index} ${threads}`)).toEqual(
      [1, 2].flatMap((t) => indexes.map((index) => `${index} ${t}`)),
    );
    expect(set!.loadAverages).toHaveLength(4);
    for (const { points, latency, threads, memory, build } of lanes) {
      for (const { seconds, cpuSeconds } of points) expect([seconds.length, cpuSeconds.length]).toEqual([2, 2]);
      expect(latency?.seconds.length).toBe(threads === 1 ? 5 : undefined);
      expect([build.threads, memory.parts !== null]).toEqual([2, true]);
      expect(build.fileBytes).toBeGreaterThan(0);
    }
    expect(lanes[0]!.points[0]!.recall).toEqual({ 1: 1, 10: 1, 100: 1 });
    expect(lanes[2]!.points.at(-1)!.recall[10]).toBeGreaterThan(0.95);
    expect(set!.reductions.map(({ against }) => against)).toEqual(['Isodex Flat']);
  });

  it('takes files as a data set, and only the indexes that are asked for', async () => {
    const { base, queries } = clustered(300, 10, 8);
    const files = [join(out, 'base.fvecs'), join(out, 'queries.fvecs')] as const;
    for (const [i, rows] of [base, queries].entries()) writeFvecs(files[i]!, rows, 8);
    const own = ['--data', files[0], '--queries', files[1], '--metric', 'cosine', '--kinds', 'flat,hnsw', '--against', ''];
    await bench(...own, '--threads', '1', '--repeats', '1', '--singles', '2', '--cache', out, '--out', out);
    const [set] = reported().sets;
    expect(set).toMatchObject({ name: 'base.fvecs', metric: 'cosine', rows: 300, dim: 8, queries: 10 });
    expect(set!.lanes.map(({ kind }) => kind)).toEqual(['Flat', 'HNSW']);
  });

  it('says what it had no time to build', async () => {
    const report = await benchSuite({
      ...{ sets: ['clustered-300x8'], folders: [], queries: 5, threads: [1], kinds: ['Flat', 'HNSW'], indexes: [], peers: [] },
      ...{ repeats: 1, singles: 1, quick: true, slow: false, rebuild: false, software: false, generic: false, python: undefined },
      ...{ library, cache: join(out, 'empty'), budget: { costlyBuilds: -1, builds: -1, rounds: -1 } },
      say: () => {},
      keep: async () => {},
    });
    expect(report.sets[0]).toMatchObject({ lanes: [], reductions: [], memoryShare: null });
    const reason = 'no time was left to build it; without --quick there is';
    expect(report.skipped).toEqual(['Flat', 'HNSW32'].map((index) => ({ what: `Isodex ${index} on clustered-300x8`, reason })));
  });

  it('refuses what it does not know', async () => {
    await expect(bench('--data', 'mnist', '--against', '')).rejects.toThrow("there is no 'mnist'");
    await expect(bench('--against', 'annoy')).rejects.toThrow("there is no 'annoy'");
    await expect(bench('--kinds', 'LSH')).rejects.toThrow("there is no 'LSH'");
    await expect(bench('--queries', '0')).rejects.toThrow('give an integer ≥ 1, or a file');
    await expect(bench('--data', join(out, 'base.fvecs'), '--against', '')).rejects.toThrow('give a file of queries');
  });
});

function writeFvecs(path: string, rows: Float32Array, dim: number): void {
  const row = (at: number) => [Buffer.from(Int32Array.of(dim).buffer), Buffer.from(rows.slice(at, at + dim).buffer)];
  writeFileSync(path, Buffer.concat(Array.from({ length: rows.length / dim }, (_, i) => row(i * dim)).flat()));
}
