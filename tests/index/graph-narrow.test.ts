/** The certificate by which devices narrow beams, under attack: whatever the data, no row goes that is among the k nearest. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReferenceEngine } from '../../src/host/reference-engine.ts';
import { narrowRoom } from '../../src/index/bounds.ts';
import { GraphCodec, sq8Plan } from '../../src/index/graph-codec.ts';
import { gridOf } from '../../src/index/sq8-codec.ts';
import type { Metric } from '../../src/index/vector-index.ts';
import { graphNarrowTwin } from '../../src/kernels/cpu/graph-narrow.ts';
import { Scorer } from '../../src/kernels/cpu/graph-score.ts';
import { FORMS, NONE } from '../../src/kernels/graph.ts';
import { makeVectors, randomFrom, seed } from '../contract/data.ts';
import { canonicalDistance, normalised, rowsOf } from '../contract/oracle.ts';
import { type Attack, attack, attacks } from './adversary.ts';
import { metrics } from './helpers.ts';

const engine = new ReferenceEngine();
const widthOf = (dim: number) => Math.ceil(dim / 16) * 16;

/** Rows as the index stores them; under cosine, those that have a direction. */
function stored(metric: Metric, rows: readonly Float32Array[]): Float32Array[] {
  return metric === 'cosine' ? rows.filter((row) => row.some((x) => x !== 0)).map(normalised) : [...rows];
}

function concat(rows: readonly Float32Array[], dim: number): Float32Array {
  const out = new Float32Array(rows.length * dim);
  for (const [i, row] of rows.entries()) out.set(row, i * dim);
  return out;
}

interface Asked {
  readonly metric: Metric;
  readonly dim: number;
  /** What the grid is made for. */
  readonly planned: readonly Float32Array[];
  readonly rows: readonly Float32Array[];
  readonly queries: readonly Float32Array[];
  readonly k: number;
  /** What is done to what vectors have lost and to the room of the bound: for tests that want to see it fail. */
  readonly weaken?: boolean;
}

/** Which rows a device keeps for each query, of a beam that holds them all. */
async function keptOf({ metric, dim, planned, rows, queries, k, weaken = false }: Asked): Promise<number[][]> {
  const plan = sq8Plan(dim, metric, gridOf(concat(planned, dim), dim, metric !== 'ip'));
  const { stride, form, grid } = plan;
  using codec = await GraphCodec.open(engine, plan);
  using limbs = await engine.alloc('i8', rows.length * stride, 'limbs');
  using queryLimbs = await engine.alloc('i8', queries.length * stride, 'limbs');
  using codes = await codec.encodeRows(concat(rows, dim), limbs);
  using coded = await codec.encodeQueries(concat(queries, dim), queryLimbs);
  const length = rows.length;
  const views = {
    ...{ queries: engine.view(coded), queryLimbs: engine.view(queryLimbs), codesA: engine.view(codes), codesB: new Int8Array(16) },
    ...{ limbsA: engine.view(limbs), limbsB: new Int8Array(16), found: new Uint32Array(queries.length * (2 * length + 2)) },
    lists: new Uint32Array(queries.length * (length + 2)),
  };
  if (weaken) forgetLosses(views.limbsA, stride, form);
  if (weaken) forgetLosses(views.queryLimbs, stride, form);
  const scorer = new Scorer(views.codesA, stride, form);
  for (let q = 0; q < queries.length; q++) {
    const row = views.found.subarray(q * (2 * length + 2), (q + 1) * (2 * length + 2));
    const beam = rows.map((_, id) => ({ id, key: scorer.key(views.queries, q, id) })).sort((a, b) => a.key - b.key || a.id - b.id);
    for (const [i, { id, key }] of beam.entries()) {
      row[i] = key >>> 0;
      row[length + i] = id;
    }
  }
  const room = weaken ? { room: 0, more: 0 } : narrowRoom(metric, widthOf(dim), grid!.scale);
  graphNarrowTwin(views, { nq: queries.length, quads: stride / 16, form, split: length, ef: length, length, k, ...room });
  return queries.map((_, q) => [...views.lists.subarray(q * (length + 2), q * (length + 2) + length)].filter((id) => id !== NONE));
}

function forgetLosses(limbs: Int8Array, stride: number, form: number): void {
  const words = new Uint32Array(limbs.buffer, limbs.byteOffset, limbs.byteLength / 4);
  for (let at = stride / 4 - 1; at < words.length; at += stride / 4) words[at] = form === FORMS.sq8L2 ? 0 : words[at]! & 0xffff0000;
}

/** Rows that are among the k nearest of a query, ties at the k-th place included, and were dropped; and how many were dropped in all. */
async function lossesOf(asked: Asked): Promise<{ wrong: string[]; dropped: number }> {
  const kept = await keptOf(asked);
  const { metric, rows, queries, k } = asked;
  const wrong: string[] = [];
  let dropped = 0;
  for (const [q, query] of queries.entries()) {
    const distances = rows.map((row) => canonicalDistance(metric, query, row));
    const last = [...distances].sort((a, b) => a - b)[Math.min(k, rows.length) - 1]!;
    const here = new Set(kept[q]);
    dropped += rows.length - here.size;
    for (const [id, distance] of distances.entries()) {
      if (distance <= last && !here.has(id)) wrong.push(`query ${q}: row ${id} at ${distance} is gone, the ${k}-th lies at ${last}`);
    }
  }
  return { wrong, dropped };
}

const anyAttack = fc.constantFrom(...attacks);
const dims = fc.constantFrom(1, 2, 3, 5, 12, 16, 17, 33, 64, 130);

describe.each(metrics)('no row goes that is among the k nearest: %s', (metric) => {
  it('of pairs made to break bounds', async () => {
    let dropped = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(1e6),
        dims,
        anyAttack,
        anyAttack,
        anyAttack,
        fc.integer({ min: 1, max: 14 }),
        async (offset, dim, a, b, c, k) => {
          const random = randomFrom(offset);
          const make = (kind: Attack) => attack(kind, metric, 10, dim, random);
          const [planned, near, far] = [make(a), make(b), make(c)];
          const rows = stored(metric, [...planned.rows, ...near.rows, ...far.rows]);
          const queries = stored(metric, [planned.query, near.query, far.query, ...near.rows.slice(0, 2)]);
          if (rows.length === 0 || queries.length === 0) return;
          const losses = await lossesOf({ metric, dim, planned: stored(metric, planned.rows).concat(rows[0]!), rows, queries, k });
          expect(losses.wrong).toEqual([]);
          dropped += losses.dropped;
        },
      ),
      { seed, numRuns: 300 },
    );
    expect(dropped).toBeGreaterThan(5000);
  });

  it('of rows that differ by less than a step of either limb', async () => {
    let dropped = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(1e6),
        dims,
        fc.integer({ min: -40, max: 2 }),
        fc.integer({ min: 1, max: 20 }),
        async (offset, dim, size, k) => {
          const random = randomFrom(offset);
          const planned = stored(metric, rowsOf(makeVectors('normal', 12, dim, offset), dim));
          const near = planned[0]!;
          const rows = Array.from({ length: 40 }, (_, i) => (i % 4 ? near.map((x) => x + random.normal() * 2 ** size) : near.slice()));
          const queries = [near, near.map((x) => x + random.normal() * 2 ** size), planned[1]!];
          const asked = { metric, dim, planned, rows: stored(metric, rows), queries: stored(metric, queries), k };
          const losses = await lossesOf(asked);
          expect(losses.wrong).toEqual([]);
          dropped += losses.dropped;
        },
      ),
      { seed, numRuns: 150 },
    );
    expect(dropped).toBeGreaterThan(1000);
  });

  it('with a dimension so far out that rows are clipped, whatever they have lost', async () => {
    const dim = 20;
    const planned = stored(metric, rowsOf(makeVectors('normal', 30, dim, 4), dim));
    for (const reach of [2, 100, 1e4, 1e9, 1e15]) {
      const rows = rowsOf(makeVectors('normal', 40, dim, 5), dim).map((row, i) => {
        if (i % 3 === 0) row[i % dim] = i % 2 ? reach : -reach;
        return row;
      });
      const queries = [...rows.slice(0, 4), ...planned.slice(0, 3)];
      const losses = await lossesOf({ metric, dim, planned, rows: stored(metric, rows), queries: stored(metric, queries), k: 5 });
      expect(losses.wrong, `a value of ${reach}`).toEqual([]);
    }
  });

  it('and of ordinary data nearly only these stay', async () => {
    const [dim, k] = [64, 10];
    const rows = stored(metric, rowsOf(makeVectors('normal', 300, dim, 1), dim));
    const queries = stored(metric, rowsOf(makeVectors('normal', 20, dim, 2), dim));
    const kept = await keptOf({ metric, dim, planned: [...rows, ...queries], rows, queries, k });
    expect(kept.reduce((sum, ids) => sum + ids.length, 0) / queries.length).toBeLessThan(k + 2);
  });

  it('which hangs on what they have lost', async () => {
    let wrong = 0;
    for (let offset = 0; offset < 120; offset++) {
      const dim = 33;
      const random = randomFrom(offset);
      const near = stored(metric, rowsOf(makeVectors('normal', 1, dim, offset), dim))[0]!;
      const rows = stored(
        metric,
        Array.from({ length: 40 }, () => near.map((x) => x + random.normal() * 10 ** -(3 + (offset % 3)))),
      );
      const asked = { metric, dim, planned: stored(metric, rowsOf(makeVectors('normal', 9, dim, 3), dim)), rows, queries: [near], k: 5 };
      wrong += (await lossesOf({ ...asked, weaken: true })).wrong.length;
      expect((await lossesOf(asked)).wrong).toEqual([]);
    }
    expect(wrong).toBeGreaterThan(0);
  });
});
