/** The sets of ann-benchmarks, written by h5py, and files of HDF5 that we write ourselves. */
import { afterAll, describe, expect, it } from 'vitest';
import { annDistanceOf, metricOfFile } from '../../src/io/ann-benchmarks.ts';
import { writeHdf5 } from '../../src/io/hdf5-write.ts';
import { readLabels } from '../../src/io/labels.ts';
import { readVectors } from '../../src/io/vector-source.ts';
import { expectError, fixture, Scratch } from './fixtures.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const SET = fixture('angular.hdf5');

describe('a set of ann-benchmarks', () => {
  it('has vectors, true neighbours and their distances', async () => {
    expect(await readVectors(`${SET}#train`)).toMatchObject({ n: 200, dim: 12 });
    const { vectors: queries, n } = await readVectors(`${SET}#test`);
    const { labels, k } = await readLabels(`${SET}#neighbors`);
    const { vectors: distances } = await readVectors(`${SET}#distances`);
    expect([n, k, labels.length, distances.length]).toEqual([30, 20, 600, 600]);
    const { vectors: rows } = await readVectors(SET);
    const at = (values: Float32Array, i: number) => [...values.subarray(i * 12, i * 12 + 12)];
    const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    for (let i = 0; i < 600; i += 7) {
      const [query, row] = [at(queries, Math.floor(i / 20)), at(rows, labels[i]!)];
      expect(distances[i]).toBeCloseTo(1 - dot(query, row) / Math.sqrt(dot(query, query) * dot(row, row)), 6);
    }
  });

  it('says how its vectors are compared', async () => {
    expect(await annDistanceOf(SET)).toBe('angular');
    expect(await metricOfFile(`${SET}#test`)).toBe('cosine');
    for (const name of ['ann.hdf5', 'types.hdf5#f64', 'a.fvecs', 'f32.npy']) expect(await metricOfFile(fixture(name))).toBeUndefined();
  });

  it.each([
    ['euclidean', 'l2'],
    ['angular', 'cosine'],
    ['hamming', 'l2'],
    ['dot', 'ip'],
    ['toString', undefined],
    [7, undefined],
  ])('%s is %s', async (distance, metric) => {
    const path = scratch.at('set.hdf5');
    await writeHdf5(path, { attributes: { distance }, datasets: {} });
    expect(await metricOfFile(path)).toBe(metric);
  });

  it('is refused where it compares sets, or is damaged', async () => {
    const path = scratch.at('jaccard.hdf5');
    await writeHdf5(path, { attributes: { distance: 'jaccard' }, datasets: {} });
    await expectError(metricOfFile(path), 'bad-file', 'jaccard.hdf5', 'compared by jaccard', 'give --metric');
    await expectError(metricOfFile(scratch.at('none.hdf5')), 'bad-file', 'no such file');
    await expectError(metricOfFile(scratch.file('bad.hdf5', 'not HDF5')), 'bad-file', 'not an HDF5 file');
  });
});

describe('writeHdf5', () => {
  it('writes what is read again', async () => {
    const path = scratch.at('out.hdf5');
    const values = Float32Array.of(1, Infinity, -0, 3);
    const datasets = { x: { values, shape: [2, 2] }, labels: { values: Int32Array.of(5, -1), shape: [1, 2] } };
    await writeHdf5(path, { attributes: { distance: 'euclidean', n: 3, share: 0.5, none: Number.NaN, yes: true }, datasets });
    expect([...(await readVectors(`${path}#x`)).vectors]).toEqual([...values]);
    expect(await readLabels(`${path}#labels`)).toEqual({ labels: Int32Array.of(5, -1), n: 1, k: 2 });
    expect(await annDistanceOf(path)).toBe('euclidean');
  });

  it('leaves nothing behind where it fails', async () => {
    await expectError(writeHdf5(scratch.at('no/out.hdf5'), { attributes: {}, datasets: {} }), 'bad-file', 'no/out.hdf5', 'ENOENT');
    expect(scratch.names()).not.toContain('no');
  });
});
