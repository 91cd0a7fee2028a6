/** What indexes over codes promise of calls that take a while: aborts, failures, progress. */
import { describe, expect, it } from 'vitest';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import type { Engine } from '../../src/host/engine.ts';
import type { CodedIndex } from '../../src/index/coded.ts';
import { IsodexError } from '../../src/util/errors.ts';
import { makeVectors } from '../contract/data.ts';
import { coded, descriptions, dim, engine, filled, first, many, observed, queries } from './coded-fixture.ts';
import { expectSameBytes, expectSameNeighbors, hooked } from './helpers.ts';

const reason = new Error('enough');
const rows = makeVectors('normal', 9000, dim, 5);

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

async function emptied(description: string): Promise<CodedIndex> {
  const index = coded(description);
  await index.train(many);
  return index;
}

describe('aborts', () => {
  it.each(descriptions)('before the call reject every call with the reason: %s', async (description) => {
    using index = await filled(description, first(300));
    await index.remove([1]);
    const before = await index.toBytes();
    const signal = AbortSignal.abort(reason);
    for (const call of [
      () => index.add(queries, { signal }),
      () => index.search(queries, { signal }),
      () => index.rangeSearch(queries, 1, { signal }),
      () => index.compact({ signal }),
      () => index.toBytes({ signal }),
      () => coded(description).train(many, { signal }),
    ]) {
      await expect(call()).rejects.toBe(reason);
      expectSameBytes(await index.toBytes(), before);
    }
  });

  it.each(['SQ8', 'PQ8x4', 'OPQ4,IVF8,PQ4x4', 'PCA8,RR,IVF8,SQ8', 'IVF8,LVQ8'])(
    'of training leave the index untrained, or as it was: %s',
    async (description) => {
      const used = engine.usedBytes;
      const index = coded(description);
      for (const trained of [false, true]) {
        const before = await index.toBytes();
        const steps: number[] = [];
        const stages = description.split(',').length;
        for (const least of [0, 300, 1000 * stages - 1]) {
          const { seen, ...options } = abortingAt(least);
          await expect(index.train(first(900), options)).rejects.toBe(reason);
          steps.push(seen.at(-1)!);
          expectSameBytes(await index.toBytes(), before);
          expect(index.isTrained).toBe(trained);
        }
        if (stages > 1) expect(steps[0]).toBe(0);
        await index.train(many);
      }
      using other = coded(description);
      await other.train(many);
      for (const one of [index, other]) await one.add(first(50));
      expectSameBytes(await index.toBytes(), await other.toBytes());
      index.close();
      other.close();
      await expect.poll(() => engine.usedBytes).toBe(used);
    },
  );

  const adds = ['PQ4x4', 'IVF8,PQ4x4,RFlat'].flatMap((description) => [0, 1, 700].map((n) => [description, n] as const));

  it.each(adds)(
    'of an add leave the index as it was, and what comes next as it would have been: %s with %s rows',
    async (description, n) => {
      const used = engine.usedBytes;
      const made = async () => (n > 0 ? filled(description, first(n)) : emptied(description));
      const [index, other] = [await made(), await made()];
      const before = await index.toBytes();
      const answers = await index.search(queries);
      const held = engine.usedBytes;
      for (const least of [1, 5000]) {
        const { seen, ...options } = abortingAt(least);
        await expect(index.add(rows, { ...options, labels: Array.from({ length: 9000 }, (_, i) => i) })).rejects.toBe(reason);
        expect(seen.at(-1)).toBeLessThan(9000);
        expect(index.size).toBe(n);
        expectSameBytes(await index.toBytes(), before, `aborted at ${least}`);
        expectSameNeighbors(await index.search(queries), answers);
        expect(engine.usedBytes).toBe(held);
      }
      for (const one of [index, other]) await one.add(queries);
      expectSameBytes(await index.toBytes(), await other.toBytes());
      for (const label of [n, n + 5]) expect(await index.reconstruct(label)).toEqual(await other.reconstruct(label));
      for (const one of [index, other]) one.close();
      await expect.poll(() => engine.usedBytes).toBe(used);
    },
  );

  it('of searches reject promptly, and hold on to nothing', async () => {
    using index = await filled('IVF8,PQ4x4,RFlat');
    const held = engine.usedBytes;
    for (const call of [
      (options: object) => index.search(many, options),
      (options: object) => index.search(many, { ...options, filter: (label: number) => label % 2 === 0 }),
      (options: object) => index.rangeSearch(many, 0.5, options),
    ]) {
      const { seen, ...options } = abortingAt(1);
      await expect(call(options)).rejects.toBe(reason);
      expect(seen.at(-1)).toBeLessThan(1200);
      expect(engine.usedBytes).toBe(held);
    }
  });
});

describe('a failure', () => {
  const calls: Record<string, (index: CodedIndex) => Promise<unknown>> = {
    train: (index) => index.train(many),
    add: (index) => index.add(first(300)),
    remove: (index) => index.remove([3, 4]),
    search: (index) => index.search(queries),
    range: (index) => index.rangeSearch(queries, 3),
    compact: (index) => index.compact(),
  };

  it.each(['OPQ4,IVF8,PQ4x4', 'IVF8,SQ8,RFlat', 'PQ4x4', 'IVF8,LVQ4', 'SQ4', 'LSH32'])(
    'of memory at any point leaves the index as it was: %s',
    async (description) => {
      const used = engine.usedBytes;
      const { index, hooks } = observed(description, { metric: 'ip' });
      for (const [name, call] of Object.entries(calls)) {
        const before = await index.toBytes();
        const held = engine.usedBytes;
        for (let nth = 1; ; nth += nth < 12 ? 1 : 13) {
          let asked = 0;
          hooks.alloc = () => {
            if (++asked === nth) throw reason;
          };
          const outcome = await call(index).then(
            () => 'done',
            (error: unknown) => error,
          );
          if (outcome === 'done') break; // it asked less often
          expect(outcome, `${name}, call ${nth}`).toBe(reason);
          delete hooks.alloc;
          expectSameBytes(await index.toBytes(), before, `${name}, call ${nth}`);
          expect(engine.usedBytes, `${name}, call ${nth}`).toBe(held);
        }
        delete hooks.alloc;
      }
      expect(index.size).toBe(298);
      index.close();
      await expect.poll(() => engine.usedBytes).toBe(used);
    },
  );

  it('of a device in training is made good by the host', async () => {
    using host = await CpuEngine.open({ threads: 1 });
    for (const code of ['device-lost', 'out-of-memory'] as const) {
      let runs = 0;
      const device = hooked(host, {
        run() {
          if (++runs === 5) throw new IsodexError(code, 'gone');
        },
      });
      const lost: Engine = new Proxy(device, { get: (target, name) => (name === 'host' ? host : Reflect.get(target, name)) });
      using index = coded('IVF8,PQ4x4', {}, lost);
      await index.train(many);
      await index.add(first(100));
      expect(runs).toBeGreaterThanOrEqual(5);
      using other = await filled('IVF8,PQ4x4', first(100));
      expectSameBytes(await index.toBytes(), await other.toBytes());
    }
  });
});

describe('progress', () => {
  it.each(['SQ8', 'IVF8,PQ4x4,RFlat', 'PCA8,OPQ4,PQ4x4', 'RR,IVF8,Flat'])('rises to the total: %s', async (description) => {
    const index = coded(description);
    const calls: Record<string, [number, number][]> = {};
    const watch = (name: string) => ({ onProgress: (done: number, total: number) => void (calls[name] ??= []).push([done, total]) });
    await index.train(many, watch('train'));
    await index.add(rows, watch('add'));
    await index.add(queries, watch('add more'));
    await index.search(first(600), watch('search'));
    await index.search(first(600), { k: 300, filter: (label) => label % 2 === 1, ...watch('filtered') });
    await index.rangeSearch(first(100), 1, watch('range'));
    await index.toBytes(watch('bytes'));
    await index.remove([0, 1]);
    await index.compact(watch('compact'));
    const stages = description.split(',').filter((part) => part !== 'RFlat').length;
    const totals = { train: 1000 * stages, add: 9000, 'add more': 6, search: 600, filtered: 600, range: 100, bytes: 9006, compact: 9006 };
    expect(Object.keys(calls)).toEqual(Object.keys(totals));
    for (const [name, total] of Object.entries(totals)) {
      const seen = calls[name]!;
      expect(seen.at(-1), name).toEqual([total, total]);
      for (const [i, [done, whole]] of seen.entries()) {
        expect(whole, name).toBe(total);
        expect(done, name).toBeGreaterThanOrEqual(seen[i - 1]?.[0] ?? 0);
      }
    }
    expect(calls.add!.length).toBeGreaterThan(2);
    index.close();
  });
});
