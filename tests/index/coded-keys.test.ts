/** Keys of codes: distances to what the codes say, but for rounding, however far apart query, list and row lie. */
import { describe, expect, it } from 'vitest';
import { centroidVectors } from '../../src/index/coding/coarse-plan.ts';
import { type IntegerGrid, toGrid } from '../../src/index/coding/integer-grid.ts';
import { PqListCodec } from '../../src/index/coding/pq-list-codec.ts';
import { Trained } from '../../src/index/coding/trained.ts';
import { trainPlan } from '../../src/index/coding/training.ts';
import { parseDescription } from '../../src/index/description.ts';
import type { Metric } from '../../src/index/vector-index.ts';
import { NONE } from '../../src/kernels/graph.ts';
import type { Dtype } from '../../src/kernels/kernel.ts';
import { makeVectors, randomFrom } from '../contract/data.ts';
import { canonicalDistance, normalised, ranked, rowsOf } from '../contract/oracle.ts';
import { dim, engine, filled, many, queries } from './coded-fixture.ts';
import { lowRank } from './helpers.ts';

interface Case {
  readonly description: string;
  readonly metric: Metric;
  readonly dim: number;
  readonly vectors: Float32Array;
}

/** Rows at the corners of a cube, and near them. */
function corners(n: number, width: number, offset: number): Float32Array {
  const random = randomFrom(offset);
  return Float32Array.from(
    { length: n * width },
    (_, i) => (Math.floor(i / width) % 3 ? 1000 : 1) * (random() < 0.5 ? -1 : 1) + random.normal(),
  );
}

/** Two corners, and rows far from both: what is left of rows is as long as the centroids are. */
function opposite(n: number, width: number): Float32Array {
  return Float32Array.from({ length: n * width }, (_, i) => {
    const row = Math.floor(i / width);
    const sign = row % 2 ? 1 : -1;
    return (row % 20 < 2 ? -0.9 : 1) * sign * 500 + (i % 7);
  });
}

const cases: Record<string, Case> = {
  'PQ, l2': { description: 'PQ4', metric: 'l2', dim: 16, vectors: makeVectors('normal', 400, 16, 1) },
  'PQ with 4 bits and padding, l2': { description: 'PQ3x4', metric: 'l2', dim: 15, vectors: makeVectors('bytes', 400, 15, 2) },
  'PQ, ip': { description: 'PQ4x4', metric: 'ip', dim: 12, vectors: makeVectors('normal', 300, 12, 3) },
  'IVF and PQ, l2': { description: 'IVF8,PQ4x4', metric: 'l2', dim: 16, vectors: lowRank(500, 16, 4) },
  'IVF and PQ, cosine': { description: 'IVF4,PQ4', metric: 'cosine', dim: 8, vectors: makeVectors('normal', 400, 8, 5) },
  'IVF and PQ, ip': { description: 'IVF8,PQ4x4', metric: 'ip', dim: 16, vectors: lowRank(500, 16, 6) },
  'corners, l2': { description: 'IVF6,PQ2x4', metric: 'l2', dim: 64, vectors: corners(300, 64, 7) },
  'corners, ip': { description: 'IVF6,PQ2x4', metric: 'ip', dim: 64, vectors: corners(300, 64, 8) },
  'opposite corners': { description: 'IVF2,PQ1x4', metric: 'l2', dim: 96, vectors: opposite(200, 96) },
  'opposite corners in many dimensions': { description: 'IVF2,PQ96x4', metric: 'l2', dim: 96, vectors: opposite(200, 96) },
  'two far clusters': { description: 'IVF4,PQ4x4', metric: 'l2', dim: 8, vectors: makeVectors('clusters', 300, 8, 9) },
};

async function opened({ description, metric, dim: width, vectors }: Case) {
  const settings = { dim: width, metric, seed: 1 };
  const { plan } = await trainPlan(vectors, { engine, description: parseDescription(description), settings, maxPointsPerCentroid: 256 });
  const trained = await Trained.open(engine, plan, metric);
  const { lists, codes, terms } = await trained.code(vectors, 0, width, {});
  return { trained, lists, codes, terms };
}

/** A query's table: the entries of all centroids, subquantiser after subquantiser. */
function tableOf(bytes: Int8Array, q: number, nq: number): Uint16Array {
  const stride = bytes.length / nq;
  return new Uint16Array(bytes.slice(q * stride, (q + 1) * stride).buffer);
}

/** Queries: some rows, the corners of the grid, its middle. */
function queriesFor(rows: readonly Float32Array[], { bits, shift, scale }: IntegerGrid): Float32Array[] {
  const most = (2 ** bits - 1) / scale;
  const at = (sign: (j: number) => number) => shift.map((middle, j) => middle + sign(j) * most);
  return [...rows.slice(0, 6), at(() => 1), at(() => -1), at((j) => (j % 2 ? 1 : -1)), at(() => 0.01)];
}

/** Bits that terms of rows, and so all keys, go without where there are lists. */
function leastShift(width: number, bits: number, nlist: number): number {
  let shift = 0;
  while (nlist > 1 && (4 * width * 4 ** bits) / 2 ** shift >= 2 ** 29) shift++;
  return shift;
}

it.each(Object.entries(cases))('keys differ from distances by a constant and what rounding loses: %s', async (_, one) => {
  const { metric, dim: width, vectors } = one;
  const { trained, lists, codes, terms } = await opened(one);
  using _trained = trained;
  const { codec, nlist } = trained;
  if (!(codec instanceof PqListCodec)) throw new Error('no PQ');
  const { grid, book } = codec.quantizer;
  const { m } = book.split;
  const rows = rowsOf(vectors, width);
  const asked = queriesFor(rows, grid);
  const nq = asked.length;
  // All lists, and behind them none.
  const probes = {
    lists: Uint32Array.from({ length: nq * (nlist + 1) }, (_, i) => (i % (nlist + 1) < nlist ? i % (nlist + 1) : NONE)),
    nprobe: nlist + 1,
  };
  using made = await codec.queries(Float32Array.from(asked.flatMap((query) => [...query])), probes);
  const [bytes, shifts, probeTerms] = [made.queries, made.shifts, made.probeTerms].map((block) => engine.view<Dtype>(block).slice());
  const centroids = trained.coarse && toGrid(centroidVectors(trained.coarse.plan), grid);
  const said = new Int16Array(width);
  let widest = 0;
  for (const [q, query] of asked.entries()) {
    const table = tableOf(bytes as Int8Array, q, nq);
    const unit = 2 ** (shifts![q]! + leastShift(width, grid.bits, nlist));
    const reach = query.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const own = metric === 'ip' ? Math.fround((2 ** grid.bits - 1) / reach) : grid.scale; // inner products: as fine as can be
    const onGrid = toGrid(query, { ...grid, scale: own });
    const found = Array.from(lists, (list, row) => {
      let key = probeTerms![q * (nlist + 1) + list]! + ((terms?.[row] ?? 0) >> shifts![q]!);
      for (let sub = 0; sub < m; sub++) key += table[sub * book.ksub + codec.quantizer.codeAt(codes, row * codec.stride, sub)]!;
      codec.quantizer.decodeValues(codes, row * codec.stride, said);
      let distance = 0;
      for (const [j, left] of said.entries()) {
        const v = left + (centroids?.[list * width + j] ?? 0);
        distance += metric === 'ip' ? -onGrid[j]! * v : (onGrid[j]! - v) ** 2;
      }
      return { key, distance: distance / unit };
    });
    expect(Math.max(...found.map(({ key }) => Math.abs(key))), 'no key may wrap').toBeLessThan(2 ** 31);
    const lost = found.map(({ key, distance }) => distance - key);
    expect(Math.max(...lost) - Math.min(...lost), `query ${q}`).toBeLessThan(m + 3);
    const distances = found.map(({ distance }) => distance);
    widest = Math.max(widest, Math.max(...distances) - Math.min(...distances));
  }
  expect(widest, 'keys say something').toBeGreaterThan(50);
});

describe('what is found', () => {
  const decodedRows = async (index: Awaited<ReturnType<typeof filled>>) =>
    Promise.all(Array.from({ length: index.size }, async (_, label) => ({ label, vector: await index.reconstruct(label) })));

  it.each([
    ['PQ8', 'l2'],
    ['PQ8', 'ip'],
    ['PQ4x4', 'l2'],
    ['SQ8', 'l2'],
    ['SQ8', 'ip'],
    ['IVF8,PQ8x4', 'l2'],
    ['IVF8,PQ8', 'ip'],
    ['IVF8,SQ8', 'l2'],
    ['PQ8', 'cosine'],
    ['IVF8,SQ8', 'cosine'],
  ] as const)('is what is nearest by the codes, with all lists probed: %s, %s', async (description, metric) => {
    using index = await filled(description, many, { metric, nprobe: /IVF/.test(description) ? 8 : undefined });
    const rows = await decodedRows(index);
    const { labels, distances, distancesOf } = await index.search(queries, { k: 12 });
    expect(distancesOf).toBe('codes');
    let hits = 0;
    for (const [q, query] of rowsOf(queries, dim).entries()) {
      const asked = metric === 'cosine' ? normalised(query) : query;
      const right = rows.map(({ vector }) => canonicalDistance(metric, asked, vector)); // under cosine what codes say has unit length
      const sorted = [...right].sort((a, b) => a - b);
      for (let i = 0; i < 12; i++) {
        const distance = distances[q * 12 + i]!;
        expect(distance).toBe(right[labels[q * 12 + i]!]);
        if (distance === sorted[i]) hits++;
      }
    }
    expect(hits / labels.length).toBeGreaterThan(metric === 'cosine' ? 0.9 : 0.98);
  });

  it('does not depend on how long queries are, for inner products', async () => {
    for (const description of ['PQ8x4', 'IVF8,PQ8x4', 'SQ8']) {
      using index = await filled(description, many, { metric: 'ip' });
      const right = await index.search(queries, { k: 5 });
      for (const by of [2 ** -20, 2 ** -5, 8, 2 ** 20]) {
        const found = await index.search(
          queries.map((x) => x * by),
          { k: 5 },
        );
        expect(found.labels, `${description}, times ${by}`).toEqual(right.labels);
        expect(found.distances).toEqual(right.distances.map((x) => x * by));
      }
      const zeros = await index.search(new Float32Array(dim), { k: 5 });
      expect(zeros.distances).toEqual(new Float32Array(5));
    }
  });

  it.each(['l2', 'ip', 'cosine'] as const)('takes the lists whose centroids are nearest, by canonical distances: %s', async (metric) => {
    const prepared = (vectors: Float32Array) => (metric === 'cosine' ? normalisedRows(vectors) : vectors);
    const { trained } = await opened({ description: 'IVF16,SQ8', metric, dim, vectors: prepared(many) });
    using _trained = trained;
    const coarse = trained.coarse!;
    const { grid, values } = coarse.plan;
    const centroids = Array.from({ length: 16 }, (_, label) => ({
      label,
      vector: Float32Array.from({ length: dim }, (_, j) => grid.shift[j]! + Math.fround(values[label * dim + j]! / grid.scale)),
    }));
    const asked = prepared(queries);
    for (const nprobe of [1, 5, 16]) {
      const found = await coarse.probe(asked, nprobe);
      const right = rowsOf(asked, dim).map((query) => ranked(metric === 'ip' ? 'ip' : 'l2', centroids, query).slice(0, nprobe));
      for (const [q, nearest] of right.entries()) {
        expect(setOf(found.subarray(q * nprobe, (q + 1) * nprobe))).toEqual(setOf(nearest.map(({ label }) => label)));
      }
    }
    const lists = await coarse.assign(asked);
    for (const [q, query] of rowsOf(asked, dim).entries()) {
      const own = canonicalDistance('l2', query, centroids[lists[q]!]!.vector);
      expect(own, 'rows join the nearest list, but for the rounding to its grid').toBeLessThan(
        ranked('l2', centroids, query)[0]!.distance * 1.1 + 1e-3,
      );
    }
  });
});

const setOf = (labels: Iterable<number>) => [...labels].sort((a, b) => a - b);

function normalisedRows(vectors: Float32Array): Float32Array {
  return Float32Array.from(rowsOf(vectors, dim).flatMap((row) => [...row.map((x) => x / Math.hypot(...row))]));
}
