import { copyFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { readLabels } from '../../src/io/labels.ts';
import { readLines } from '../../src/io/lines.ts';
import { openVectors, readVectors } from '../../src/io/vector-source.ts';
import { expected, fixture, readBatches, Scratch } from './fixtures.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

const { floats, u8, i8, labels } = expected;
const doubled = u8.slice(0, 36).map((row) => [...row, ...row]);
const scaled = (factor: number) => i8.map((row) => row.map((value) => value * factor));

/** File, format, type of its numbers, and its rows. */
const vectorFiles: [string, string, string, number[][]][] = [
  ['a.fvecs', 'fvecs', 'f32', floats],
  ['a.bvecs', 'bvecs', 'u8', u8],
  ['a.fbin', 'fbin', 'f32', floats],
  ['a.u8bin', 'u8bin', 'u8', u8],
  ['a.i8bin', 'i8bin', 'i8', i8],
  ['f16.npy', 'npy', 'f16', floats],
  ['f32.npy', 'npy', 'f32', floats],
  ['f64.npy', 'npy', 'f64', floats],
  ['u8.npy', 'npy', 'u8', u8],
  ['i8.npy', 'npy', 'i8', i8],
  ['v2.npy', 'npy', 'f32', floats],
  ['v3.npy', 'npy', 'f32', floats],
  ['flat.npy', 'npy', 'f32', [floats[1]!]],
  ['cube-idx3-ubyte', 'idx', 'u8', doubled],
  ['cube-idx3-ubyte.gz', 'idx', 'u8', doubled],
  ['i8.idx', 'idx', 'i8', i8],
  ['i16.idx', 'idx', 'i16', scaled(256)],
  ['i32.idx', 'idx', 'i32', scaled(65536)],
  ['f32.idx', 'idx', 'f32', floats],
  ['f64.idx.gz', 'idx', 'f64', floats],
  ['ann.hdf5', 'hdf5', 'f32', floats],
  ['ann.hdf5#test', 'hdf5', 'f32', floats.slice(0, 3)],
  ['latest.h5', 'hdf5', 'f32', floats],
  ['types.hdf5#f64', 'hdf5', 'f64', floats],
  ['types.hdf5#f16', 'hdf5', 'f16', floats],
  ['types.hdf5#f32be', 'hdf5', 'f32', floats],
  ['types.hdf5#u8', 'hdf5', 'u8', u8],
  ['types.hdf5#bool', 'hdf5', 'i8', u8.map((row) => row.map((value) => Number(value > 127)))],
  ['types.hdf5#/group/zipped', 'hdf5', 'f32', floats],
  ['objects.jsonl', 'jsonl', 'f64', floats],
  ['objects.jsonl.gz', 'jsonl', 'f64', floats],
  ['objects.jsonl#vector', 'jsonl', 'f64', floats],
  ['crlf.ndjson', 'jsonl', 'f64', floats],
  ['arrays.jsonl', 'jsonl', 'f64', floats],
  ['snappy.parquet', 'parquet', 'f32', floats],
  ['snappy.parquet#fixed', 'parquet', 'f32', floats],
  ['snappy.parquet#double', 'parquet', 'f64', floats],
  ['snappy.parquet#half', 'parquet', 'f16', floats],
  ['snappy.parquet#bytes', 'parquet', 'u8', u8],
  ['snappy.parquet#tokens', 'parquet', 'i32', u8.map(() => [1, 2, 3])],
  ['snappy.parquet#nested.v', 'parquet', 'f32', floats],
  ['pages2.parquet', 'parquet', 'f32', floats],
  ['pages2.parquet#half', 'parquet', 'f16', floats],
  ['plain.parquet', 'parquet', 'f32', floats],
  ['gzip.parquet', 'parquet', 'f64', floats],
  ['brotli.parquet', 'parquet', 'f32', floats],
  ['split.parquet', 'parquet', 'f32', floats],
  ['required.parquet', 'parquet', 'f32', floats],
  ['duckdb.parquet', 'parquet', 'f32', floats],
  ['duckdb2.parquet#fixed', 'parquet', 'f32', floats],
];

describe.each(vectorFiles)('%s', (name, format, dtype, rows) => {
  const flat = rows.flat();
  const path = fixture(name);

  it('says what it is', async () => {
    const source = await openVectors(path);
    expect(source.format).toBe(format);
    expect(source.dtype).toBe(dtype);
    expect(source.dim).toBe(rows[0]!.length);
    expect(source.size).toBe(format === 'jsonl' ? undefined : rows.length);
    await source[Symbol.asyncDispose]();
  });

  it('gives the rows that were written, whole', async () => {
    const { vectors, n, dim } = await readVectors(path);
    expect([n, dim]).toEqual([rows.length, rows[0]!.length]);
    expect([...vectors]).toEqual(flat);
  });

  it.each([1, 7, 1000])('gives them in batches of %i', async (size) => {
    const { values, sizes } = await readBatches(path, { rows: size });
    expect(values).toEqual(flat);
    const full = Math.floor(rows.length / size);
    expect(sizes).toEqual([...new Array(full).fill(size), ...(rows.length % size ? [rows.length % size] : [])]);
  });

  it.each([0, 1, 9, 10, 11, 5000])('stops at a limit of %i', async (limit) => {
    const wanted = flat.slice(0, limit * rows[0]!.length);
    expect((await readBatches(path, { rows: 3, limit })).values).toEqual(wanted);
    expect([...(await readVectors(path, { limit })).vectors]).toEqual(wanted);
  });
});

describe.each(['a.ivecs', 'a.ibin', 'truth.ibin', 'truth10K', 'i32.npy', 'i64.npy', 'u64.npy', 'ann.hdf5#neighbors', 'types.hdf5#i64'])(
  'labels of %s',
  (name) => {
    it('are those that were written', async () => {
      const { labels: found, n, k } = await readLabels(fixture(name));
      expect([n, k]).toEqual([37, 4]);
      expect([...found]).toEqual(labels.flat());
    });
  },
);

it('takes a one-dimensional array as labels, one a row', async () => {
  expect(await readLabels(fixture('flat-labels.npy'))).toEqual({ labels: Int32Array.from(labels[0]!), n: 4, k: 1 });
  expect(await readLabels(fixture('types.hdf5#flat'))).toEqual({ labels: Int32Array.from([0, 1, 2, 3, 4, 5]), n: 6, k: 1 });
});

describe('names', () => {
  it('takes the field from the options too', async () => {
    expect((await readBatches(fixture('ann.hdf5'), { field: 'test' })).values).toEqual(floats.slice(0, 3).flat());
  });

  it('prefers a file that exists with # in its name', async () => {
    const path = scratch.at('a#b.fvecs');
    copyFileSync(fixture('a.fvecs'), path);
    expect([...(await readVectors(path)).vectors]).toEqual(floats.flat());
  });

  it('knows the first part of a set of big-ann-benchmarks, as it is named there', async () => {
    const path = scratch.at('base.1B.fbin.crop_nb_10000000');
    copyFileSync(fixture('a.fbin'), path);
    expect([...(await readVectors(path)).vectors]).toEqual(floats.flat());
  });

  it('does not mind capitals', async () => {
    const path = scratch.at('A.FVECS');
    copyFileSync(fixture('a.fvecs'), path);
    expect((await readVectors(path)).n).toBe(37);
  });
});

describe('a source', () => {
  it('can be read again, and by two readers at a time', async () => {
    const source = await openVectors(fixture('a.fvecs'));
    const [first, second] = [source.batches({ rows: 5 }), source.batches({ rows: 5 })].map((batches) => batches[Symbol.asyncIterator]());
    for (let start = 0; start < 35; start += 5) {
      const wanted = floats.slice(start, start + 5).flat();
      expect([...(await first!.next()).value]).toEqual(wanted);
      expect([...(await second!.next()).value]).toEqual(wanted);
    }
    await source.close();
  });

  it('gives batches in memory of their own', async () => {
    const source = await openVectors(fixture('a.fvecs'));
    const buffers = new Set<unknown>();
    for await (const batch of source.batches({ rows: 2 })) {
      expect(batch.buffer.byteLength).toBe(batch.byteLength);
      buffers.add(batch.buffer);
    }
    expect(buffers.size).toBe(19);
    await source.close();
  });
});

describe('readLines', () => {
  it.each([
    ['a\nb\n', ['a', 'b']],
    ['a\r\nb', ['a', 'b']],
    ['\uFEFFa\n\nb\n', ['a', '', 'b']],
    ['ключ\n\n', ['ключ', '']],
  ])('splits %j', async (text, lines) => {
    expect(await readLines(scratch.file('ids.txt', text))).toEqual(lines);
    expect(await readLines(scratch.file('ids.txt.gz', gzipSync(text)))).toEqual(lines);
  });

  it('joins lines that go over the pieces of the stream', async () => {
    const lines = Array.from({ length: 50000 }, (_, i) => `key ${i} ${'x'.repeat(i % 37)}`);
    expect(await readLines(scratch.file('many.txt', lines.join('\r\n')))).toEqual(lines);
  });
});
