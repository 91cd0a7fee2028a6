/** Files of graphs that are damaged, or made up under a right checksum: all of them are bad-file, and leave nothing behind. */
import { expect, it } from 'vitest';
import { bytesSource } from '../../src/index/byte-source.ts';
import { readIndex } from '../../src/index/factory.ts';
import { hasCode } from '../../src/util/errors.ts';
import { expectSameBytes } from './helpers.ts';
import { dim, engine, filled, many } from './hnsw-fixture.ts';
import { bytesOf, checkInvariants, type IndexFile, NONE, parseFile, parseGraph, u32, writeFile } from './hnsw-parse.ts';

const outcome = async (bytes: Uint8Array): Promise<string> => {
  try {
    (await readIndex(bytesSource(bytes), engine)).close();
    return 'an index';
  } catch (error) {
    return hasCode(error, 'bad-file') ? 'bad-file' : String(error);
  }
};

it.each(['HNSW4', 'HNSW4,SQ8'])(
  'cuts at every 64th byte and flipped bits are bad-file, and leave nothing behind: %s',
  async (description) => {
    const used = engine.usedBytes;
    const index = await filled(many.subarray(0, 130 * dim), {}, description);
    const bytes = await index.toBytes();
    index.close();
    expect(await outcome(bytes)).toBe('an index');
    const wrong: string[] = [];
    for (let length = 0; length < bytes.length; length += 64) {
      if ((await outcome(bytes.subarray(0, length))) !== 'bad-file') wrong.push(`cut at ${length}`);
    }
    for (let bit = 0; bit < 8 * bytes.length; bit += bit < 8 * 1024 ? 3 : 97) {
      const came = await outcome(bytes.with(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7))));
      if (came !== 'bad-file') wrong.push(`bit ${bit}: ${came}`);
    }
    expect(wrong).toEqual([]);
    await expect.poll(() => engine.usedBytes).toBe(used);
  },
);

type Change = (file: IndexFile) => void;
const state =
  (changes: Record<string, number>): Change =>
  ({ header }) =>
    void Object.assign(header.state, changes);
const word =
  (section: string, at: number, value: number): Change =>
  ({ sections }) => {
    const words = u32(sections[section]!);
    words[at < 0 ? words.length + at : at] = value;
    sections[section] = bytesOf(words);
  };
const shorter =
  (section: string, by: number): Change =>
  ({ sections }) =>
    void (sections[section] = sections[section]!.slice(0, -by));
const longer =
  (section: string, by: number): Change =>
  ({ sections }) => {
    sections[section] = Uint8Array.from([...sections[section]!, ...new Uint8Array(by)]);
  };
const floats =
  (section: string, value: number): Change =>
  ({ sections }) => {
    sections[section] = bytesOf(new Float32Array(sections[section]!.length / 4).fill(value));
  };

const lies: Record<string, Change> = {
  'a link to the row behind the last': word('links', 8, 130),
  'the last link far outside': word('links', -1, 0x7fffffff),
  'a link just below none': word('links', 0, NONE - 1),
  'an upper link outside': word('upperLinks', 0, 130),
  'the entry outside': state({ entry: 130 }),
  'no entry': ({ header }) => void delete header.state.entry,
  'an entry level too high': state({ entryLevel: 9 }),
  'another entry': ({ header }) => void (header.state.entry = (header.state.entry! + 1) % 130),
  'a live bit past the rows': word('live', -1, 1 << 31),
  'one row fewer live': state({ live: 129 }),
  'a live word too few': shorter('live', 4),
  'two live words too many': longer('live', 8),
  'serials out of order': word('serials', 7, 3),
  'a serial twice': word('serials', 7, 6),
  'a serial beyond the next one': word('serials', -1, 130),
  'serials that put nodes on other levels': word('serials', -1, 129_000),
  'one row more': state({ count: 131 }),
  'one row fewer': state({ count: 129 }),
  'a gap between links': word('links', 1, NONE),
  'a link twice': ({ sections }) => {
    const links = u32(sections.links!);
    links[1] = links[0]!;
    sections.links = bytesOf(links);
  },
  'a link row too few': shorter('links', 4 * 8),
  'a link row too many': longer('links', 4 * 8),
  'a link too few': shorter('links', 4),
  'a link too many': longer('links', 4),
  'an upper row too few': shorter('upperLinks', 4 * 4),
  'an upper row too many': longer('upperLinks', 4 * 4),
  'an upper link too few': shorter('upperLinks', 4),
  'a label too few': shorter('labels', 4),
  'a shift too short': shorter('shift', 4),
  'no shift': ({ sections }) => void (sections.shift = new Uint8Array(0)),
  'no scale': ({ sections }) => void (sections.scale = new Uint8Array(0)),
  'a scale of 0': floats('scale', 0),
  'a scale below 0': floats('scale', -1),
  'a scale of NaN': floats('scale', Number.NaN),
  'a scale of Infinity': floats('scale', Number.POSITIVE_INFINITY),
  'a shift of NaN': floats('shift', Number.NaN),
  'a shift of Infinity': floats('shift', Number.POSITIVE_INFINITY),
  'another form of SQ8': state({ form: 1 }),
  'the form of other rows': state({ form: 2 }),
  'an unknown form': state({ form: 99 }),
  'a form that is far out': state({ form: 2 ** 40 }),
  'no form': ({ header }) => void delete header.state.form,
  'an efConstruction of 0': state({ efConstruction: 0 }),
  'an efSearch of 65,537': state({ efSearch: 65_537 }),
  'no efSearch means the default': () => {},
  'another M': ({ header }) => void (header.description = 'HNSW5'),
  'M 1': ({ header }) => void (header.description = 'HNSW1'),
  Flat: ({ header }) => void (header.description = 'Flat'),
  'another metric': ({ header }) => void (header.metric = 'ip'),
  'another dim': ({ header }) => void (header.dim = dim - 1),
  'another seed, which draws other levels': ({ header }) => void (header.seed = 2),
  'no sinceRepair': ({ header }) => void delete header.state.sinceRepair,
  'sections in another order': ({ header }) => void header.sections.reverse(),
  'links called something else': ({ header, sections }) => {
    header.sections.find(({ name }) => name === 'links')!.name = 'loops';
    sections.loops = sections.links!;
  },
};

it.each(['HNSW4', 'HNSW4,SQ8'])('a file that lies under a right checksum is bad-file: %s', async (description) => {
  const used = engine.usedBytes;
  const index = await filled(many.subarray(0, 130 * dim), {}, description);
  const bytes = await index.toBytes();
  index.close();
  expectSameBytes(writeFile(parseFile(bytes)), bytes, 'as it was');
  const came: Record<string, string> = {};
  for (const [what, change] of Object.entries(lies)) {
    const file = parseFile(bytes);
    change(file);
    came[what] = await outcome(writeFile(file));
  }
  const honest = 'no efSearch means the default';
  expect(came).toEqual({ ...Object.fromEntries(Object.keys(lies).map((what) => [what, 'bad-file'])), [honest]: 'an index' });
  await expect.poll(() => engine.usedBytes).toBe(used);
});

it('a shift under inner products is bad-file: certificates take codes for the rows themselves', async () => {
  using index = await filled(many.subarray(0, 130 * dim), { metric: 'ip' }, 'HNSW4');
  const bytes = await index.toBytes();
  expect(await outcome(bytes)).toBe('an index');
  const file = parseFile(bytes);
  floats('shift', 1)(file);
  expect(await outcome(writeFile(file))).toBe('bad-file');
});

it('an upper link to a node that is not on its level is bad-file', async () => {
  using index = await filled(many.subarray(0, 600 * dim), {}, 'HNSW4');
  const bytes = await index.toBytes();
  const graph = parseGraph(bytes);
  checkInvariants(graph);
  for (const [level, row] of [
    [1, 0],
    [2, 1],
  ] as const) {
    const node = graph.levels.findIndex((top) => top >= level);
    const below = graph.levels.findIndex((top) => top === level - 1);
    const at = graph.levels.slice(0, node).reduce((sum, top) => sum + top, 0) + row;
    const file = parseFile(bytes);
    word('upperLinks', at * graph.M, below)(file);
    expect(await outcome(writeFile(file)), `level ${level}`).toBe('bad-file');
  }
});
