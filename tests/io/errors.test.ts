import { chmodSync, copyFileSync, mkdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { readLabels, readTruth } from '../../src/io/labels.ts';
import { readLines } from '../../src/io/lines.ts';
import { openVectors, readVectors } from '../../src/io/vector-source.ts';
import { expectError, fixture, Scratch } from './fixtures.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** A little-endian file of 32-bit integers. */
function ints(name: string, ...values: number[]): string {
  return scratch.file(name, new Uint8Array(Int32Array.from(values).buffer));
}

function renamed(name: string, to: string): string {
  copyFileSync(fixture(name), scratch.at(to));
  return scratch.at(to);
}

describe('any file', () => {
  it('that is missing, a folder or empty', async () => {
    await expectError(openVectors(scratch.at('no.fvecs')), 'bad-file', 'no.fvecs', 'no such file');
    await expectError(readLines(scratch.at('no.txt')), 'bad-file', 'no.txt', 'no such file');
    mkdirSync(scratch.at('folder.fvecs'));
    await expectError(openVectors(scratch.at('folder.fvecs')), 'bad-file', 'directory');
    for (const name of ['e.fvecs', 'e.fbin', 'e.npy', 'e.idx', 'e.idx.gz', 'e.h5', 'e.jsonl', 'e.parquet']) {
      await expectError(openVectors(scratch.file(name, '')), 'bad-file', name, 'empty', '0 bytes');
    }
  });

  it.skipIf(process.getuid?.() === 0)('that this user may not read', async () => {
    const path = scratch.file('secret.fvecs', 'x');
    chmodSync(path, 0);
    await expectError(openVectors(path), 'bad-file', 'may not read');
  });

  it('of an unknown name, listing the names that are known', async () => {
    await expectError(openVectors('x.csv'), 'bad-argument', 'x.csv', '.fvecs', '.npy', '.parquet', '.hdf5', '.jsonl', '-ubyte');
    await expectError(openVectors('x.fvecs.gz'), 'bad-argument', 'unpack');
    await expectError(readLabels('x.fvecs'), 'bad-argument', '.ivecs', '.ibin');
    await expectError(openVectors('x.ivecs'), 'bad-argument', 'x.ivecs');
  });

  it('whose content is of another format than its name says', async () => {
    await expectError(openVectors(renamed('f32.npy', 'wrong.fvecs')), 'bad-file', 'wrong.fvecs', 'npy', 'rename');
    await expectError(openVectors(renamed('ann.hdf5', 'wrong.parquet')), 'bad-file', 'hdf5');
    await expectError(openVectors(renamed('plain.parquet', 'wrong.jsonl')), 'bad-file', 'parquet');
    await expectError(openVectors(renamed('a.fvecs', 'wrong.npy')), 'bad-file', 'not a npy file');
    await expectError(openVectors(renamed('a.fvecs', 'wrong.h5')), 'bad-file', 'not an HDF5 file');
    await expectError(openVectors(renamed('a.fvecs', 'wrong.parquet')), 'bad-file', 'not a Parquet file');
    await expectError(openVectors(renamed('a.fvecs', 'wrong.idx')), 'bad-file', 'not IDX', '05 00 00 00');
    await expectError(openVectors(renamed('a.fvecs', 'wrong.fbin')), 'bad-file', '888 bytes', 'not fbin');
    await expectError(openVectors(renamed('a.fbin', 'wrong.fvecs')), 'bad-file', '748 bytes', 'not fvecs');
    await expectError(openVectors(renamed('a.fvecs', 'wrong.jsonl')), 'bad-file', 'line 1');
  });

  it('with a part, where the format has none', async () => {
    await expectError(openVectors(`${fixture('a.fvecs')}#x`), 'bad-argument', 'no parts', '"x"');
    await expectError(openVectors(`${fixture('ann.hdf5')}#`), 'bad-argument', 'names no part');
    await expectError(openVectors(`${fixture('ann.hdf5')}#test`, { field: 'train' }), 'bad-argument', 'test', 'train');
  });
});

describe('options', () => {
  it('that are not counts', async () => {
    const source = await openVectors(fixture('a.fvecs'));
    const first = (options: object) => source.batches(options)[Symbol.asyncIterator]().next();
    await expectError(first({ rows: 0 }), 'bad-argument', 'rows is 0');
    await expectError(first({ rows: 1.5 }), 'bad-argument', 'rows is 1.5');
    await expectError(first({ limit: -1 }), 'bad-argument', 'limit is -1');
    await source.close();
    await source.close();
    await expectError(first({}), 'bad-argument', 'was closed');
  });
});

describe('vecs', () => {
  it('of a size that is not made of rows', async () => {
    const path = scratch.file('cut.fvecs', Buffer.concat([Buffer.from([128, 0, 0, 0]), Buffer.alloc(999)]));
    await expectError(
      openVectors(path),
      'bad-file',
      /cut\.fvecs is 1003 bytes, which is not a multiple of the 516-byte rows .* 128, implies/,
    );
  });

  it('of a dimension below 1', async () => {
    await expectError(openVectors(ints('zero.fvecs', 0, 0)), 'bad-file', 'dimension 0');
    await expectError(openVectors(ints('minus.fvecs', -3, 0)), 'bad-file', 'dimension -3');
  });

  it('whose rows differ', async () => {
    await expectError(readVectors(ints('rows.fvecs', 1, 7, 1, 7, 3, 7)), 'bad-file', 'row 2', 'dimension 3', 'have 1');
    await expectError(readLabels(ints('rows.ivecs', 1, 7, 2, 7)), 'bad-file', 'row 1', 'dimension 2');
  });
});

describe('bin', () => {
  it('of another size than its header says', async () => {
    await expectError(
      openVectors(ints('short.fbin', 2, 2, 0, 0, 0)),
      'bad-file',
      '20 bytes',
      '2 rows of dimension 2',
      '24 bytes',
      'truncated',
    );
    await expectError(openVectors(ints('long.fbin', 1, 1, 0, 0)), 'bad-file', '16 bytes', '12 bytes', 'too long');
    await expectError(openVectors(ints('wide.fbin', 7, 0)), 'bad-file', 'dimension 0');
    await expectError(readLabels(ints('truth.ibin', 1, 2, 0, 0, 0)), 'bad-file', '20 bytes', '16 bytes', 'with distances', '24');
    await expectError(readTruth(ints('labels.ibin', 1, 2, 0, 0)), 'bad-file', '1 rows of 2 labels without distances', 'readLabels');
  });

  it('of the truth of a range search', async () => {
    // 3 queries with 2, 0 and 3 results: labels, then distances
    const path = ints('ranges.ibin', 3, 5, 2, 0, 3, 10, 11, 12, 13, 14, 0, 0, 0, 0, 0);
    await expectError(readLabels(path), 'bad-file', 'range search', '5 results of 3 queries', 'k-nearest-neighbour');
    await expectError(readTruth(path), 'bad-file', 'range search');
    const other = ints('no-ranges.ibin', 3, 5, 2, 1, 3, 10, 11, 12, 13, 14, 0, 0, 0, 0, 0);
    await expectError(readLabels(other), 'bad-file', 'truncated or holds no labels');
    await expectError(readLabels(ints('truth', 1, 2, 0, 0, 0)), 'bad-file', '20 bytes');
  });
});

describe('npy', () => {
  it.each([
    ['fortran.npy', 'Fortran order', 'ascontiguousarray'],
    ['big-endian.npy', "'>f4'", 'astype'],
    ['complex.npy', "'<c8'", '<f4'],
    ['record.npy', 'record', '<f4'],
    ['cube.npy', '2, 2, 2', 'reshape'],
    ['i32.npy', 'i32', 'readLabels'],
  ])('%s', async (name, ...parts) => {
    await expectError(openVectors(fixture(name)), 'bad-file', name, ...parts);
  });

  it('of a damaged header', async () => {
    const text = (from: string, to: string) => (bytes: Buffer) => Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1');
    await expectError(
      openVectors(scratch.changed('f32.npy', text('(37, 5)', '(38, 5)'))),
      'bad-file',
      '868 bytes',
      '888 bytes',
      'truncated',
    );
    await expectError(openVectors(scratch.changed('f32.npy', text('(37, 5)', '(3x, 5)'))), 'bad-file', '3x, 5', 'not one');
    await expectError(openVectors(scratch.changed('f32.npy', text('(37, 5)', '(-7, 5)'))), 'bad-file', '-7, 5');
    await expectError(openVectors(scratch.changed('f32.npy', text('(37, 5)', '(37, 0)'))), 'bad-file', 'dimension 0');
    await expectError(openVectors(scratch.changed('f32.npy', text('shape', 'shade'))), 'bad-file', 'no shape');
    await expectError(openVectors(scratch.changed('f32.npy', (bytes) => bytes.fill(9, 6, 7))), 'bad-file', 'version 9');
  });

  it('with labels that are not labels', async () => {
    await expectError(readLabels(fixture('f32.npy')), 'bad-file', 'f32', 'integers');
    const path = scratch.changed('i64.npy', (bytes) => {
      bytes.writeBigInt64LE(2n ** 40n, 128 + 8 * 6);
      return bytes;
    });
    await expectError(readLabels(path), 'bad-file', 'row 1, column 2', '1099511627776');
  });
});

describe('idx', () => {
  it('of another size than its header says', async () => {
    await expectError(
      openVectors(scratch.changed('i8.idx', (bytes) => bytes.subarray(0, 100))),
      'bad-file',
      '100 bytes',
      '197 bytes',
      'truncated',
    );
    await expectError(openVectors(scratch.file('far.idx', Buffer.from([0, 0, 8, 9, 0]))), 'bad-file', '5 bytes', '40', 'truncated');
    const short = scratch.file('short.idx.gz', gzipSync(Buffer.from([0, 0, 8, 1, 0, 0, 0, 9, 1, 2])));
    await expectError(readVectors(short), 'bad-file', '10 bytes when unpacked', '17 bytes', 'truncated');
    const long = scratch.file('long.idx.gz', gzipSync(Buffer.from([0, 0, 8, 1, 0, 0, 0, 1, 1, 2])));
    await expectError(readVectors(long), 'bad-file', '10 bytes when unpacked', '9 bytes', 'too long');
    const bomb = scratch.file('claims.idx.gz', gzipSync(Buffer.from([0, 0, 14, 2, 255, 255, 255, 255, 255, 255, 255, 255])));
    await expectError(readVectors(bomb), 'bad-file', 'gzipped', 'truncated');
  });

  it('of an unknown type, and of numbers that f32 does not hold', async () => {
    await expectError(openVectors(scratch.file('t.idx', Buffer.from([0, 0, 10, 1, 0, 0, 0, 1, 0]))), 'bad-file', '00 00 0a 01');
    const path = scratch.file('big.idx', Buffer.from([0, 0, 12, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 1, 0, 0, 1]));
    await expectError(readVectors(path), 'bad-file', 'row 0, column 1', '16777217');
  });

  it('whose gzip data is damaged', async () => {
    const path = scratch.changed('cube-idx3-ubyte.gz', (bytes) => bytes.fill(0xff, 60, 90));
    await expectError(readVectors(path), 'bad-file', 'cube-idx3-ubyte.gz', 'gzip');
  });
});

describe('hdf5', () => {
  it('without the dataset, listing those there are', async () => {
    await expectError(openVectors(`${fixture('ann.hdf5')}#no`), 'bad-file', 'dataset no', 'train [37, 5]', 'neighbors [37, 4]', '#NAME');
    await expectError(openVectors(`${fixture('ann.hdf5')}#train/x`), 'bad-file', 'train/x');
    await expectError(openVectors(fixture('types.hdf5')), 'bad-file', 'dataset train', 'group/zipped [37, 5]');
    await expectError(openVectors(`${fixture('types.hdf5')}#cube`), 'bad-file', 'cube');
    await expectError(openVectors(`${fixture('types.hdf5')}#text`), 'bad-file', 'text');
  });

  it('of labels read as vectors, and the reverse', async () => {
    await expectError(openVectors(`${fixture('ann.hdf5')}#neighbors`), 'bad-file', '#neighbors', 'i32', 'readLabels');
    await expectError(readLabels(`${fixture('ann.hdf5')}#train`), 'bad-file', '#train', 'f32');
  });

  it('with a compression that is not known', async () => {
    await expectError(readVectors(`${fixture('types.hdf5')}#lzf`), 'bad-file', 'types.hdf5', 'HDF5 says');
  });

  it('after which others can still be read', async () => {
    expect((await readVectors(`${fixture('ann.hdf5')}`)).n).toBe(37);
  });
});

describe('jsonl', () => {
  it.each([
    ['{"vector":[1,2]}\n{"vector":[1]}', ['line 2', '1 numbers', 'have 2']],
    ['{"vector":[1,2]}\n\n{"x":[1,2]}', ['line 3', '"vector" or "embedding"', 'fields are: x']],
    ['{"vector":[1,null]}', ['line 1, column 1', 'null', 'not a number']],
    ['[1,"2"]', ['line 1, column 1', '"2"']],
    ['[1,[2]]', ['line 1, column 1', '[2]']],
    ['{"vector":"no"}', ['line 1', 'not an array']],
    ['{"vector":[]}', ['line 1', 'dimension 0']],
    ['{"vector":[1, NaN]}', ['line 1', 'not JSON']],
    ['[1]\n{"vector":[1', ['line 2', 'not JSON']],
    ['7', ['line 1', 'an object']],
    ['null', ['line 1', 'null']],
    ['\n \n', ['no lines with vectors']],
  ])('%j', async (text, parts) => {
    await expectError(
      readVectors(scratch.file('x.jsonl', text)),
      'bad-file',
      'x.jsonl',
      ...parts.map((part) => new RegExp(part.replace(/[[\]]/g, '\\$&'))),
    );
  });

  it('without the field that was asked for', async () => {
    const path = scratch.file('f.jsonl', '{"vector":[1],"toString":0}');
    await expectError(openVectors(path, { field: 'other' }), 'bad-file', 'line 1', '"other"', 'vector, toString');
    await expectError(openVectors(`${path}#valueOf`), 'bad-file', '"valueOf"');
  });

  it('that is not UTF-8 or not lines', async () => {
    await expectError(readVectors(scratch.file('l.jsonl', Buffer.from('[1]\n["\xff"]', 'latin1'))), 'bad-file', 'line 2', 'UTF-8');
    await expectError(
      readLines(scratch.file('one.txt', Buffer.alloc((1 << 26) + (1 << 19), 'x'))),
      'bad-file',
      'line 1',
      'not made of lines',
    );
  });
});

describe('parquet', () => {
  it('without the column, listing those there are', async () => {
    const lists = 'tokens, emb, fixed, double, half, bytes, nested.v, holes, ragged';
    await expectError(openVectors(`${fixture('snappy.parquet')}#id`), 'bad-file', 'column id', lists, 'text');
    await expectError(openVectors(`${fixture('snappy.parquet')}#no`), 'bad-file', 'column no', lists);
  });

  it('with a null or a row of another length', async () => {
    await expectError(readVectors(`${fixture('snappy.parquet')}#holes`), 'bad-file', 'row 20', 'null');
    await expectError(readVectors(`${fixture('snappy.parquet')}#ragged`), 'bad-file', 'row 30 has 4 numbers', 'has 5');
  });

  it('with a compression that is not known', async () => {
    await expectError(readVectors(fixture('lz4.parquet')), 'bad-file', 'LZ4', 'Snappy');
  });

  it('that is encrypted', async () => {
    await expectError(openVectors(scratch.file('p.parquet', 'PAREPARE....')), 'bad-file', 'encrypted');
  });
});
