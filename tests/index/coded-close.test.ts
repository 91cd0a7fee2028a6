/** Closing indexes over codes while calls are under way, and many calls at once. */
import { describe, expect, it } from 'vitest';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import type { CodedIndex } from '../../src/index/coded.ts';
import { hasCode } from '../../src/util/errors.ts';
import { makeVectors } from '../contract/data.ts';
import { dim, engine, filled, first, many, observed, queries } from './coded-fixture.ts';
import { expectSameBytes, expectSameNeighbors, failsWith, gate } from './helpers.ts';

const rows = makeVectors('normal', 9000, dim, 5);

describe('close', () => {
  it('makes every later call fail with closed, twice is harmless', async () => {
    const index = await filled('IVF8,PQ4x4', first(300));
    index.close();
    index.close();
    for (const call of [
      () => index.train(many),
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

  const during: Record<string, (index: CodedIndex) => Promise<unknown>> = {
    training: (index) => index.train(many),
    'an add': (index) => index.add(first(900)),
    'a search': (index) => index.search(queries),
    'a range': (index) => index.rangeSearch(queries, 3),
  };

  /** Closes an index while the nth run of a call goes on; false where there are fewer. */
  async function closeAt(nth: number, description: string, what: string): Promise<boolean> {
    const { index, hooks } = observed(description);
    if (what !== 'training') {
      await index.train(many);
      await index.add(first(300));
    }
    const [begun, wait] = [gate(), gate()];
    let runs = 0;
    hooks.run = () => {
      if (++runs < nth) return;
      begun.open();
      return wait.opened;
    };
    const work = during[what]!(index);
    const isSearch = what === 'a search' || what === 'a range';
    const queued = isSearch ? [] : [index.remove([5]), index.compact()];
    const outcomes = Promise.allSettled([work, ...queued]);
    await Promise.race([begun.opened, outcomes]);
    index.close();
    wait.open();
    if (runs < nth) return false;
    for (const outcome of await outcomes) {
      expect(outcome, `${what}, ${nth}`).toEqual({ status: 'rejected', reason: failsWith('closed') });
    }
    return true;
  }

  it.each(['PQ4x4', 'OPQ4,IVF8,PQ4x4,RFlat', 'IVF8,SQ8'])(
    'rejects what is pending, and gives memory back once that is done: %s',
    async (description) => {
      const used = engine.usedBytes;
      for (const what of Object.keys(during)) {
        for (const nth of [1, 2, 4, 20]) {
          const closed = await closeAt(nth, description, what);
          await expect.poll(() => engine.usedBytes, { message: `${what}, ${nth}` }).toBe(used);
          if (!closed) break;
        }
      }
    },
  );

  it('of the engine makes calls fail with closed too', async () => {
    const own = await CpuEngine.open({ threads: 1 });
    const index = await filled('IVF8,PQ4x4', first(300), {}, own);
    own.close();
    await expect(index.search(queries)).rejects.toEqual(failsWith('closed', /the engine was closed/));
    await expect(index.add(queries)).rejects.toEqual(failsWith('closed'));
    index.close();
  });
});

describe.each([1, 2])('many at once, %s threads', (threads) => {
  it('writers queue, and one that fails leaves nothing behind', async () => {
    using own = await CpuEngine.open({ threads });
    using index = await filled('IVF8,PQ4x4', first(300), {}, own);
    const done = await Promise.allSettled([
      index.add(queries),
      index.add(queries.with(2 * dim, Number.NaN)),
      index.remove([0]),
      index.add(first(2), { labels: [1500, 1500] }),
      index.train(many),
      index.compact(),
      index.add(first(2)),
      index.search(queries),
    ]);
    expect(done.map(({ status }) => status[0]).join('')).toBe('frfrrfff');
    expect(index.size).toBe(307);
    using other = await filled('IVF8,PQ4x4', first(300), {}, own);
    await other.add(queries);
    await other.remove([0]);
    await other.add(first(2));
    expectSameBytes(await index.toBytes(), await other.toBytes());
  });

  it('indexes on one engine keep out of each other’s way, closing included', async () => {
    using own = await CpuEngine.open({ threads });
    const indexes = await Promise.all(
      ['PQ4x4', 'IVF8,SQ8', 'IVF8,PQ4x4', 'PQ4,RFlat'].map((description) => filled(description, first(400), {}, own)),
    );
    const right = await Promise.all(indexes.map((index) => index.search(queries)));
    const work = indexes.map((index, i) => (i < 2 ? index.add(rows) : index.search(queries)).catch((error: unknown) => error));
    indexes[0]!.close();
    indexes[1]!.close();
    const results = await Promise.all(work);
    expect(results.slice(0, 2).map((error) => hasCode(error, 'closed'))).toEqual([true, true]);
    for (const i of [2, 3]) {
      expectSameNeighbors(results[i] as never, right[i]!);
      indexes[i]!.close();
    }
    await expect.poll(() => own.usedBytes).toBeLessThanOrEqual(threads > 1 ? 256 : 0); // threads keep their counters
  });
});
