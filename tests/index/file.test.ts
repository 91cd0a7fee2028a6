/** Index files: what goes in comes out, and what is damaged is said to be. */
import { mkdir, mkdtemp, open as openFile, readdir, readFile, readlink, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import type { Engine } from '../../src/host/engine.ts';
import { bytesSource } from '../../src/index/byte-source.ts';
import { makeIndex, readIndex } from '../../src/index/factory.ts';
import { fromBytes, type Metric, openIndex, readInfo, type VectorIndex } from '../../src/node.ts';
import { hasCode } from '../../src/util/errors.ts';
import { replaceFile } from '../../src/util/replace-file.ts';
import { makeVectors } from '../contract/data.ts';
import { enginesHere } from '../contract/engines.ts';
import { expectExact, expectSameBytes, failsWith, labelled, lowRank, metrics, oneThread } from './helpers.ts';

const engine = await oneThread();
const folder = await mkdtemp(join(tmpdir(), 'isodex-file-'));
afterAll(async () => {
  engine.close();
  await rm(folder, { recursive: true });
});
afterEach(() => vi.restoreAllMocks());

let names = 0;
const fresh = () => join(folder, `${names++}.isodex`);
const badFile = (message?: RegExp) => failsWith('bad-file', message);

async function filled(metric: Metric, dim: number, vectors: Float32Array, on: Engine = engine): Promise<VectorIndex> {
  const index = makeIndex('Flat', { dim, metric, seed: 4_294_967_295 }, on);
  await index.add(vectors);
  return index;
}

/** Every way there is from an index to one like it. */
async function copies(index: VectorIndex): Promise<Record<string, VectorIndex>> {
  const path = fresh();
  await index.save(path);
  const bytes = await index.toBytes();
  expectSameBytes(await readFile(path), bytes);
  const shifted = new Uint8Array(bytes.length + 3).subarray(3); // a view that starts between words
  shifted.set(bytes);
  return {
    memory: await openIndex(path, { engine }),
    disk: await openIndex(path, { engine, originals: 'disk' }),
    bytes: await fromBytes(bytes, { engine }),
    'shifted bytes': await fromBytes(shifted, { engine }),
  };
}

const openFiles = async () => {
  const links = await readdir('/proc/self/fd').catch(() => []);
  const targets = await Promise.all(links.map((fd) => readlink(join('/proc/self/fd', fd)).catch(() => '')));
  return targets.filter((target) => target.startsWith(folder)).length;
};

describe('a round trip', () => {
  it.each(metrics)('keeps answers, labels, keys and bytes: %s', async (metric) => {
    const dim = metric === 'l2' ? 112 : 24;
    const vectors = metric === 'l2' ? lowRank(1400, dim, 1) : makeVectors('normal', 1400, dim, 1);
    using index = await filled(metric, dim, vectors);
    const keys = ['', 'plain', 'café ☕ 𝕏', '\ufeffmarked', 'line\nbreak', 'NUL \0', '한국어'];
    const more = makeVectors('normal', 7, dim, 2);
    await index.add(more, { keys, labels: [5000, 4000, 4001, 2 ** 31 - 1, 3000, 3001, 3002] });
    await index.remove([0, 7, 4000]);
    const rows = [
      ...labelled(vectors, dim),
      ...labelled(more, dim).map(({ vector }, i) => ({ label: [5000, 4000, 4001, 2 ** 31 - 1, 3000, 3001, 3002][i]!, vector })),
    ].filter(({ label }) => ![0, 7, 4000].includes(label));
    const queries = vectors.subarray(0, 3 * dim);
    for (const [name, copy] of Object.entries(await copies(index))) {
      expect(copy, name).toMatchObject({ description: 'Flat', dim, metric, seed: 4_294_967_295, size: 1404, isTrained: true });
      await expectExact(copy, rows, queries, 10, name);
      if (name === 'disk') await expectExact(copy, rows, queries.subarray(0, dim), 1500, name); // every row is read
      expect(
        [5000, 4001, 2 ** 31 - 1, 3000, 3001, 3002, 1, 4000].map((label) => copy.keyOf(label)),
        name,
      ).toEqual(['', 'café ☕ 𝕏', '\ufeffmarked', 'line\nbreak', 'NUL \0', '한국어', undefined, undefined]);
      expect(await copy.reconstruct(4001), name).toEqual(await index.reconstruct(4001));
      expectSameBytes(await copy.toBytes(), await index.toBytes(), name);
      await expect(copy.add(more)).rejects.toEqual(failsWith('bad-argument', /default labels would pass/)); // the next label came along
      copy.close();
    }
  });

  it('of an empty index, of one that was emptied, and of one row', async () => {
    for (const rows of [0, 3, 1]) {
      using index = makeIndex('Flat', { dim: 5, metric: 'cosine' }, engine);
      const vectors = makeVectors('normal', 3, 5, 3);
      if (rows > 0) await index.add(vectors.subarray(0, rows * 5));
      if (rows === 3) await index.remove([0, 1, 2]);
      for (const copy of Object.values(await copies(index))) {
        await expectExact(copy, rows === 1 ? labelled(vectors.subarray(0, 5), 5) : [], vectors, 2);
        expect([...(await copy.add(vectors))]).toEqual([0, 1, 2].map((label) => label + rows));
        copy.close();
      }
    }
  });

  it('from disk, with rows added, replaced and removed, saved again over itself', async () => {
    const dim = 20;
    const vectors = makeVectors('normal', 2500, dim, 4);
    const path = fresh();
    {
      using index = await filled('l2', dim, vectors.subarray(0, 2000 * dim));
      await index.save(path);
    }
    using index = await openIndex(path, { engine, originals: 'disk' });
    await index.add(vectors.subarray(2000 * dim, 2490 * dim));
    await index.add(vectors.subarray(2490 * dim), { labels: [3, 2001, 9000, 4, 5, 6, 7, 8, 9, 10] });
    await index.remove([0, 1, 2100]);
    const rows = labelled(vectors.subarray(0, 2490 * dim), dim).filter(({ label }) => ![0, 1, 2100].includes(label));
    for (const [i, label] of [3, 2001, 9000, 4, 5, 6, 7, 8, 9, 10].entries()) {
      const vector = vectors.slice((2490 + i) * dim, (2491 + i) * dim);
      const at = rows.findIndex((row) => row.label === label);
      if (at >= 0) rows[at] = { label, vector };
      else rows.push({ label, vector });
    }
    const queries = vectors.subarray(1999 * dim, 2002 * dim);
    await expectExact(index, rows, queries);
    await index.save(path);
    await expectExact(index, rows, queries, 10, 'the old file, which has no name any more');
    using again = await openIndex(path, { engine, originals: 'disk' });
    await expectExact(again, rows, queries, 10, 'the new file');
    expectSameBytes(await again.toBytes(), await index.toBytes());
    expect((again as unknown as { memory: { originals: number } }).memory.originals).toBe(0);
    // many removals: rows on disk stay where they are
    await again.remove(Array.from({ length: 1500 }, (_, i) => i));
    await expectExact(
      again,
      rows.filter(({ label }) => label >= 1500),
      queries,
    );
  });

  it('closes its file', async () => {
    const path = fresh();
    await (await filled('l2', 4, makeVectors('normal', 10, 4, 5))).save(path);
    (await openIndex(path, { engine })).close();
    const index = await openIndex(path, { engine, originals: 'disk' });
    expect(await openFiles()).toBe(1);
    index.close();
    await vi.waitFor(async () => expect(await openFiles()).toBe(0));
    await readInfo(path);
    await truncate(path, 100);
    await expect(openIndex(path, { engine, originals: 'disk' })).rejects.toEqual(badFile());
    await vi.waitFor(async () => expect(await openFiles()).toBe(0));
  });

  it('closes its file when no engine opens', async () => {
    const path = fresh();
    await (await filled('l2', 4, makeVectors('normal', 10, 4, 5))).save(path);
    for (const originals of ['memory', 'disk'] as const) {
      await expect(openIndex(path, { engine: 'quantum' as 'cpu', originals })).rejects.toEqual(failsWith('bad-argument'));
      await vi.waitFor(async () => expect(await openFiles(), originals).toBe(0));
    }
  });

  it('rejects searches that a close overtakes with closed, on disk too', async () => {
    const path = fresh();
    const vectors = makeVectors('normal', 2000, 20, 6);
    await (await filled('l2', 20, vectors)).save(path);
    for (const wait of [0, 1, 3]) {
      const index = await openIndex(path, { engine, originals: 'disk' });
      const searching = index.search(vectors.subarray(0, 300 * 20)).then(
        () => 'done',
        (error) => (hasCode(error, 'closed') ? 'closed' : error),
      );
      if (wait) await new Promise((resolve) => setTimeout(resolve, wait));
      index.close();
      expect(['closed', ...(wait ? ['done'] : [])]).toContain(await searching);
    }
  });

  it('says bad-file when the file is cut under an index that reads from it', async () => {
    const path = fresh();
    const vectors = makeVectors('normal', 2000, 20, 7);
    await (await filled('l2', 20, vectors)).save(path);
    using index = await openIndex(path, { engine, originals: 'disk' });
    await truncate(path, 60_000);
    await expect(index.search(vectors.subarray(0, 20), { k: 1500 })).rejects.toEqual(badFile(/has changed since it was opened/));
  });

  it('can be aborted, both ways', async () => {
    const path = fresh();
    const index = await filled('l2', 20, makeVectors('normal', 5000, 20, 8));
    await index.save(path);
    const before = await readFile(path);
    const reason = new Error('enough');
    for (const abort of ['before', 'during']) {
      const controller = new AbortController();
      const options = { signal: controller.signal, onProgress: () => controller.abort(reason) };
      if (abort === 'before') controller.abort(reason);
      await expect(index.save(path, options)).rejects.toBe(reason);
      const reading = new AbortController();
      if (abort === 'before') reading.abort(reason);
      const opening = { engine, signal: reading.signal, onProgress: () => reading.abort(reason) };
      for (const originals of ['memory', 'disk'] as const) await expect(openIndex(path, { ...opening, originals })).rejects.toBe(reason);
    }
    expectSameBytes(await readFile(path), before);
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    await vi.waitFor(async () => expect(await openFiles()).toBe(0));
  });
});

describe('the body', () => {
  it('is the same from every engine and split, and readInfo tells its SHA-256', async () => {
    const dim = 33;
    const vectors = makeVectors('normal', 1300, dim, 9);
    const sums = new Set<string>();
    for (const { open } of await enginesHere()) {
      using other = await open();
      for (const ends of [[1300], [1, 2, 500, 1300]]) {
        using index = makeIndex('Flat', { dim, metric: 'cosine', seed: 7 }, other);
        for (const end of ends) {
          await index.add(vectors.subarray(index.size * dim, end * dim));
          if (end > 1) await index.search(vectors.subarray(0, dim));
        }
        const path = fresh();
        await index.save(path);
        const info = await readInfo(path);
        expect(info).toMatchObject({ description: 'Flat', dim, metric: 'cosine', seed: 7, size: 1300 });
        expect(info.fileBytes).toBe((await readFile(path)).length);
        expect(info.sections.map(({ name }) => name)).toEqual(['labels', 'serials', 'vectors']);
        sums.add(info.sha256);
      }
    }
    expect([...sums]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
  });

  it('does not change by what was removed before, save for labels and serials', async () => {
    const vectors = makeVectors('normal', 4000, 4, 10);
    using one = await filled('l2', 4, vectors);
    await one.remove(Array.from({ length: 3000 }, (_, i) => i)); // moves the rest together
    using two = await filled('l2', 4, vectors);
    for (let i = 0; i < 3000; i += 1000) await two.remove(Array.from({ length: 1000 }, (_, j) => i + j));
    expectSameBytes(await one.toBytes(), await two.toBytes());
  });
});

describe('damage', () => {
  async function smallFile(withKeys: boolean): Promise<Uint8Array> {
    using index = makeIndex('Flat', { dim: 3, metric: withKeys ? 'ip' : 'l2' }, engine);
    await index.add(makeVectors('normal', 5, 3, 11), withKeys ? { keys: ['a', 'bc', '', 'ü', 'z'] } : {});
    return index.toBytes();
  }

  /** What becomes of these bytes: always 'bad-file', or else a description of what went wrong. */
  async function outcome(bytes: Uint8Array): Promise<string> {
    try {
      (await readIndex(bytesSource(bytes), engine)).close();
      return 'an index';
    } catch (error) {
      return hasCode(error, 'bad-file') ? 'bad-file' : String(error);
    }
  }

  async function expectAllBad(damaged: Iterable<readonly [string, Uint8Array]>): Promise<void> {
    const wrong: string[] = [];
    for (const [what, bytes] of damaged) {
      const came = await outcome(bytes);
      if (came !== 'bad-file') wrong.push(`${what}: ${came}`);
    }
    expect(wrong).toEqual([]);
  }

  function* cuts(bytes: Uint8Array): Generator<[string, Uint8Array]> {
    for (let length = 0; length < bytes.length; length++) yield [`cut at ${length}`, bytes.subarray(0, length)];
  }

  function* flips(bytes: Uint8Array): Generator<[string, Uint8Array]> {
    const copy = bytes.slice();
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      copy[bit >> 3]! ^= 1 << (bit & 7);
      yield [`bit ${bit & 7} of byte ${bit >> 3} flipped`, copy];
      copy[bit >> 3]! ^= 1 << (bit & 7);
    }
  }

  it.each([false, true])('a cut at every byte and every flipped bit is bad-file (keys: %s)', async (withKeys) => {
    const bytes = await smallFile(withKeys);
    expect(await outcome(bytes)).toBe('an index');
    await expectAllBad(cuts(bytes));
    await expectAllBad(flips(bytes));
  });

  it('so is every byte made 0 or 255, two bytes swapped, and anything appended', async () => {
    const bytes = await smallFile(true);
    function* others(): Generator<[string, Uint8Array]> {
      for (let at = 0; at < bytes.length; at++) {
        for (const value of [0, 0x20, 0x30, 0x39, 255]) {
          if (bytes[at] !== value) yield [`byte ${at} made ${value}`, bytes.with(at, value)];
        }
        if (at > 0 && bytes[at] !== bytes[at - 1]) yield [`byte ${at} swapped`, bytes.with(at, bytes[at - 1]!).with(at - 1, bytes[at]!)];
      }
      for (const tail of [1, 32, 64]) yield [`${tail} bytes appended`, Uint8Array.from([...bytes, ...new Uint8Array(tail)])];
      yield ['twice', Uint8Array.from([...bytes, ...bytes])];
    }
    await expectAllBad(others());
  });

  it('so is a header that lies, though its checksum holds', async () => {
    const bytes = await smallFile(true);
    const length = new DataView(bytes.buffer).getUint32(8, true);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(16, 16 + length)));
    const { createHash } = await import('node:crypto');
    const withHeader = (changed: unknown): Uint8Array => {
      const json = new TextEncoder().encode(JSON.stringify(changed));
      const head = new Uint8Array(Math.ceil((16 + json.length) / 64) * 64).fill(0x20);
      head.set(bytes.subarray(0, 16));
      head.set(json, 16);
      new DataView(head.buffer).setUint32(8, head.length - 16, true);
      const body = Uint8Array.from([...head, ...bytes.subarray(16 + length, -32)]);
      return Uint8Array.from([...body, ...createHash('sha256').update(body).digest()]);
    };
    expect(await outcome(withHeader(header))).toBe('an index');
    const { sections, state } = header;
    await expectAllBad(
      (
        [
          ['null', null],
          ['a list', []],
          ['a number', 5],
          ['format 2', { ...header, format: 2 }],
          ['description HNSW32', { ...header, description: 'HNSW32' }],
          ['no description', { ...header, description: undefined }],
          ['dim 0', { ...header, dim: 0 }],
          ['dim 1', { ...header, dim: 1 }],
          ['dim as text', { ...header, dim: '3' }],
          ['metric', { ...header, metric: 'hamming' }],
          ['seed', { ...header, seed: -1 }],
          ['no state', { ...header, state: undefined }],
          ['state of one more row', { ...header, state: { ...state, count: 6 } }],
          ['no next label', { ...header, state: { ...state, nextLabel: undefined } }],
          ['next serial too small', { ...header, state: { ...state, nextSerial: 1 } }],
          ['no sections', { ...header, sections: [] }],
          ['sections in another order', { ...header, sections: [...sections].reverse() }],
          ['a dtype of another kind', { ...header, sections: [{ ...sections[0], dtype: 'toString' }, ...sections.slice(1)] }],
          ['labels as u32', { ...header, sections: [{ ...sections[0], dtype: 'u32' }, ...sections.slice(1)] }],
          ['a length of 2^53', { ...header, sections: [{ ...sections[0], length: 2 ** 53 }, ...sections.slice(1)] }],
          ['a length of 1e300', { ...header, sections: [{ ...sections[0], length: 1e300 }, ...sections.slice(1)] }],
          ['a length below zero', { ...header, sections: [{ ...sections[0], length: -1 }, ...sections.slice(1)] }],
        ] as const
      ).map(([what, changed]) => [what, withHeader(changed)] as const),
    );
  });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['text', new TextEncoder().encode('hello, this is not an index but a text that is long enough')],
    ['an npy file', Uint8Array.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, ...new Uint8Array(120)])],
    ['the magic alone', new TextEncoder().encode('ISODEX01')],
    ['a newer magic', new TextEncoder().encode('ISODEX02'.padEnd(128, ' '))],
    ['zeros', new Uint8Array(4096)],
  ])('%s is no index', async (_, bytes) => {
    const path = fresh();
    await writeFile(path, bytes);
    await expect(fromBytes(bytes, { engine })).rejects.toEqual(badFile());
    await expect(openIndex(path, { engine })).rejects.toEqual(badFile());
    await expect(openIndex(path, { engine, originals: 'disk' })).rejects.toEqual(badFile());
    await expect(readInfo(path)).rejects.toEqual(badFile());
    expect(await openFiles()).toBe(0);
  });

  it('a missing file, a folder and what is no bytes are said to be', async () => {
    await expect(openIndex(join(folder, 'missing'), { engine })).rejects.toEqual(badFile(/missing cannot be read \(ENOENT\)/));
    await expect(openIndex(folder, { engine })).rejects.toEqual(badFile());
    await expect(readInfo(folder)).rejects.toEqual(badFile());
    const buffer = (await smallFile(false)).buffer as unknown as Uint8Array;
    await expect((async () => fromBytes(buffer, { engine }))()).rejects.toEqual(failsWith('bad-argument', /bytes must be a Uint8Array/));
  });

  it('the messages tell what is wrong', async () => {
    const bytes = await smallFile(false);
    const read = (changed: Uint8Array) => readIndex(bytesSource(changed, 'x.isodex'), engine);
    await expect(read(bytes.subarray(0, -5))).rejects.toEqual(badFile(/x\.isodex has \d+ bytes, its header says \d+: it is cut off/));
    await expect(read(Uint8Array.from([...bytes, 0]))).rejects.toEqual(badFile(/something was appended to it/));
    await expect(read(bytes.with(-1, bytes.at(-1)! ^ 1))).rejects.toEqual(badFile(/is damaged: its SHA-256 is .*, it should be/));
    await expect(read(bytes.subarray(1))).rejects.toEqual(badFile(/is not an Isodex index: it does not start with ISODEX01/));
  });
});

describe('a save that fails', () => {
  const index = filled('l2', 6, makeVectors('normal', 3000, 6, 12));

  /** Saves while something is broken; what was there before must be all there is. */
  async function expectUntouched(saving: (path: string) => Promise<void>, error: unknown): Promise<void> {
    const place = join(folder, `place ${names++}`);
    await mkdir(place);
    const path = join(place, 'an.isodex');
    await writeFile(path, 'the old file');
    await expect(saving(path)).rejects.toEqual(error);
    vi.restoreAllMocks();
    expect(await readdir(place)).toEqual(['an.isodex']);
    expect(await readFile(path, 'utf8')).toBe('the old file');
  }

  /** The prototype of all open files, whose methods can be made to fail. */
  async function fileHandles() {
    const file = await openFile(folder);
    await file.close();
    return Object.getPrototypeOf(file) as Awaited<ReturnType<typeof openFile>>;
  }
  const systemError = (code: string, syscall: string) => Object.assign(new Error(`${code}: as if, ${syscall}`), { code, syscall });

  it('because the disk is full says so and leaves the old file', async () => {
    const saved = await index;
    const handles = await fileHandles();
    for (const after of [0, 1, 3]) {
      await expectUntouched(
        async (path) => {
          const write = handles.write;
          let calls = 0;
          vi.spyOn(handles, 'write').mockImplementation(function (this: unknown, ...args: never[]) {
            if (calls++ >= after) return Promise.reject(systemError('ENOSPC', 'write'));
            return (write as (...rest: never[]) => never).apply(this, args);
          } as never);
          await saved.save(path);
        },
        badFile(/^cannot write .*an\.isodex: ENOSPC/),
      );
    }
  });

  it('because flushing fails says so and leaves the old file', async () => {
    const saved = await index;
    const handles = await fileHandles();
    await expectUntouched((path) => {
      vi.spyOn(handles, 'sync').mockRejectedValue(systemError('EIO', 'fsync'));
      return saved.save(path);
    }, badFile(/EIO/));
  });

  it('short writes are carried on with', async () => {
    const saved = await index;
    const handles = await fileHandles();
    const write = handles.write as (...args: unknown[]) => Promise<{ bytesWritten: number }>;
    const path = fresh();
    vi.spyOn(handles, 'write').mockImplementation(function (this: unknown, bytes: Uint8Array, at: number, length: number) {
      return write.call(this, bytes, at, Math.min(length, 5000));
    } as never);
    await saved.save(path);
    vi.restoreAllMocks();
    expectSameBytes(await readFile(path), await saved.toBytes());
  });

  it('because its rows cannot be had leaves the old file', async () => {
    const reason = new Error('no more rows');
    await expectUntouched(async (path) => {
      async function* pieces() {
        yield new Uint8Array(100_000);
        throw reason;
      }
      await replaceFile(path, pieces());
    }, reason);
  });

  it('where no file can be made says bad-file', async () => {
    const saved = await index;
    const file = fresh();
    await writeFile(file, 'a file, not a folder');
    for (const path of [join(file, 'x.isodex'), join(folder, 'no such folder', 'x.isodex'), '/proc/isodex/x.isodex']) {
      await expect(saved.save(path)).rejects.toEqual(badFile(/^cannot write /));
    }
    await expect(saved.save(folder)).rejects.toEqual(badFile(/^cannot write /));
    await expect(saved.save('')).rejects.toEqual(failsWith('bad-argument', /name a file/));
    await expect(saved.save(undefined as unknown as string)).rejects.toEqual(failsWith('bad-argument'));
    const leftOver = [...(await readdir(folder)), ...(await readdir(join(folder, '..')))].filter((name) =>
      /isodex-file.*\.tmp$/.test(name),
    );
    expect(leftOver).toEqual([]);
  });

  it('a link stays a link, to the new file', async () => {
    const saved = await index;
    const target = fresh();
    await writeFile(target, 'old');
    const link = fresh();
    await symlink(target, link);
    await saved.save(link);
    expect(await readlink(link)).toBe(target);
    expect((await readInfo(target)).size).toBe(3000);
  });
});
