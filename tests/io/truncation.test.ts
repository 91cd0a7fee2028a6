import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { readLabels } from '../../src/io/labels.ts';
import { readVectors } from '../../src/io/vector-source.ts';
import { IsodexError } from '../../src/util/errors.ts';
import { expected, fixture, Scratch } from './fixtures.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** Open file descriptors of this process: a reader that fails must close what it opened. */
function openFiles(): number {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0;
}

/** Cuts a file at every byte and collects the lengths at which it could still be read. */
async function readableLengths(path: string, read: (path: string) => Promise<ArrayLike<number>>): Promise<Map<number, number[]>> {
  const readable = new Map<number, number[]>();
  for (let length = readFileSync(path).length - 1; length >= 0; length--) {
    truncateSync(path, length);
    try {
      readable.set(length, Array.from(await read(path)));
    } catch (error) {
      expect(error).toBeInstanceOf(IsodexError);
      expect((error as IsodexError).code).toBe('bad-file');
      expect((error as IsodexError).message).toContain(path);
    }
  }
  return readable;
}

async function vectorsOf(path: string): Promise<Float32Array> {
  return (await readVectors(path)).vectors;
}

async function labelsOf(path: string): Promise<Int32Array> {
  return (await readLabels(path)).labels;
}

/** Copies the first bytes of a fixture; small files keep the test short. */
function copy(name: string, content = readFileSync(fixture(name))): string {
  writeFileSync(scratch.at(name), content);
  return scratch.at(name);
}

const headered = ['a.fbin', 'a.u8bin', 'f16.npy', 'flat.npy', 'cube-idx3-ubyte', 'f64.idx.gz', 'cube-idx3-ubyte.gz'];
const selfDescribing = ['ann.hdf5', 'latest.h5', 'plain.parquet', 'pages2.parquet'];

describe('a file cut at any byte', () => {
  it.each([...headered, ...selfDescribing])('%s is refused', async (name) => {
    const path = copy(name);
    await vectorsOf(path);
    const before = openFiles();
    expect([...(await readableLengths(path, vectorsOf)).keys()]).toEqual([]);
    expect(openFiles()).toBeLessThanOrEqual(before);
  });

  it.each(['a.fvecs', 'a.bvecs'])(
    '%s gives the rows that are left where the cut is between rows, and is refused elsewhere',
    async (name) => {
      const rows = name === 'a.fvecs' ? expected.floats : expected.u8;
      const rowBytes = readFileSync(fixture(name)).length / rows.length;
      const readable = await readableLengths(copy(name), vectorsOf);
      expect(readable.size).toBe(36);
      for (const [length, values] of readable) expect(values).toEqual(rows.slice(0, length / rowBytes).flat());
    },
  );

  it('gzipped jsonl is refused', async () => {
    const path = copy('a.jsonl.gz', gzipSync('[1,2]\n[3,4]\n[5,6]\n'));
    expect([...(await readableLengths(path, vectorsOf)).keys()]).toEqual([]);
  });

  it('jsonl gives the lines that are left where the cut is between lines, and is refused elsewhere', async () => {
    // Without the first row, whose -0 JSON.stringify does not keep.
    const rows = expected.floats.slice(1, 5);
    const lines = rows.map((row) => JSON.stringify({ vector: row }));
    const path = copy('a.jsonl', Buffer.from(lines.join('\n')));
    for (const [length, values] of await readableLengths(path, vectorsOf)) {
      expect(values).toEqual(rows.slice(0, values.length / 5).flat());
      expect([0, 1]).toContain(length - lines.slice(0, values.length / 5).join('\n').length);
    }
  });

  it('labels: only a ground truth file may lose something unseen, all its distances', async () => {
    expect([...(await readableLengths(copy('i64.npy'), labelsOf)).keys()]).toEqual([]);
    expect([...(await readableLengths(copy('a.ibin'), labelsOf)).keys()]).toEqual([]);
    const readable = await readableLengths(copy('truth.ibin'), labelsOf);
    expect([...readable]).toEqual([[600, expected.labels.flat()]]);
    expect((await readableLengths(copy('a.ivecs'), labelsOf)).size).toBe(36);
  });

  it('an empty gzip stream is refused', async () => {
    const path = copy('none.jsonl.gz', gzipSync(''));
    await expect(vectorsOf(path)).rejects.toThrow('no lines with vectors');
  });
});
