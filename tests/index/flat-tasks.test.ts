/** What Flat promises of calls that take a while: aborts, progress, closing. */
import { describe, expect, it, vi } from 'vitest';
import type { VectorIndex } from '../../src/node.ts';
import { makeVectors } from '../contract/data.ts';
import { dim, engine, filled, flat, many, observed, queries } from './flat-fixture.ts';
import { expectExact, expectSameBytes, failsWith, gate, labelled, oneThread } from './helpers.ts';

describe('aborts', () => {
  const big = makeVectors('normal', 20_000, 16, 9);
  const reason = new Error('enough');
  const sameAs = async (index: VectorIndex, bytes: Uint8Array) => expectSameBytes(await index.toBytes(), bytes);

  it('before the call reject every call with the reason', async () => {
    using index = await filled();
    const signal = AbortSignal.abort(reason);
    const before = await index.toBytes();
    await expect(index.add(queries, { signal })).rejects.toBe(reason);
    await expect(index.search(queries, { signal })).rejects.toBe(reason);
    await expect(index.search(queries.subarray(0, dim), { signal, k: 3000 })).rejects.toBe(reason);
    await expect(index.rangeSearch(queries, 1, { signal })).rejects.toBe(reason);
    await expect(index.prepare({ signal })).rejects.toBe(reason);
    await expect(index.toBytes({ signal })).rejects.toBe(reason);
    await sameAs(index, before);
    await expectExact(index, labelled(many, dim), queries);
  });

  it('in the middle of an add leave the index as it was', async () => {
    using index = await filled(big.subarray(0, 1500 * 16), 'l2', 16);
    const before = await index.toBytes();
    const controller = new AbortController();
    let last = 0;
    const onProgress = (done: number) => {
      last = done;
      if (done > 10_000) controller.abort(reason);
    };
    await expect(index.add(big, { signal: controller.signal, onProgress })).rejects.toBe(reason);
    expect(last).toBeLessThan(20_000);
    await sameAs(index, before);
    await index.add(big.subarray(1500 * 16, 2000 * 16));
    await expectExact(index, labelled(big.subarray(0, 2000 * 16), 16), big.subarray(0, 16));
  });

  it('in the middle of coding leave an index that answers', async () => {
    using index = await filled(big, 'l2', 16);
    for (const doing of ['prepare', 'search'] as const) {
      const controller = new AbortController();
      const work = doing === 'prepare' ? index.prepare({ signal: controller.signal }) : index.search(big, { signal: controller.signal });
      controller.abort(reason);
      const start = performance.now();
      await expect(work).rejects.toBe(reason);
      expect(performance.now() - start).toBeLessThan(3000);
    }
    const seen: number[] = [];
    const controller = new AbortController();
    const stopped = index.prepare({
      signal: controller.signal,
      onProgress: (done) => {
        seen.push(done);
        if (done >= 5000) controller.abort(reason);
      },
    });
    await expect(stopped).rejects.toBe(reason);
    expect(seen.at(-1)).toBeLessThan(8000);
    await expectExact(index, labelled(big, 16), big.subarray(0, 16));
  });

  it('of extending the codes leave them good', async () => {
    using index = await filled(big.subarray(0, 14_000 * 16), 'l2', 16);
    await index.prepare();
    await index.add(big.subarray(14_000 * 16));
    const controller = new AbortController();
    const stopped = index.prepare({ signal: controller.signal, onProgress: () => controller.abort(reason) });
    await expect(stopped).rejects.toBe(reason);
    await expectExact(index, labelled(big, 16), big.subarray(0, 16));
  });

  it('in the middle of searches reject promptly', async () => {
    using index = await filled(big, 'l2', 16);
    await index.prepare();
    const some = big.subarray(0, 3000 * 16);
    for (const call of [
      (signal: AbortSignal, onProgress: () => void) => index.search(some, { signal, onProgress }),
      (signal: AbortSignal, onProgress: () => void) => index.search(some, { signal, onProgress, k: 10_000 }),
      (signal: AbortSignal, onProgress: () => void) => index.rangeSearch(some, 0, { signal, onProgress }),
    ]) {
      const controller = new AbortController();
      let at = 0;
      const onProgress = () => {
        at ||= performance.now();
        controller.abort(reason);
      };
      await expect(call(controller.signal, onProgress)).rejects.toBe(reason);
      expect(performance.now() - at).toBeLessThan(2000);
    }
    await expectExact(index, labelled(big, 16), big.subarray(0, 16));
  });
});

describe('progress', () => {
  it('rises to the total', async () => {
    for (const [n, k] of [
      [3000, 10],
      [100, 10],
      [3000, 2000],
    ] as const) {
      using index = flat();
      const calls: Record<string, [number, number][]> = { add: [], prepare: [], search: [], range: [], bytes: [] };
      const watch = (name: string) => ({ onProgress: (done: number, total: number) => void calls[name]!.push([done, total]) });
      await index.add(many.subarray(0, n * dim), watch('add'));
      await index.prepare(watch('prepare'));
      await index.search(many.subarray(0, 600 * dim), { k, ...watch('search') });
      await index.rangeSearch(many.subarray(0, 600 * dim), 0.1, watch('range'));
      await index.toBytes(watch('bytes'));
      for (const [name, seen] of Object.entries(calls)) {
        const total = name === 'search' || name === 'range' ? 600 : n;
        expect(seen.at(-1), name).toEqual([total, total]);
        for (const [i, [done, all]] of seen.entries()) {
          expect(all, name).toBe(total);
          expect(done, name).toBeGreaterThan(seen[i - 1]?.[0] ?? 0);
        }
      }
    }
  });
});

describe('close', () => {
  it('makes every later call fail with closed', async () => {
    const index = await filled();
    index.close();
    index.close(); // harmless
    const closed = failsWith('closed', /the index was closed/);
    for (const call of [
      () => index.add(queries),
      () => index.search(queries),
      () => index.rangeSearch(queries, 1),
      () => index.remove([1]),
      () => index.reconstruct(1),
      () => index.prepare(),
      () => index.toBytes(),
      () => index.save('/tmp/never-written'),
    ]) {
      await expect(call()).rejects.toEqual(closed);
    }
  });

  it('rejects what is pending, and gives memory back', async () => {
    const used = engine.usedBytes;
    const index = await filled();
    const closed = failsWith('closed');
    const pending = [index.search(queries), index.rangeSearch(queries, 1), index.add(queries), index.remove([1])].map((call) =>
      expect(call).rejects.toEqual(closed),
    );
    index.close();
    await Promise.all(pending);
    expect(engine.usedBytes).toBe(used);
    const prepared = await filled();
    await prepared.search(queries);
    prepared.close();
    expect(engine.usedBytes).toBe(used);
    const { index: coding, hooks } = observed();
    await coding.add(many);
    const [begun, wait] = [gate(), gate()];
    hooks.run = () => {
      begun.open();
      return wait.opened;
    };
    const late = expect(coding.prepare()).rejects.toEqual(closed);
    await begun.opened;
    coding.close();
    wait.open();
    await late;
    await vi.waitFor(() => expect(engine.usedBytes).toBe(used));
  });

  it('of the engine makes calls fail with closed too', async () => {
    const own = await oneThread();
    const index = await filled(many, 'l2', dim, own);
    own.close();
    await expect(index.search(queries)).rejects.toEqual(failsWith('closed', /the engine was closed/));
  });
});
