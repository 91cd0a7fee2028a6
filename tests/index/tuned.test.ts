/** Indexes that remember how they were chosen: made from results, through files, and what they say when they stray. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createIndex, fromBytes, fromTuningResult, openEngine, type Stray, type TuningResult, tune } from '../../src/node.ts';
import { lowRank } from './helpers.ts';

const engine = await openEngine({ prefer: 'cpu', threads: 1 });
afterAll(() => engine.close());
const dim = 16;
const rows = lowRank(1500, dim, 3, 6, 0.2);
const result = await tune(rows, { dim, engine, indexes: ['HNSW'], minRecall: 0.9 });
const best = result.best!;
const failure = (code: string, message: RegExp) => expect.objectContaining({ code, message: expect.stringMatching(message) });
const older = (name: string) => JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/older-system', name), 'utf8'));

/** The result as if other things had been measured. */
function promising(changes: object): TuningResult {
  return { ...result, best: { ...best, ...changes } };
}

describe('fromTuningResult', () => {
  it('makes what was measured', async () => {
    expect(result.measuredOn.machine).toMatchObject({ runtime: `Node ${process.versions.node}` });
    using index = await fromTuningResult(result, { engine });
    expect(index).toMatchObject({
      dim,
      metric: 'l2',
      description: best.build.description,
      tuned: { point: best, measuredOn: result.measuredOn },
    });
    await index.add(rows);
    const { hops } = (await index.search(rows.subarray(0, dim), { stats: true })).stats!;
    const named = await index.search(rows.subarray(0, dim), { stats: true, ...best.search });
    expect(hops).toEqual(named.stats!.hops);
  });

  it('promises nothing of an index that is made in another way', async () => {
    for (const other of [{ efSearch: 333 }, { efConstruction: 7 }]) {
      using index = await fromTuningResult(result, { engine, ...other });
      expect(index.tuned).toBeUndefined();
    }
    using same = await createIndex(best, { dim, engine, ...best.search });
    expect(same.tuned).toEqual({ point: best });
  });

  it('refuses what does not fit', async () => {
    await expect(fromTuningResult(result, { dim: 17 })).rejects.toEqual(
      failure('bad-argument', /dim is 17, .* measured on 16; leave it out/),
    );
    await expect(fromTuningResult(result, { metric: 'ip' })).rejects.toEqual(failure('bad-argument', /metric is ip, .* measured on l2/));
    await expect(fromTuningResult({ ...result, best: undefined })).rejects.toEqual(failure('bad-argument', /has no best point/));
    await expect(fromTuningResult({} as TuningResult)).rejects.toEqual(failure('bad-argument', /the tuning result is none/));
  });
});

describe('the older system', () => {
  it.each([
    ['hnsw.json', 'HNSW32'],
    ['opq-hnsw.json', 'OPQ8,HNSW16,PQ8'],
    ['opq-hnsw-subquantizers.json', 'OPQ8,HNSW24,PQ8'],
    ['flat.json', 'Flat'],
  ])('wrote %s', async (name, description) => {
    using index = await createIndex(older(name), { dim, engine });
    expect(index.description).toBe(description);
    expect(index.tuned).toBeUndefined();
  });
});

describe('the file', () => {
  it('keeps the choice, behind a body that is the same without it', async () => {
    using index = await fromTuningResult(result, { engine });
    using plain = await createIndex(best.build.description, { dim, engine, ...best.build.config, ...best.search });
    for (const one of [index, plain]) await one.add(rows);
    const [bytes, body] = [await index.toBytes(), await plain.toBytes()];
    expect(bytes.subarray(0, body.length)).toEqual(body);
    using again = await fromBytes(bytes, { engine });
    expect(again.tuned).toEqual(index.tuned);
    expect(await again.toBytes()).toEqual(bytes);
    using without = await fromBytes(bytes.slice(0, body.length), { engine });
    expect(without.tuned).toBeUndefined();
  });

  it('is refused where the choice is damaged, and the error tells how to have the index alone', { timeout: 60_000 }, async () => {
    using index = await createIndex(best, { dim, engine });
    const bytes = await index.toBytes();
    using plain = await createIndex(best.build.description, { dim, engine, ...best.build.config, ...best.search });
    const end = (await plain.toBytes()).length;
    for (let at = end; at < bytes.length; at += 7) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1 << (at % 8);
      await expect(fromBytes(damaged, { engine }), `byte ${at}`).rejects.toEqual(failure('bad-file', /something was appended/));
    }
    for (let cut = end + 1; cut < bytes.length; cut += 13) {
      await expect(fromBytes(bytes.slice(0, cut), { engine })).rejects.toEqual(
        failure('bad-file', new RegExp(`something was appended .* its first ${end} bytes are the index without it`)),
      );
    }
    (await fromBytes(bytes.slice(0, end), { engine })).close();
  });
});

describe('strays', () => {
  /** Asked for 300 of its rows one by one. */
  async function asked(promised: TuningResult, search: object = {}): Promise<{ strays: readonly Stray[]; told: Stray[] }> {
    const told: Stray[] = [];
    using index = await fromTuningResult(promised, { engine, onStray: (stray) => told.push(stray) });
    await index.add(rows);
    for (let q = 0; q < 300; q++) await index.search(rows.subarray(q * dim, (q + 1) * dim), search);
    return { strays: index.stats().strays, told };
  }

  it('are none where everything is as promised', async () => {
    const { strays, told } = await asked(promising({ latency: { p50: 1000, p95: 1000, p99: 1000 } }));
    expect([strays, told]).toEqual([[], []]);
  });

  it('are times that are longer, told once', async () => {
    const { strays, told } = await asked(promising({ latency: { p50: 1e-4, p95: 1e-4, p99: 1e-4 } }));
    expect(strays.map(({ what }) => what)).toEqual(['p50', 'p99']);
    expect(strays[0]!.now).toBeGreaterThan(1e-4);
    expect(strays[1]!.text).toMatch(/^p99 of single queries is \d+\.\d+ ms, 0\.000 were promised$/);
    expect(told.map(({ what }) => what)).toEqual(['p50', 'p99']);
  });

  it('are not times of searches that were made in other ways', async () => {
    const slow = promising({ latency: { p50: 1e-4, p95: 1e-4, p99: 1e-4 } });
    expect((await asked(slow, { efSearch: 333 })).strays).toEqual([]);
    expect((await asked(slow, { k: 20 })).strays).toEqual([]);
    expect((await asked(slow, { filter: () => true })).strays).toEqual([]);
  });

  it('are memory and recall', async () => {
    const told: Stray[] = [];
    const promised = promising({ memoryBytes: best.memoryBytes / 2, recall: 1, recallInterval: [0.9999, 1], search: { efSearch: 1 } });
    using index = await fromTuningResult(promised, { engine, onStray: (stray) => told.push(stray) });
    await index.add(rows);
    await index.measureRecall(200, { k: 1 });
    expect(index.stats().strays.map(({ what }) => what)).toEqual(['recall', 'memory']);
    expect(told.map(({ what }) => what)).toEqual(['recall', 'memory']);
  });

  it('are rows that have become many more', async () => {
    using index = await fromTuningResult({ ...result, measuredOn: { ...result.measuredOn, n: 300 } }, { engine });
    await index.add(rows);
    const [stray] = index.stats().strays;
    expect(stray).toMatchObject({
      what: 'rows',
      promised: 300,
      now: 1500,
      text: 'there are 1500 rows, the choice was measured on 300; tune anew',
    });
  });
});
