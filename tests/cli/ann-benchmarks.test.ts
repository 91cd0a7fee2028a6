/** A set of ann-benchmarks from the file to its results; and ground truths of big-ann-benchmarks. */
import { copyFileSync, existsSync } from 'node:fs';
import { File, ready } from 'h5wasm/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeHdf5 } from '../../src/io/hdf5-write.ts';
import { readLabels, readTruth } from '../../src/io/labels.ts';
import { readVectors } from '../../src/io/vector-source.ts';
import { pythonWith, run } from '../integrations/python.ts';
import { fixture } from '../io/fixtures.ts';
import { isodex, scratchFolder } from './cli.ts';

const scratch = scratchFolder();
const CPU = ['--engine', 'cpu', '--threads', '1'];
const SET = scratch.at('tiny-12-angular.hdf5');
const flat = scratch.at('flat.isodex');
const graph = scratch.at('graph.isodex');
const codes = scratch.at('codes.isodex');
const results = scratch.at('results');

beforeAll(async () => {
  copyFileSync(fixture('angular.hdf5'), SET);
  for (const [out, ...args] of [[flat], [graph, '--index', 'HNSW4', '--ef-construction', '10'], [codes, '--index', 'SQ4']]) {
    expect(await isodex(['build', `${SET}#train`, '--out', out!, ...args, ...CPU])).toMatchObject({ code: 0 });
  }
});
afterAll(() => scratch.remove());

const evaluate = (index: string, ...args: string[]) =>
  isodex(['eval', index, `${SET}#test`, '--truth', `${SET}#neighbors`, ...CPU, ...args]);
const evaluateJson = async (index: string, ...args: string[]) => {
  const { code, stdout, stderr } = await evaluate(index, '--json', ...args);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
};

describe('a set of ann-benchmarks', () => {
  it('says by which metric an index is built', async () => {
    const { stdout } = await isodex(['info', flat, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ metric: 'cosine', size: 200, dim: 12 });
  });

  it('is told from another metric that was given', async () => {
    const out = scratch.at('l2.isodex');
    const { code, stdout, stderr } = await isodex(['build', `${SET}#train`, '--metric', 'l2', '--out', out, ...CPU]);
    expect([code, stdout]).toEqual([0, expect.stringContaining('Flat, l2, 200 rows')]);
    expect(stderr).toMatch(/says that its vectors are compared by angular, which is --metric cosine; they are compared by l2\n/);
    const given = await isodex(['build', `${SET}#train`, '--metric', 'cosine', '--out', out, ...CPU]);
    expect(given).toMatchObject({ code: 0, stderr: '' });
  });

  it('of a distance that there is not is refused, unless a metric is given', async () => {
    const path = scratch.at('sets.hdf5');
    await writeHdf5(path, {
      attributes: { distance: 'jaccard' },
      datasets: { train: { values: Float32Array.of(1, 2, 3, 4), shape: [2, 2] } },
    });
    const args = ['build', path, '--out', scratch.at('sets.isodex'), ...CPU];
    expect(await isodex(args)).toMatchObject({ code: 1, stderr: expect.stringMatching(/compared by jaccard, .*give --metric/) });
    const { code, stderr } = await isodex([...args, '--metric', 'l2']);
    expect([code, stderr]).toEqual([0, expect.stringMatching(/compared by jaccard; they are compared by l2/)]);
  });

  it('brings its truth', async () => {
    expect(await evaluateJson(flat)).toMatchObject({ recall: 1, hits: 300, possible: 300 });
  });
});

/** Datasets and attributes of a result file. */
async function readResult(path: string) {
  await ready;
  const file = new File(path, 'r');
  try {
    const attributes = Object.fromEntries(Object.entries(file.attrs).map(([name, { value }]) => [name, value]));
    const shapes = Object.fromEntries(file.keys().map((name) => [name, (file.get(name) as { shape: number[] }).shape]));
    return { attributes, shapes };
  } finally {
    file.close();
  }
}

describe('eval --ann-benchmarks', () => {
  it('writes what ann-benchmarks writes, of single queries and of the batch', async () => {
    const { annBenchmarks } = await evaluateJson(graph, '--ef-search', '10', '--ann-benchmarks', results, '--build-time', '1.5s');
    const folder = `${results}/tiny-12-angular/10`;
    const name = 'graph_HNSW4_cosine_ef_search_10.hdf5';
    expect(annBenchmarks.files).toEqual([`${folder}/isodex/${name}`, `${folder}/isodex-batch/${name}`]);
    for (const [i, path] of annBenchmarks.files.entries()) {
      const { attributes, shapes } = await readResult(path);
      expect(shapes).toEqual({ times: [30], neighbors: [30, 10], distances: [30, 10] });
      expect(attributes).toMatchObject({
        algo: 'isodex',
        name: 'Isodex(HNSW4, ef_search=10)',
        dataset: 'tiny-12-angular',
        distance: 'angular',
        count: 10,
        candidates: 10,
        batch_mode: i,
        expect_extra: 0,
        build_time: 1.5,
        index_size: expect.any(Number),
      });
      const { vectors: times } = await readVectors(`${path}#times`);
      expect(times.every((seconds) => seconds > 0)).toBe(true);
      expect(attributes.best_search_time).toBeCloseTo(times.reduce((sum, seconds) => sum + seconds, 0) / 30, 6);
      expect(attributes.run_count).toBeGreaterThanOrEqual(1);
    }
  });

  it('keeps distances of the vectors, whatever the index measures by', async () => {
    const exact = await evaluateJson(flat, '--ann-benchmarks', results);
    expect(exact.annBenchmarks).toMatchObject({ recall: 1, epsilon01: 1, epsilon10: 1 });
    const path = exact.annBenchmarks.files[0];
    const { vectors: truth } = await readVectors(`${SET}#distances`);
    const { vectors: found } = await readVectors(`${path}#distances`);
    for (let i = 0; i < found.length; i++) expect(found[i]).toBeCloseTo(truth[Math.floor(i / 10) * 20 + (i % 10)]!, 6);
    expect((await readLabels(`${path}#neighbors`)).labels.length).toBe(300);
    const coded = await evaluateJson(codes, '--ann-benchmarks', results);
    expect(coded.distancesOf).toBe('codes');
    expect(coded.annBenchmarks.recall).toBeCloseTo(coded.recall, 2);
    expect(coded.annBenchmarks.epsilon10).toBeGreaterThan(coded.annBenchmarks.recall);
  });

  it('tells people too, and asks for one thread', async () => {
    const { stdout, stderr } = await evaluate(flat, '--ann-benchmarks', results, '--limit', '7');
    expect(stdout).toMatch(
      /ann-benchmarks +recall 1\.0000 by its definition, 1\.0000 within 1 %, 1\.0000 within 10 %\nresults +\S+isodex\/flat_Flat_cosine\.hdf5\n/,
    );
    expect(stderr).toBe('');
    const threads = await evaluate(flat, '--ann-benchmarks', results, '--threads', '2');
    expect(threads.stderr).toMatch(/give --engine cpu --threads 1 to be compared/);
  });

  it.each([
    [['eval', flat, SET, '--truth', 'compute'], /are no queries of a set of ann-benchmarks; give SET\.hdf5#test/],
    [['eval', flat, `${fixture('ann.hdf5')}#test`, '--truth', 'compute'], /are no queries of a set/],
    [['eval', flat, `${SET}#test`, '--truth', 'compute', '--k', '21'], /20 true neighbours of each query; give --k 20 at most/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await isodex([...args, '--ann-benchmarks', scratch.at('none'), ...CPU]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
    expect(existsSync(scratch.at('none'))).toBe(false);
  });

  it('refuses an index of other rows, and a time for nothing', async () => {
    const other = scratch.at('other.isodex');
    await isodex(['build', `${SET}#train`, '--out', scratch.at('whole.isodex'), ...CPU]);
    const smaller = scratch.at('smaller.hdf5');
    const [test, distances] = [await readVectors(`${SET}#test`), await readVectors(`${SET}#distances`)];
    const { vectors } = await readVectors(SET);
    await writeHdf5(smaller, {
      attributes: { distance: 'angular' },
      datasets: {
        train: { values: vectors.subarray(0, 600), shape: [50, 12] },
        test: { values: test.vectors, shape: [30, 12] },
        distances: { values: distances.vectors, shape: [30, 20] },
      },
    });
    const { stderr } = await isodex(['eval', flat, `${smaller}#test`, '--truth', 'compute', '--ann-benchmarks', other, ...CPU]);
    expect(stderr).toMatch(/found row \d+, and \S+smaller\.hdf5#train has 50; give an index built from it/);
    expect((await evaluate(flat, '--build-time', '3s')).stderr).toMatch(/--build-time is for results of ann-benchmarks/);
  });

  /** What ann-benchmarks' own plots would show, from the two files alone. */
  const SCRIPT = `
import json, sys, h5py, numpy as np
with h5py.File(sys.argv[1], "r") as data, h5py.File(sys.argv[2], "r+") as run:
    about = {name: value if isinstance(value, str) else value.item() for name, value in run.attrs.items()}
    kth = data["distances"][:, about["count"] - 1 : about["count"]].astype(float)
    found, labels = run["distances"][:], run["neighbors"][:]
    train, test = data["train"][:].astype(float), data["test"][:].astype(float)
    cosines = 1 - np.einsum("qd,qkd->qk", test, train[labels]) / (
        np.linalg.norm(test, axis=1)[:, None] * np.linalg.norm(train[labels], axis=2))
    run.create_group("metrics").attrs["written"] = 1
    print(json.dumps({
        "about": about, "types": [str(run[name].dtype) for name in ("times", "neighbors", "distances")],
        "recall": np.mean(found <= kth + 1e-3), "epsilon01": np.mean(found <= kth * 1.01), "epsilon10": np.mean(found <= kth * 1.1),
        "off": float(np.abs(cosines - found).max()), "single": bool(False == run.attrs["batch_mode"])}))
`;

  it('is read by h5py, and recall is what NumPy makes of it', async ({ skip }) => {
    const python = await pythonWith(['numpy', 'h5py'], skip);
    for (const index of [graph, codes]) {
      const { annBenchmarks } = await evaluateJson(index, '--ann-benchmarks', scratch.at('for-python'), '--k', '5', '--build-time', '2s');
      const { stdout } = await run(python, ['-c', SCRIPT, SET, annBenchmarks.files[0]]);
      const theirs = JSON.parse(stdout);
      expect(theirs).toMatchObject({ types: ['float32', 'int32', 'float32'], single: true, about: { algo: 'isodex', count: 5 } });
      for (const name of ['recall', 'epsilon01', 'epsilon10']) expect(theirs[name]).toBeCloseTo(annBenchmarks[name], 9);
      expect(theirs.off).toBeLessThan(1e-6);
    }
  });
});

describe('a ground truth of big-ann-benchmarks', () => {
  it('is written by search and read by eval', async () => {
    const out = scratch.at('truth.ibin');
    const args = [`${SET}#test`, '--k', '20', ...CPU];
    expect(await isodex(['search', flat, ...args, '--format', 'ibin', '--out', out])).toMatchObject({ code: 0, stdout: '' });
    const found = JSON.parse((await isodex(['search', flat, ...args, '--format', 'json'])).stdout);
    const truth = await readTruth(out);
    expect(truth).toMatchObject({ n: 30, k: 20 });
    expect([...truth.labels]).toEqual(found.labels.flat());
    expect([...truth.distances]).toEqual(found.distances.flat());
    const { stdout } = await isodex(['eval', graph, `${SET}#test`, '--truth', out, '--json', '--ef-search', '200', ...CPU]);
    expect(JSON.parse(stdout)).toMatchObject({ recall: 1 });
    expect((await isodex(['search', flat, ...args, '--format', 'ibin'])).stderr).toMatch(/needs --out NAME\.ibin; the distances follow/);
    expect((await isodex(['search', flat, ...args, '--out', out])).stderr).toMatch(/give --format ibin/);
  });
});
