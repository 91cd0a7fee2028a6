import { afterAll, describe, expect, it } from 'vitest';
import { makeIndex } from '../../src/index/factory.ts';
import type { Metric } from '../../src/index/vector-index.ts';
import { type Kind, kinds, makeVectors } from '../contract/data.ts';
import { enginesHere } from '../contract/engines.ts';
import { ranked, rowsOf } from '../contract/oracle.ts';

const metrics: readonly Metric[] = ['l2', 'ip', 'cosine'];

/** Data that each metric takes: cosine has no direction for a zero row, and cannot tell the all-constant rows apart. */
function suits(kind: Kind, metric: Metric): boolean {
  return !(metric === 'cosine' && kind === 'zeros');
}

describe('Flat is exact', async () => {
  for (const { name, open } of await enginesHere()) {
    describe(name, () => {
      const engine = open();
      afterAll(async () => (await engine).close());
      for (const metric of metrics) {
        for (const [at, kind] of kinds.entries()) {
          if (!suits(kind, metric)) continue;
          const dim = [1, 3, 20, 100, 130][at % 5]!;
          it(`${metric}, ${kind}, dim ${dim}`, async () => {
            const n = 1500;
            const vectors = makeVectors(kind, n, dim, at);
            const queries = makeVectors(kind, 6, dim, at + 31);
            queries.set(vectors.subarray(0, dim)); // one query is a row
            const index = makeIndex('Flat', { dim, metric }, await engine);
            await index.add(vectors);
            const rows = rowsOf(vectors, dim).map((vector, label) => ({ label, vector }));
            const k = 12;
            const found = await index.search(queries, { k });
            for (const [q, query] of rowsOf(queries, dim).entries()) {
              const expected = ranked(metric, rows, query).slice(0, k);
              expect([...found.labels.subarray(q * k, (q + 1) * k)], `labels of query ${q}`).toEqual(expected.map(({ label }) => label));
              expect([...found.distances.subarray(q * k, (q + 1) * k)]).toEqual(expected.map(({ distance }) => distance));
            }
            index.close();
          });
        }
      }
    });
  }
});
