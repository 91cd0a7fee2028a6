/** Bits of hyperplanes: Hamming distances against counting bits, one answer on all engines, files. */
import { describe, expect, it } from 'vitest';
import type { Metric } from '../../src/index/vector-index.ts';
import { fromBytes } from '../../src/node.ts';
import { enginesHere } from '../contract/engines.ts';
import { coded, dim, engine, filled, many, queries } from './coded-fixture.ts';
import { expectSameBytes, expectSameNeighbors } from './helpers.ts';

const n = many.length / dim;
const metrics: readonly Metric[] = ['l2', 'ip', 'cosine'];

/** Codes and hyperplanes as the file has them. */
function parse(bytes: Uint8Array, nBits: number) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const headerBytes = view.getUint32(8, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(16, 16 + headerBytes)));
  const at: Record<string, number> = {};
  let offset = 16 + headerBytes;
  for (const { name, dtype, length } of header.sections) {
    at[name] = offset;
    offset += Math.ceil((length * (dtype === 'i8' ? 1 : 4)) / 64) * 64;
  }
  const stride = Math.ceil(nBits / 32) * 4;
  const plane = (i: number, j: number) => view.getInt16(at.planes! + 2 * (i * dim + j), true);
  const mean = (j: number) => view.getFloat32(at.planeMean! + 4 * j, true);
  const bit = (row: number, i: number) => (bytes[at.codes! + row * stride + (i >> 3)]! >> (i & 7)) & 1;
  return { plane, mean, bit };
}

/** On which side of hyperplane i a vector lies; undefined where it is too near to say. */
function sideOf({ plane, mean }: ReturnType<typeof parse>, vector: Float32Array, i: number): number | undefined {
  let [sum, norm] = [0, 0];
  for (let j = 0; j < dim; j++) {
    const x = vector[j]! - mean(j);
    sum += plane(i, j) * x;
    norm += x * x;
  }
  if (Math.abs(sum) < 32 * Math.sqrt(norm)) return undefined;
  return sum >= 0 ? 1 : 0;
}

describe('LSH', () => {
  it.each([16, 45, 64])('with %i bits finds the least Hamming distances', async (nBits) => {
    using index = await filled(`LSH${nBits}`);
    const file = parse(await index.toBytes(), nBits);
    let unsure = 0;
    for (let row = 0; row < 100; row++) {
      for (let i = 0; i < nBits; i++) {
        const side = sideOf(file, many.subarray(row * dim, (row + 1) * dim), i);
        if (side === undefined) unsure++;
        else expect(file.bit(row, i), `row ${row}, bit ${i}`).toBe(side);
      }
    }
    expect(unsure).toBeLessThan(nBits);
    // Rows as queries: their bits are known exactly.
    const asked = many.slice(0, 5 * dim);
    const { labels, distances, distancesOf } = await index.search(asked, { k: 20 });
    expect(distancesOf).toBe('codes');
    for (let q = 0; q < 5; q++) {
      const all = Array.from({ length: n }, (_, row) => {
        let apart = 0;
        for (let i = 0; i < nBits; i++) if (file.bit(q, i) !== file.bit(row, i)) apart++;
        return { row, apart };
      });
      all.sort((a, b) => a.apart - b.apart || a.row - b.row);
      expect([...distances.subarray(q * 20, (q + 1) * 20)]).toEqual(all.slice(0, 20).map(({ apart }) => apart));
      expect([...labels.subarray(q * 20, (q + 1) * 20)]).toEqual(all.slice(0, 20).map(({ row }) => row));
    }
  });

  it('finds most neighbours when vectors settle the order, for each metric', async () => {
    for (const metric of metrics) {
      using exact = await filled('SQ8,RFlat', many, { metric, refineFactor: 100 });
      using index = await filled('LSH128,RFlat', many, { metric, refineFactor: 20 });
      const truth = await exact.search(queries, { k: 10 });
      const found = await index.search(queries, { k: 10 });
      const hits = found.distances.filter((distance, i) => distance <= truth.distances[Math.floor(i / 10) * 10 + 9]!).length;
      expect(hits / found.labels.length, metric).toBeGreaterThan(0.8);
    }
  });

  it('is the same on all engines, and as a file', async () => {
    using here = await filled('LSH40', many, { metric: 'l2' });
    const bytes = await here.toBytes();
    const right = await here.search(queries, { k: 7, filter: (label) => label % 3 > 0 });
    for (const { name, open } of await enginesHere()) {
      using other = await open();
      using index = coded('LSH40', { metric: 'l2' }, other);
      await index.train(many);
      await index.add(many.subarray(0, 500 * dim));
      await index.add(many.subarray(500 * dim));
      expectSameBytes(await index.toBytes(), bytes, name);
      expectSameNeighbors(await index.search(queries, { k: 7, filter: (label) => label % 3 > 0 }), right, name);
    }
    using again = await fromBytes(bytes, { engine });
    expectSameNeighbors(await again.search(queries, { k: 7, filter: (label) => label % 3 > 0 }), right, 'read');
    expect(again.description).toBe('LSH40');
  });
});
