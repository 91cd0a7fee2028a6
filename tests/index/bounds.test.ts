/**
 * The certificates under attack: whatever the data, the integer tests keep a row that lies exactly at the threshold, and
 * every bound is on the safe side of exact arithmetic. ISODEX_SEED repeats a run.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';
import {
  boundsOfDistance,
  boundsOfDot,
  gamma,
  ipQueryTerms,
  ipSlack,
  ipThreshold,
  l2Slack,
  l2Threshold,
  leastDot,
  reachOf,
  roundUpToFloat,
} from '../../src/index/bounds.ts';
import { FlatCodes, projectWithNorms } from '../../src/index/flat-codes.ts';
import { FlatQueries } from '../../src/index/flat-queries.ts';
import { projectionError, trainProjection } from '../../src/index/projection.ts';
import type { Metric } from '../../src/index/vector-index.ts';
import { sq8FilterTwin } from '../../src/kernels/cpu/sq8-filter.ts';
import { sq8GatherTwin } from '../../src/kernels/cpu/sq8-gather.ts';
import { BLOCK_ROWS } from '../../src/kernels/panels.ts';
import { FORM_IP, FORM_L2 } from '../../src/kernels/sq8-filter.ts';
import { makeVectors, randomFrom, seed } from '../contract/data.ts';
import { canonicalDistance, normalised, rowsOf } from '../contract/oracle.ts';
import { type Attack, attack, attacks } from './adversary.ts';
import { asProduct, exact, exactDot, exactSquaredDistance, rootDown, rootUp } from './exact.ts';
import { lowRank, metrics, snapshotOf } from './helpers.ts';

const engine = new ReferenceEngine();
const widthOf = (dim: number) => Math.ceil(dim / 16) * 16;

function concat(rows: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    out.set(row, at);
    at += row.length;
  }
  return out;
}

/** Rows as the index stores them; under cosine, those that have a direction. */
function stored(metric: Metric, rows: readonly Float32Array[]): Float32Array[] {
  return metric === 'cosine' ? rows.filter((row) => row.some((x) => x !== 0)).map(normalised) : [...rows];
}

interface Coded {
  readonly codes: FlatCodes;
  readonly rows: readonly Float32Array[];
}

/** Codes planned for `planned` rows that then take in `more`: grids and projections have not seen the latter. */
async function codeRows(metric: Metric, dim: number, planned: readonly Float32Array[], more: readonly Float32Array[]): Promise<Coded> {
  const first = snapshotOf(concat(planned), dim);
  const codes = await FlatCodes.plan(engine, first, metric, 1, widthOf(dim));
  await codes.extend(more.length ? snapshotOf(concat(more), dim, first) : first);
  return { codes, rows: [...planned, ...more] };
}

interface Kept {
  readonly byFilter: ReadonlySet<number>;
  /** Those of them that the whole-row codes keep too, with the bounds that they give. */
  readonly byFine: ReadonlyMap<number, { readonly least: number; readonly most: number }>;
}

/** Which of the queries the filter keeps for one row, and which of those the whole-row codes keep. */
function kept({ codes }: Coded, queries: FlatQueries, row: number, taus: Float64Array): Kept {
  const { plan } = codes;
  const chunk = codes.chunks.find(({ begin, capacity }) => row >= begin && row < begin + capacity)!;
  const at = row - chunk.begin;
  const mask = new Uint32Array(chunk.capacity / 32);
  mask[at >>> 5] = 1 << (at & 31);
  const pairs = new Uint32Array(2 * queries.nq);
  const count = new Uint32Array(1);
  sq8FilterTwin(
    {
      queries: engine.view(queries.filterCodes),
      codes: engine.view(chunk.filter.codes),
      rowTerms: engine.view(chunk.filter.rowTerms),
      slacks: engine.view(chunk.filter.slacks),
      mask,
      bounds: queries.filterBounds(taus),
      pairs,
      count,
    },
    {
      nq: queries.nq,
      words: plan.filterGrid.words,
      form: plan.metric === 'ip' ? FORM_IP : FORM_L2,
      step: 1,
      skip: 0,
      first: Math.floor(at / BLOCK_ROWS),
      blocks: 1,
      capacity: queries.nq,
    },
  );
  const survivors = Array.from({ length: count[0]! }, (_, i) => pairs[2 * i]!);
  const byFilter = new Set(survivors);
  const byFine = new Map(survivors.map((q) => [q, { least: -Infinity, most: Infinity }]));
  if (!chunk.fine) return { byFilter, byFine };
  const keys = new Int32Array(survivors.length);
  sq8GatherTwin(
    {
      queries: engine.view(queries.fineCodes!),
      codes: engine.view(chunk.fine.codes),
      rowTerms: engine.view(chunk.fine.rowTerms),
      pairs,
      count,
      keys,
    },
    { words: plan.fineGrid!.words, weight: plan.metric === 'ip' ? 1 : 2, capacity: queries.nq },
  );
  byFine.clear();
  queries.keepFine(chunk.fine, taus, survivors.length, pairs, keys, (q, _, least, most) => void byFine.set(q, { least, most }));
  return { byFilter, byFine };
}

/** Every pair at its own canonical distance must pass both tests. Returns how many pairs that were. */
async function expectAllKept(metric: Metric, dim: number, coded: Coded, queries: readonly Float32Array[], only?: number): Promise<number> {
  if (queries.length === 0) return 0;
  using form = await FlatQueries.of(coded.codes, concat(queries), dim, widthOf(dim));
  let pairs = 0;
  for (let row = only ?? 0; row < coded.rows.length; row++) {
    const taus = Float64Array.from(queries, (query) => canonicalDistance(metric, query, coded.rows[row]!));
    const { byFilter, byFine } = kept(coded, form, row, taus);
    for (let q = 0; q < queries.length; q++) {
      if (!byFilter.has(q)) expect.fail(`the filter drops row ${row} for query ${q} at its own distance ${taus[q]}`);
      const bounds = byFine.get(q) ?? expect.fail(`the whole-row codes drop row ${row} for query ${q} at its own distance ${taus[q]}`);
      // `most` is rounded to f32 where the k smallest are kept; NaN bounds nothing
      if (bounds.least > taus[q]! || Math.fround(bounds.most) < taus[q]!) {
        expect.fail(`row ${row} and query ${q} are ${taus[q]} apart, not within ${bounds.least} … ${bounds.most}`);
      }
      pairs++;
    }
  }
  return pairs;
}

const anyAttack = fc.constantFrom(...attacks);

describe('the filter keeps a row at its own canonical distance', () => {
  for (const metric of metrics) {
    it(`${metric}, whole rows`, async () => {
      let pairs = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.nat(1e6),
          fc.constantFrom(1, 2, 3, 5, 16, 17, 33, 64, 130),
          anyAttack,
          anyAttack,
          anyAttack,
          async (offset, dim, planned, later, asked) => {
            const random = randomFrom(offset);
            const make = (kind: Attack) => {
              const { query, rows } = attack(kind, metric, 12, dim, random);
              return { query: stored(metric, [query]), rows: stored(metric, rows) };
            };
            const [a, b, c] = [make(planned), make(later), make(asked)];
            if (a.rows.length === 0) return;
            const coded = await codeRows(metric, dim, a.rows, b.rows);
            const queries = [...a.query, ...b.query, ...c.query, ...c.rows.slice(0, 2), ...a.rows.slice(0, 1)];
            pairs += await expectAllKept(metric, dim, coded, queries);
          },
        ),
        { seed, numRuns: 150 },
      );
      expect(pairs).toBeGreaterThan(10_000);
    });

    it(`${metric}, with a projection`, async () => {
      let pairs = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.nat(1e6),
          fc.constantFrom(96, 99, 128),
          fc.constantFrom(-130, -60, -12, 0, 20, 52),
          fc.array(anyAttack, { minLength: 3, maxLength: 3 }),
          async (offset, dim, exponent, kinds) => {
            const random = randomFrom(offset);
            // scaled after the fact: subnormal rows lose their last bits, which only makes them less ordinary
            const planned = stored(
              metric,
              rowsOf(lowRank(80, dim, offset), dim).map((row) => row.map((x) => x * 2 ** exponent)),
            );
            const made = kinds.map((kind) => attack(kind, metric, 8, dim, random));
            const more = stored(
              metric,
              made.flatMap(({ rows }) => rows),
            );
            const coded = await codeRows(metric, dim, planned, more);
            expect(coded.codes.plan.projection, 'a projection').toBeDefined();
            const junk = planned.slice(0, 2).map((row) => row.map((x) => x + random.normal() * 2 ** exponent)); // out of the subspace
            const near = planned.slice(2, 4).map((row) => row.map((x) => x * (1 + random.int(-1, 1) * 2 ** -23)));
            const queries = stored(metric, [...made.map(({ query }) => query), ...junk, ...near]);
            pairs += await expectAllKept(metric, dim, coded, queries, 60);
          },
        ),
        { seed, numRuns: 40 },
      );
      expect(pairs).toBeGreaterThan(5_000);
    });
  }

  it('where codes are clipped and slacks saturated', async () => {
    for (const metric of ['l2', 'ip'] as const) {
      for (const dim of [4, 128]) {
        const planned = rowsOf(lowRank(80, dim, 3), dim);
        const more = [1e3, 1e6, 1e12, 1e18, -1e18].map((factor) => planned[0]!.map((x) => (x * factor) / 8));
        const coded = await codeRows(metric, dim, planned, more);
        const slacks = engine.view(coded.codes.chunks.at(-1)!.filter.slacks);
        expect(
          slacks.some((slack) => (slack & 0xffff) === 65535),
          'a saturated slack',
        ).toBe(true);
        expect(coded.codes.plan.projection !== undefined).toBe(dim === 128);
        await expectAllKept(metric, dim, coded, [...planned.slice(0, 3), ...more, planned[0]!.map(() => 0)]);
      }
    }
  });

  it('even a row beyond f32 code errors, for a query of zero', async () => {
    // Rows of 1e-37 give the finest grid there is; on it the error of a row of 1e15 overflows f32.
    const dim = 96;
    const planned = rowsOf(lowRank(80, dim, 5), dim).map((row) => row.map((x) => x * 1e-37));
    const more = [new Float32Array(dim).fill(1e15), new Float32Array(dim)];
    for (const metric of ['l2', 'ip'] as const) {
      const coded = await codeRows(metric, dim, planned, more);
      expect(coded.codes.plan.projection, 'a projection').toBeDefined();
      await expectAllKept(metric, dim, coded, [new Float32Array(dim), planned[0]!, more[0]!]);
    }
  });

  it('and drops nearly all others of ordinary data', async () => {
    const n = 1500;
    for (const [name, dim, vectors] of [
      ['normal', 20, makeVectors('normal', n, 20, 1)],
      ['low rank', 128, lowRank(n, 128, 2)],
    ] as const) {
      for (const metric of metrics) {
        const rows = stored(metric, rowsOf(vectors, dim));
        const coded = await codeRows(metric, dim, rows, []);
        const queries = stored(metric, rowsOf(name === 'normal' ? makeVectors('normal', 4, dim, 9) : lowRank(4, dim, 9), dim));
        using form = await FlatQueries.of(coded.codes, concat(queries), dim, widthOf(dim));
        const taus = Float64Array.from(
          queries,
          (query) => rows.map((row) => canonicalDistance(metric, query, row)).sort((x, y) => x - y)[9]!,
        );
        let survivors = 0;
        for (let row = 0; row < n; row++) survivors += kept(coded, form, row, taus).byFine.size;
        expect(survivors, `${name}, ${metric}: survivors of ${n * queries.length}`).toBeGreaterThanOrEqual(10 * queries.length);
        expect(survivors, `${name}, ${metric}: survivors of ${n * queries.length}`).toBeLessThan(0.04 * n * queries.length);
      }
    }
  });
});

/** What the two kinds of bound promise, against exact arithmetic; rows and query as stored. */
function checkCanonicalBounds(metric: Metric, query: Float32Array, row: Float32Array): void {
  const width = widthOf(query.length);
  const tau = canonicalDistance(metric, query, row);
  const within = ({ least, most }: { least: number; most: number }) => {
    expect(least).toBeLessThanOrEqual(tau);
    expect(Math.fround(most)).toBeGreaterThanOrEqual(tau);
  };
  if (metric !== 'ip') {
    const reach = exact(reachOf(metric, tau, width));
    const squared = exactSquaredDistance(query, row);
    expect(squared <= reach * reach, `reach of ${tau}`).toBe(true);
    within(boundsOfDistance(metric, nearly(rootDown(squared), -1), nearly(rootUp(squared), 1), width));
    return;
  }
  // what a row's error adds for the canonical rounding
  const norms = Math.sqrt(query.reduce((sum, x) => sum + x * x, 0)) * Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
  const dot = exactDot(query, row) >> 1074n;
  within(boundsOfDot(nearly(dot, -1) - gamma(width) * norms * 1.001, nearly(dot + 1n, 1) + gamma(width) * norms * 1.001, width));
  const slack = (exact(gamma(width)) * rootUp(exactDot(query, query)) * rootUp(exactDot(row, row))) >> (2n * 1074n);
  const least = exact(leastDot(tau, width));
  expect(exactDot(query, row) + asProduct(slack + 1n) >= asProduct(least), `least dot of ${tau}`).toBe(true);
}

/** The double that x · 2^-1074 is, two roundings up or down. */
function nearly(x: bigint, direction: 1 | -1): number {
  const size = x < 0n ? -x : x;
  const shift = Math.max(0, size.toString(16).length * 4 - 60);
  const value = Number(x >> BigInt(shift)) * 2 ** Math.max(shift - 1074, -537) * 2 ** Math.min(0, shift - 1074 + 537);
  return value + direction * (Math.abs(value) * 2 ** -50 + 2 ** -1074);
}

/** How far the canonical squared distance lies below the true one, in units of 2^-24 of itself. */
function roundingsLost(query: Float32Array, row: Float32Array): number {
  const tau = canonicalDistance('l2', query, row);
  if (tau === 0) return 0;
  return Number((exactSquaredDistance(query, row) << 40n) / asProduct(exact(tau)) - (1n << 40n)) / 2 ** 16;
}

describe('against exact arithmetic', () => {
  for (const metric of metrics) {
    it(`the reach of a canonical distance covers the true one: ${metric}`, () => {
      let tightest = 0;
      fc.assert(
        fc.property(fc.nat(1e6), fc.constantFrom(1, 2, 15, 16, 17, 48, 100, 256), anyAttack, (offset, dim, kind) => {
          const { query, rows } = attack(kind, metric, 6, dim, randomFrom(offset));
          const queries = stored(metric, [query]);
          for (const q of queries) for (const row of stored(metric, rows)) checkCanonicalBounds(metric, q, row);
          if (metric === 'l2' && kind === 'directed rounding')
            tightest = Math.max(tightest, ...rows.map((row) => roundingsLost(query, row)));
        }),
        { seed, numRuns: 250 },
      );
      // the attack has teeth: it drives the canonical sum several roundings below the truth
      if (metric === 'l2') expect(tightest).toBeGreaterThan(2);
    });
  }

  it('bounds never fall where they must rise', () => {
    const numbers = fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, 2 ** -149, 1, 2, 2 ** 126));
    fc.assert(
      fc.property(numbers, numbers, fc.constantFrom(16, 112, 4096), (x, y, width) => {
        const [low, high] = x <= y ? [x, y] : [y, x];
        for (const metric of ['l2', 'cosine'] as const) {
          expect(reachOf(metric, high, width)).toBeGreaterThanOrEqual(reachOf(metric, low, width));
          expect(reachOf(metric, high, width + 16)).toBeGreaterThanOrEqual(reachOf(metric, high, width));
        }
        expect(leastDot(high, width)).toBeLessThanOrEqual(leastDot(low, width));
        expect(leastDot(high, width + 16)).toBeLessThanOrEqual(leastDot(high, width));
        for (const scale of [2 ** -120, 0.37, 1, 127, 2 ** 120]) {
          const [small, large] = [Math.abs(low) <= Math.abs(high) ? low : high, Math.abs(low) <= Math.abs(high) ? high : low].map(Math.abs);
          expect(l2Threshold(large!, small!, scale)).toBeGreaterThanOrEqual(l2Threshold(small!, small!, scale));
          expect(l2Slack(large!, scale)).toBeGreaterThanOrEqual(l2Slack(small!, scale));
          expect(ipThreshold(high, scale, 1)).toBeGreaterThanOrEqual(ipThreshold(low, scale, 1));
        }
      }),
      { seed, numRuns: 2000 },
    );
    for (const metric of ['l2', 'cosine'] as const) expect(reachOf(metric, Number.POSITIVE_INFINITY, 16)).toBe(Number.POSITIVE_INFINITY);
    expect(l2Threshold(Number.POSITIVE_INFINITY, 0, 1)).toBe(65535);
    expect(l2Threshold(Number.NaN, 0, 1)).toBe(65535);
    expect(ipThreshold(leastDot(Number.POSITIVE_INFINITY, 16), 1, 1)).toBe(-(2 ** 30));
    for (let width = 16; width < 4096; width += 16) expect(gamma(width + 16)).toBeGreaterThan(gamma(width));
  });

  it('integers of bounds are on the safe side', () => {
    const size = fc.oneof(fc.constant(0), fc.double({ min: 2 ** -200, max: 2 ** 60, noNaN: true }));
    const scale = fc.double({ min: 2 ** -60, max: 2 ** 60, noNaN: true }).map(Math.fround);
    fc.assert(
      fc.property(size, size, scale, scale, fc.integer({ min: 0, max: 8192 }), (x, error, rowScale, queryScale, norm) => {
        const product = (...factors: number[]) => factors.reduce((value, factor) => value * exact(factor), 1n);
        const unit = (power: number) => 1n << (1074n * BigInt(power));
        const quarters = l2Threshold(x, error, rowScale);
        if (quarters < 65535) expect(BigInt(quarters) * unit(2) >= 4n * exact(rowScale) * (exact(x) + exact(error))).toBe(true);
        const slack = l2Slack(error, rowScale);
        if (slack < 65535) expect(BigInt(slack) * unit(2) >= 4n * product(rowScale, error)).toBe(true);
        const [P, Q] = ipQueryTerms(x, error, queryScale);
        expect(exact(P) * unit(1) >= product(x, queryScale)).toBe(true);
        expect(exact(Q) * unit(1) >= 16n * product(error, queryScale)).toBe(true);
        const both = ipSlack(error, norm, rowScale);
        if ((both & 0xffff) < 65535) expect(BigInt(both & 0xffff) * unit(2) >= 16n * product(rowScale, error)).toBe(true);
        expect(both >>> 16).toBe(norm);
        for (const least of [x, -x]) {
          const K = ipThreshold(least, queryScale, rowScale);
          if (K > -(2 ** 30)) expect(BigInt(K) * unit(3) <= product(least, queryScale, rowScale)).toBe(true);
        }
        const up = roundUpToFloat(error);
        expect(up).toBe(Math.fround(up));
        expect(up).toBeGreaterThanOrEqual(error);
      }),
      { seed, numRuns: 1000 },
    );
    expect(roundUpToFloat(0)).toBe(0);
    expect(roundUpToFloat(2 ** -1074)).toBeGreaterThan(0);
  });
});

describe('a projection', () => {
  const dim = 100;
  const trained = async (metric: Metric, scale: number) => {
    const sample = lowRank(128, dim, 11).map((x) => x * scale);
    const projection = await trainProjection(sample, dim, metric === 'l2', 1);
    if (!projection) throw new Error('no projection came of data of low rank');
    return projection;
  };

  it.each([1, 1e-37, 1e15])('never lengthens a distance nor shortens a dot product, data of size %s', async (scale) => {
    for (const metric of ['l2', 'ip'] as const) {
      const projection = await trained(metric, scale);
      const random = randomFrom(17);
      const made = attacks.flatMap((kind) => {
        const { query, rows } = attack(kind, metric, 3, dim, random);
        return [query, ...rows];
      });
      const vectors = [...rowsOf(lowRank(6, dim, 12), dim).map((row) => row.map((x) => x * scale)), ...made];
      const { projected, norms } = await projectWithNorms(engine, projection, concat(vectors));
      const images = rowsOf(projected, projection.p + 4);
      const errors = vectors.map((_, i) => exact(projectionError(projection, norms[2 * i]!, norms[2 * i + 1]!)));
      const holds = (i: number, j: number) => {
        const [x, y, a, b] = [vectors[i]!, vectors[j]!, images[i]!, images[j]!];
        if (metric === 'l2') return rootDown(exactSquaredDistance(a, b)) <= rootUp(exactSquaredDistance(x, y)) + errors[i]! + errors[j]!;
        return exactDot(x, y) <= exactDot(a, b) + rootUp(exactDot(x, x)) * errors[j]! + rootUp(exactDot(b, b)) * errors[i]!;
      };
      for (let i = 0; i < vectors.length; i++) {
        for (const j of [i, i + 1, i + 4, i + 5]) if (j < vectors.length) expect(holds(i, j), `vectors ${i} and ${j}`).toBe(true);
      }
    }
  });

  it('is the same for the same rows, and absent where it would not pay', async () => {
    expect(await trained('l2', 1)).toEqual(await trained('l2', 1));
    expect(await trainProjection(makeVectors('normal', 512, 128, 1), 128, true, 1)).toBeUndefined();
    expect(await trainProjection(lowRank(512, 95, 1), 95, true, 1)).toBeUndefined();
    expect(await trainProjection(lowRank(63, 128, 1), 128, true, 1)).toBeUndefined();
  });

  it('can be learned from rows that have fewer directions than it wants, or none', async () => {
    for (const rank of [0, 1, 3]) {
      const projection = await trainProjection(lowRank(128, 96, 4, rank, 0), 96, true, 1);
      if (projection) expect(Number.isFinite(projection.looseness)).toBe(true);
    }
  });
});
