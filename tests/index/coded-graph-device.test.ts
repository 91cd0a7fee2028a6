/** Graphs over codes that are walked on a device: the host's labels, distances and hops. */
import { afterAll, describe, expect, it } from 'vitest';
import { CpuEngine } from '../../src/host/cpu/cpu-engine.ts';
import { GpuEngine } from '../../src/host/gpu/gpu-engine.ts';
import { fromBytes } from '../../src/node.ts';
import { findGpu } from '../contract/engines.ts';
import { dim, filled, queries, rows } from './coded-graph-fixture.ts';
import { expectSameNeighbors } from './helpers.ts';

const gpu = await findGpu();

describe.skipIf(!gpu)('a graph over codes, on a GPU', () => {
  const opened = gpu ? CpuEngine.open({ threads: 1 }).then((host) => GpuEngine.open(gpu, host)) : undefined;
  afterAll(async () => (await opened)?.close());

  it.each(['HNSW6,PQ4x4,RFlat', 'HNSW5,PQ8', 'OPQ4_12,HNSW4,PQ4x4'])(
    'answers as on the host, after adds, removals and new numbers too: %s',
    { timeout: 120_000 },
    async (description) => {
      using right = await filled(description, rows(0, 400));
      using index = await fromBytes(await right.toBytes(), { engine: await opened! });
      const expectSame = async () => {
        for (const options of [{ k: 5 }, { k: 8, efSearch: 18, filter: (label: number) => label % 7 > 0 }]) {
          const found = await index.search(queries, { ...options, stats: true });
          const wanted = await right.search(queries, { ...options, stats: true });
          expect(found.engine).toBe('gpu');
          expectSameNeighbors(found, wanted);
          expect(found.stats!.hops).toEqual(wanted.stats!.hops);
        }
        const within = await index.rangeSearch(queries.subarray(0, 2 * dim), 3);
        const right2 = await right.rangeSearch(queries.subarray(0, 2 * dim), 3);
        expect([within.labels, within.distances]).toEqual([right2.labels, right2.distances]);
      };
      await expectSame();
      for (const one of [index, right]) await one.add(rows(400, 470));
      await expectSame();
      for (const one of [index, right]) {
        await one.remove(Array.from({ length: 120 }, (_, i) => 3 * i));
        await one.compact();
      }
      await expectSame();
      expect(Buffer.compare(await index.toBytes(), await right.toBytes())).toBe(0);
    },
  );
});
