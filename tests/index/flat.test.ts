import { afterAll, describe, it } from 'vitest';
import { makeIndex } from '../../src/index/factory.ts';
import type { Metric } from '../../src/index/vector-index.ts';
import { type Kind, kinds, makeVectors } from '../contract/data.ts';
import { enginesHere } from '../contract/engines.ts';
import { expectSameNeighbors, labelled, metrics, nearest } from './helpers.ts';

/** Data that each metric takes: cosine has no direction for a zero row, and cannot tell the all-constant rows apart. */
function suits(kind: Kind, metric: Metric): boolean {
  return !(metric === 'cosine' && kind === 'zeros');
}

const k = 12;

function caseOf(metric: Metric, kind: Kind, at: number) {
  const dim = [1, 3, 20, 100, 130][at % 5]!;
  const vectors = makeVectors(kind, 1200, dim, at);
  const queries = makeVectors(kind, 6, dim, at + 31);
  queries.set(vectors.subarray(0, dim)); // one query is a row
  return { metric, kind, dim, vectors, queries, expected: nearest(metric, labelled(vectors, dim), queries, dim, k) };
}

/** Brute force is what takes the time: once for all engines. */
const cases = metrics.flatMap((metric) =>
  kinds.flatMap((kind, at) => {
    if (!suits(kind, metric)) return [];
    let made: ReturnType<typeof caseOf> | undefined;
    const make = () => (made ??= caseOf(metric, kind, at));
    return [{ name: `${metric}, ${kind}`, make }];
  }),
);

describe('Flat is exact', async () => {
  for (const { name, open } of await enginesHere()) {
    describe(name, () => {
      const engine = open();
      afterAll(async () => (await engine).close());
      for (const one of cases) {
        it(one.name, async () => {
          const { metric, dim, vectors, queries, expected } = one.make();
          using index = makeIndex('Flat', { dim, metric }, await engine);
          await index.add(vectors);
          expectSameNeighbors(await index.search(queries, { k }), expected);
        });
      }
    });
  }
});
