/** What HNSW promises of calls that take a while, and of many at once: aborts, progress, closing, queues, threads. */
import { describe, expect, it } from 'vitest';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import type { HnswIndex } from '../../src/index/hnsw.ts';
import { hasCode } from '../../src/util/errors.ts';
import { makeVectors } from '../contract/data.ts';
import { expectExact, expectSameBytes, expectSameNeighbors, failsWith, gate, labelled } from './helpers.ts';
import { dim, engine, filled, growTo, hnsw, many, observed, queries, small } from './hnsw-fixture.ts';
import { checkInvariants, parseGraph, reachable } from './hnsw-parse.ts';

const reason = new Error('enough');
const first = (n: number) => many.subarray(0, n * dim);
const descriptions = ['HNSW6', 'HNSW6,SQ8'];

/** Aborts once so much is done. */
function abortingAt(least: number) {
  const controller = new AbortController();
  const seen: number[] = [];
  const onProgress = (done: number) => {
    seen.push(done);
    if (done >= least) controller.abort(reason);
  };
  return { signal: controller.signal, onProgress, seen };
}

describe('aborts', () => {
  it('before the call reject every call with the reason', async () => {
    using index = await filled();
    const before = await index.toBytes();
    const signal = AbortSignal.abort(reason);
    await index.remove([1]);
    const removed = await index.toBytes();
    for (const call of [
      () => index.add(queries, { signal }),
      () => index.search(queries, { signal }),
      () => index.search(queries, { signal, k: 3000 }),
      () => index.rangeSearch(queries, 1, { signal }),
      () => index.compact({ signal }),
      () => index.toBytes({ signal }),
    ]) {
      await expect(call()).rejects.toBe(reason);
      expectSameBytes(await index.toBytes(), removed);
    }
    expect(Buffer.compare(before, removed)).not.toBe(0);
  });

  it.each(descriptions)(
    'in the middle of an add leave the index as it was, and what comes next as it would have been: %s',
    async (description) => {
      for (const rows of [0, 1, 700]) {
        const used = engine.usedBytes;
        const index = hnsw({}, description);
        const other = hnsw({}, description);
        for (const one of [index, other]) await growTo(one, rows);
        const before = await index.toBytes();
        const answers = await index.search(queries, { stats: true });
        for (const least of [1, 300, 2500]) {
          const { seen, ...options } = abortingAt(least);
          const n = least === 1 ? 40 : 2600;
          const unlike = makeVectors('bytes', n, dim, least); // another grid would suit these
          await expect(index.add(unlike, { ...options, labels: Array.from({ length: n }, (_, i) => i) })).rejects.toBe(reason);
          expect(seen.at(-1)).toBeLessThan(n);
          expect(index.size).toBe(rows);
          expectSameBytes(await index.toBytes(), before, `${rows} rows, aborted at ${least}`);
          expect({ ...(await index.search(queries, { stats: true })) }).toEqual({ ...answers });
        }
        for (const one of [index, other]) await one.add(many.subarray(rows * dim, 1500 * dim));
        expectSameBytes(await index.toBytes(), await other.toBytes(), `${rows} rows, then more`);
        expectSameNeighbors(await index.search(queries), await other.search(queries));
        for (const one of [index, other]) one.close();
        await expect.poll(() => engine.usedBytes).toBe(used);
      }
    },
  );

  it.each(descriptions)('in the middle of compaction leave the index as it was: %s', async (description) => {
    const used = engine.usedBytes;
    const index = await filled(first(2000), {}, description);
    await index.remove(Array.from({ length: 500 }, (_, i) => 3 * i));
    const before = await index.toBytes();
    const held = engine.usedBytes;
    for (const least of [1, 700]) {
      const { seen, ...options } = abortingAt(least);
      await expect(index.compact(options)).rejects.toBe(reason);
      expect(seen.at(-1)).toBeLessThan(1500);
      expectSameBytes(await index.toBytes(), before);
      expect(engine.usedBytes, 'memory').toBe(held);
    }
    await index.compact();
    expect(parseGraph(await index.toBytes()).count).toBe(1500);
    index.close();
    await expect.poll(() => engine.usedBytes).toBe(used);
  });

  it('in the middle of searches reject promptly, and hold on to nothing', async () => {
    using index = await filled();
    const held = engine.usedBytes;
    for (const call of [
      (options: object) => index.search(many, options),
      (options: object) => index.search(many, { ...options, filter: (label: number) => label % 2 === 0 }),
      (options: object) => index.search(many, { ...options, k: 2000 }),
      (options: object) => index.rangeSearch(many, 0.5, options),
    ]) {
      const { seen, ...options } = abortingAt(1);
      await expect(call(options)).rejects.toBe(reason);
      expect(seen.at(-1)).toBeLessThan(3000);
      expect(engine.usedBytes).toBe(held);
    }
  });
});

describe('a failure', () => {
  it.each(['build: chosen links', 'build: joined links', 'graph: links', 'graph: page table', 'graph: codes', 'vectors', 'graph: keys'])(
    'of memory for %s leaves the index as it was',
    async (label) => {
      const used = engine.usedBytes;
      for (const rows of [0, 1000]) {
        const { index, hooks } = observed();
        if (rows > 0) await index.add(first(rows));
        const before = await index.toBytes();
        for (const nth of [1, 3]) {
          let calls = 0;
          hooks.alloc = (wanted) => {
            if (wanted === label && ++calls === nth) throw reason;
          };
          const done = await index.add(many.subarray(1000 * dim)).then(
            () => 'done',
            (error) => error,
          );
          delete hooks.alloc;
          if (done === 'done') break; // it asked less often
          expect(done).toBe(reason);
          expectSameBytes(await index.toBytes(), before, `${rows} rows, call ${nth}`);
        }
        if (index.size === rows) await index.add(many.subarray(1000 * dim));
        using other = hnsw();
        if (rows > 0) await other.add(first(rows));
        await other.add(many.subarray(1000 * dim));
        expectSameBytes(await index.toBytes(), await other.toBytes());
        index.close();
      }
      await expect.poll(() => engine.usedBytes).toBe(used);
    },
  );
});

describe('progress', () => {
  it('rises to the total', async () => {
    using index = hnsw();
    const calls: Record<string, [number, number][]> = {};
    const watch = (name: string) => ({ onProgress: (done: number, total: number) => void (calls[name] ??= []).push([done, total]) });
    await index.add(many, watch('add'));
    await index.add(queries, watch('add more'));
    await index.search(first(600), watch('search'));
    await index.search(first(600), { filter: (label) => label % 2 === 1, ...watch('filtered') });
    await index.search(first(600), { k: 2000, ...watch('all') });
    await index.rangeSearch(first(600), 1, watch('range'));
    await index.toBytes(watch('bytes'));
    await index.remove([0, 1]);
    await index.compact(watch('compact'));
    const totals = { add: 3000, 'add more': 5, search: 600, filtered: 600, all: 600, range: 600, bytes: 3005, compact: 3003 };
    expect(Object.keys(calls)).toEqual(Object.keys(totals));
    for (const [name, total] of Object.entries(totals)) {
      const seen = calls[name]!;
      expect(seen.at(-1), name).toEqual([total, total]);
      for (const [i, [done, all]] of seen.entries()) {
        expect(all, name).toBe(total);
        expect(done, name).toBeGreaterThanOrEqual(seen[i - 1]?.[0] ?? 0);
      }
    }
    expect(calls.add!.length).toBeGreaterThan(20);
  });
});

describe('close', () => {
  it('makes every later call fail with closed, twice is harmless', async () => {
    const index = await filled(queries);
    index.close();
    index.close();
    for (const call of [
      () => index.add(queries),
      () => index.search(queries),
      () => index.rangeSearch(queries, 1),
      () => index.remove([1]),
      () => index.compact(),
      () => index.reconstruct(1),
      () => index.prepare(),
      () => index.toBytes(),
    ]) {
      await expect(call()).rejects.toEqual(failsWith('closed', /the index was closed/));
    }
  });

  it.each(descriptions)('rejects what is pending, and gives memory back once that is done: %s', async (description) => {
    const used = engine.usedBytes;
    for (const during of ['an add', 'a first add', 'a search', 'a compaction']) {
      const { index, hooks } = observed({}, description);
      if (during !== 'a first add') await index.add(first(1500));
      if (during === 'a compaction') await index.remove([1, 2, 3]);
      const [begun, wait] = [gate(), gate()];
      let runs = 0;
      hooks.run = () => {
        if (++runs < (during === 'a search' ? 1 : 8)) return;
        begun.open();
        return wait.opened;
      };
      const work = during === 'a search' ? index.search(queries) : during === 'a compaction' ? index.compact() : index.add(many);
      const queued = [index.add(queries), index.remove([5])];
      const closed = [work, ...queued].map((call) => expect(call, during).rejects.toEqual(failsWith('closed')));
      await begun.opened;
      index.close();
      wait.open();
      await Promise.all(closed);
      await expect.poll(() => engine.usedBytes).toBe(used);
    }
  });

  it('of the engine makes calls fail with closed too', async () => {
    const own = await CpuEngine.open({ threads: 1 });
    const index = await filled(many, {}, 'HNSW6', own);
    own.close();
    await expect(index.search(queries)).rejects.toEqual(failsWith('closed', /the engine was closed/));
    await expect(index.add(queries)).rejects.toEqual(failsWith('closed'));
    index.close();
  });
});

describe.each([1, 2])('many at once, %s threads', (threads) => {
  it('adds queue, and one that fails leaves nothing behind', async () => {
    using own = await CpuEngine.open({ threads });
    using index = await filled(first(1500), {}, 'HNSW6', own);
    const bad = queries.with(2 * dim, Number.NaN);
    const done = await Promise.allSettled([
      index.add(queries),
      index.add(bad),
      index.remove([0]),
      index.add(first(2), { labels: [1500, 1500] }),
      index.compact(),
      index.add(first(2)),
      index.search(queries),
    ]);
    expect(done.map(({ status }) => status[0]).join('')).toBe('frfrfff');
    expect(index.size).toBe(1506);
    using other = await filled(first(1500), {}, 'HNSW6', own);
    await other.add(queries);
    await other.remove([0]);
    await other.compact();
    await other.add(first(2));
    expectSameBytes(await index.toBytes(), await other.toBytes());
  });

  it('adds and searches make the index, and get the answers, of one after the other', async () => {
    using own = await CpuEngine.open({ threads });
    using index = hnsw(small, 'HNSW6', own);
    using other = hnsw(small, 'HNSW6', own);
    for (const one of [index, other]) await one.add(first(1000));
    const ends = Array.from({ length: 30 }, (_, i) => 1000 + 20 * (i + 1));
    const steps = ends.map((end) => (one: HnswIndex) => one.add(many.subarray((end - 20) * dim, end * dim)));
    const right = [await other.search(queries)];
    for (const step of steps) {
      await step(other);
      right.push(await other.search(queries));
    }
    const work: Promise<unknown>[] = steps.map((step) => step(index));
    let searches = 0;
    const searching = async () => {
      for (let busy = true; busy; searches++) {
        const before = (index.size - 1000) / 20;
        expectSameNeighbors(await index.search(queries), right[before]!, `after ${before} adds`);
        busy = index.size < 1600;
      }
    };
    await Promise.all([...work, ...Array.from({ length: 4 }, searching)]);
    expect(searches).toBeGreaterThan(8);
    expectSameBytes(await index.toBytes(), await other.toBytes());
    const graph = parseGraph(await index.toBytes());
    checkInvariants(graph);
    expect(reachable(graph).size).toBe(1600);
    expectSameNeighbors(await index.search(queries), right.at(-1)!);
  });

  it('indexes on one engine keep out of each other’s way, closing included', async () => {
    using own = await CpuEngine.open({ threads });
    const sets = [1, 2, 3, 4].map((i) => makeVectors('normal', 900, dim, i));
    const indexes = await Promise.all(sets.map((vectors) => filled(vectors, {}, 'HNSW6', own)));
    const work = indexes.map((index, i) => (i < 2 ? index.add(many) : index.search(queries, { k: 5 })).catch((error: unknown) => error));
    indexes[0]!.close();
    indexes[1]!.close();
    const results = await Promise.all(work);
    expect(results.slice(0, 2).map((error) => hasCode(error, 'closed'))).toEqual([true, true]);
    for (const i of [2, 3]) {
      expectSameNeighbors(results[i] as never, await indexes[i]!.search(queries, { k: 5 }));
      await expectExact(indexes[i]!, labelled(sets[i]!, dim), queries, 300);
      indexes[i]!.close();
    }
    await expect.poll(() => own.usedBytes).toBe(0);
  });
});
