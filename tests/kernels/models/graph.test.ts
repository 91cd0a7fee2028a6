/** The twins of the graph kernels against models written apart from them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NONE } from '../../../src/kernels/graph.ts';
import { graphJoin } from '../../../src/kernels/graph-join.ts';
import { graphSearch } from '../../../src/kernels/graph-search.ts';
import { graphSelect } from '../../../src/kernels/graph-select.ts';
import { seed } from '../../contract/data.ts';
import type { Filter, RowKind, Shape } from '../graph-cases.ts';
import { FORM_STRIDES, SEARCH_STRIDES } from '../graph-cases.ts';
import { joinCase, selectCase } from '../link-cases.ts';
import { type SearchShape, searchCase } from '../search-cases.ts';
import { byKey, modelChoice, modelDistance, modelKey, modelSearch, reachable, rowAt, type Scored } from './graph-model.ts';

const kinds = fc.constantFrom<RowKind>('ordinary', 'few', 'terms', 'extremes', 'equal');
const forms = fc.constantFrom(...FORM_STRIDES.filter(([, stride]) => stride <= 128));
const searchForms = fc.constantFrom(...SEARCH_STRIDES.filter(([, stride]) => stride <= 128));
const filters = fc.constantFrom<Filter>('none', 'half', 'entry excluded', 'nobody', 'all', 'few', 'entry alone');
const offsets = fc.nat(1e6);

const searches = (shapes: readonly Shape[], most: number) =>
  fc
    .record({
      form: searchForms,
      kind: kinds,
      filter: filters,
      shape: fc.constantFrom(...shapes),
      n: fc.integer({ min: 1, max: most }),
      degree: fc.constantFrom(4, 6, 10, 16),
      top: fc.nat(3),
      level: fc.nat(2),
      ef: fc.constantFrom(1, 2, 3, 7, 20, 60),
    })
    .map(({ form: [form, stride], ...rest }): SearchShape => ({ ...rest, nq: 2, form, stride, level: Math.min(rest.level, rest.top) }));

type SearchCase = ReturnType<typeof searchCase>;

function filterOf({ params, arrays }: SearchCase): ((id: number) => boolean) | undefined {
  return params.filtered ? (id) => ((arrays.admitted[id >> 5]! >>> (id & 31)) & 1) === 1 : undefined;
}

function scoredBy({ params: { nq, form, stride }, arrays }: SearchCase, q: number): (id: number) => Scored {
  const query = rowAt(arrays.queries, arrays.queries.length / nq, q);
  return (id) => ({ id, key: modelKey(form, query, rowAt(arrays.codes, stride, id)) });
}

function expectFound({ params: { ef }, arrays: { ids, keys } }: SearchCase, q: number, found: readonly Scored[]): void {
  const padding = new Array<number>(ef - found.length);
  expect([...ids.subarray(q * ef, (q + 1) * ef)]).toEqual([...found.map(({ id }) => id), ...padding.fill(NONE)]);
  expect([...keys.subarray(q * ef, (q + 1) * ef)]).toEqual([...found.map(({ key }) => key), ...padding.fill(0)]);
}

describe('graph-search', () => {
  it('walks as its definition says', () => {
    fc.assert(
      fc.property(searches(['random', 'ring', 'full', 'hub', 'path', 'isolated'], 150), offsets, (shape, offset) => {
        const one = searchCase(shape, offset);
        graphSearch.twin(one.arrays, one.params);
        for (let q = 0; q < shape.nq; q++) {
          const scored = scoredBy(one, q);
          const { found, hops } = modelSearch({ ...one.params, links: one.lists, keyOf: (id) => scored(id).key, admitted: filterOf(one) });
          expectFound(one, q, found);
          expect(one.arrays.stats[2 * q]).toBe(hops);
        }
      }),
      { seed, numRuns: 1500 },
    );
  });

  it('finds what brute force finds where all is within reach and the beam holds it', () => {
    fc.assert(
      fc.property(searches(['ring'], 80), offsets, (shape, offset) => {
        const one = searchCase({ ...shape, ef: shape.n + (offset % 3) }, offset);
        const members = one.lists.flatMap((levels, id) => (levels.length > shape.level ? [id] : []));
        graphSearch.twin(one.arrays, one.params);
        for (let q = 0; q < shape.nq; q++) {
          expectFound(
            one,
            q,
            members
              .filter(filterOf(one) ?? (() => true))
              .map(scoredBy(one, q))
              .sort(byKey),
          );
        }
      }),
      { seed, numRuns: 500 },
    );
  });

  it('finds all that is within reach of the entry, looks at each node once, and nothing else', () => {
    fc.assert(
      fc.property(searches(['random', 'hub', 'path', 'isolated'], 80), offsets, (shape, offset) => {
        const one = searchCase({ ...shape, top: 0, level: 0, ef: shape.n }, offset);
        const reached = reachable(one.lists, one.params.entry, 0);
        graphSearch.twin(one.arrays, one.params);
        for (let q = 0; q < shape.nq; q++) {
          expectFound(
            one,
            q,
            reached
              .filter(filterOf(one) ?? (() => true))
              .map(scoredBy(one, q))
              .sort(byKey),
          );
          expect([...one.arrays.stats.subarray(2 * q, 2 * q + 2)]).toEqual([reached.length, reached.length]);
        }
      }),
      { seed, numRuns: 500 },
    );
  });
});

const rowsOf = (row: Uint32Array) => [...row].filter((id) => id !== NONE);

describe('links', () => {
  it('are chosen as the heuristic says', () => {
    fc.assert(
      fc.property(
        forms,
        kinds,
        fc.integer({ min: 2, max: 60 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 12 }),
        offsets,
        ([form, stride], kind, n, ef, most, offset) => {
          const { params, arrays } = selectCase({ m: 4, n, form, stride, kind, ef, most }, offset);
          graphSelect.twin(arrays, params);
          const between = (a: number, b: number) => modelDistance(form, rowAt(arrays.codes, stride, a), rowAt(arrays.codes, stride, b));
          for (const [i, node] of arrays.nodes.entries()) {
            const keyed = rowsOf(arrays.candidates.subarray(i * ef, (i + 1) * ef)).map((id) => ({ id, key: between(node, id) }));
            const chosen = arrays.chosen.subarray(i * most, (i + 1) * most);
            const expected = modelChoice(keyed, most, between);
            expect([...chosen]).toEqual([...expected, ...new Array<number>(most - expected.length).fill(NONE)]);
          }
        },
      ),
      { seed, numRuns: 600 },
    );
  });

  it('are joined by appending where there is room, and by choosing anew where there is none', () => {
    fc.assert(
      fc.property(
        forms,
        kinds,
        fc.integer({ min: 20, max: 90 }),
        fc.nat(2),
        fc.constantFrom(4, 6, 10),
        offsets,
        ([form, stride], kind, n, level, degree, offset) => {
          const { params, arrays, lists } = joinCase({ t: 9, n, form, stride, kind, degree, level, group: 'any' }, offset);
          const { most } = params;
          graphJoin.twin(arrays, params);
          const between = (a: number, b: number) => modelDistance(form, rowAt(arrays.codes, stride, a), rowAt(arrays.codes, stride, b));
          for (const [i, target] of arrays.targets.entries()) {
            const all = [...lists[target]![level]!, ...arrays.sources.subarray(arrays.offsets[i]!, arrays.offsets[i + 1]!)];
            const keyed = all.map((id) => ({ id, key: between(target, id) }));
            const expected = all.length <= most ? all : modelChoice(keyed, most, between);
            const joined = arrays.joined.subarray(i * degree, (i + 1) * degree);
            expect([...joined]).toEqual([...expected, ...new Array<number>(degree - expected.length).fill(NONE)]);
          }
        },
      ),
      { seed, numRuns: 600 },
    );
  });
});
