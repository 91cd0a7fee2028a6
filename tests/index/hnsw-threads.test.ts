/** Work that is large enough to wake threads, which that of the other tests is not: the same graph and answers from any number. */
import { expect, it, vi } from 'vitest';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import { ThreadPool } from '../../src/host/cpu/pool.ts';
import { expectSameBytes, expectSameNeighbors, lowRank } from './helpers.ts';
import { hnsw } from './hnsw-fixture.ts';
import { checkInvariants, parseGraph, reachable } from './hnsw-parse.ts';

const dim = 200;
const n = 1800;
const vectors = lowRank(n, dim, 1, 12, 0.3);
const queries = lowRank(400, dim, 2, 12, 0.3);

async function built(threads: number, description: string) {
  using engine = await CpuEngine.open({ threads });
  using index = hnsw({ dim, efConstruction: 100, metric: 'cosine' }, description, engine);
  await index.add(vectors);
  const bytes = await index.toBytes();
  const found = await index.search(queries, { k: 10, efSearch: 20, stats: true });
  const filter = (label: number) => label % 3 !== 0;
  const filtered = await Promise.all([0, 1, 2].map((i) => index.search(queries.subarray(i * 100 * dim), { k: 7, efSearch: 12, filter })));
  return { bytes, found, filtered };
}

it.each(['HNSW16', 'HNSW16,SQ8'])('1, 2 and 5 threads build and search one %s', async (description) => {
  const right = await built(1, description);
  const graph = parseGraph(right.bytes);
  checkInvariants(graph);
  expect(reachable(graph).size).toBe(n);
  const run = vi.spyOn(ThreadPool.prototype, 'run');
  for (const threads of [2, 5]) {
    run.mockClear();
    const { bytes, found, filtered } = await built(threads, description);
    const shared = new Set(run.mock.calls.filter(([, width]) => width > 1).flatMap(([works]) => works.map(({ name }) => name)));
    expect([...shared].sort(), 'what threads shared').toEqual(
      expect.arrayContaining(['graphJoin', 'graphSearch', 'graphSelect', 'refineLists']),
    );
    expectSameBytes(bytes, right.bytes, `${threads} threads`);
    expectSameNeighbors(found, right.found, `${threads} threads`);
    expect(found.stats).toEqual(right.found.stats);
    for (const [i, one] of filtered.entries()) expectSameNeighbors(one, right.filtered[i]!, `${threads} threads, filtered ${i}`);
  }
  run.mockRestore();
});
