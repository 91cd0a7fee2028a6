/** The twin of refine-lists against brute force. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NONE } from '../../../src/kernels/graph.ts';
import { refineLists } from '../../../src/kernels/refine-lists.ts';
import { kinds, seed } from '../../contract/data.ts';
import { canonicalDistance } from '../../contract/oracle.ts';
import { type ListEnd, type RefineShape, refineCase } from '../refine-cases.ts';

const METRICS = ['l2', 'ip', 'cosine'] as const;

const shapes = fc
  .record({
    nq: fc.constantFrom(1, 3),
    n: fc.integer({ min: 1, max: 50 }),
    dim: fc.constantFrom(1, 7, 16, 28, 33),
    kind: fc.constantFrom(...kinds),
    metric: fc.nat(2),
    coded: fc.boolean(),
    listStride: fc.integer({ min: 1, max: 40 }),
    short: fc.nat(5),
    k: fc.integer({ min: 1, max: 50 }),
    end: fc.constantFrom<ListEnd>('none', 'middle', 'start', 'any'),
  })
  .map(({ short, ...rest }): RefineShape => ({ ...rest, listLength: Math.max(1, rest.listStride - short) }));

it('refine-lists keeps the nearest of each list, by (distance, label)', () => {
  fc.assert(
    fc.property(shapes, fc.nat(1e6), (shape, offset) => {
      const { params, arrays } = refineCase(shape, offset);
      const { nq, width, metric, listStride, listLength, k, dim, stride } = params;
      const step = new Float32Array(Uint32Array.of(params.step).buffer)[0]!;
      const vectorOf = (row: number) =>
        shape.coded
          ? Float32Array.from({ length: dim }, (_, j) => arrays.shift[j]! + Math.fround(arrays.codes[row * stride + j]! * step))
          : arrays.vectors.subarray(row * width, (row + 1) * width);
      refineLists.twin(arrays, params);
      for (let q = 0; q < nq; q++) {
        const query = arrays.queries.subarray(q * width, q * width + (shape.coded ? dim : width));
        const list = [...arrays.lists.subarray(q * listStride, q * listStride + listLength), NONE];
        const expected = list
          .slice(0, list.indexOf(NONE))
          .map((row) => ({ label: arrays.labels[row]!, distance: canonicalDistance(METRICS[metric]!, query, vectorOf(row)) }))
          .sort((a, b) => a.distance - b.distance || a.label - b.label)
          .slice(0, k);
        while (expected.length < k) expected.push({ label: -1, distance: Number.POSITIVE_INFINITY });
        const found = Array.from(expected, (_, i) => ({ label: arrays.best[q * k + i], distance: arrays.distances[q * k + i] }));
        expect(found).toEqual(expected);
      }
    }),
    { seed, numRuns: 600 },
  );
});
