/** Files of codes that are damaged, or made up under a right checksum: all of them are bad-file, and leave nothing behind. */
import { expect, it } from 'vitest';
import { bytesSource } from '../../src/index/byte-source.ts';
import { readIndex } from '../../src/index/factory.ts';
import { hasCode } from '../../src/util/errors.ts';
import { coded, dim, engine, filled, first, queries } from './coded-fixture.ts';
import { expectSameBytes } from './helpers.ts';
import { bytesOf, type IndexFile, parseFile, u32, writeFile } from './hnsw-parse.ts';

const ROWS = 90;

const outcome = async (bytes: Uint8Array): Promise<string> => {
  try {
    using index = await readIndex(bytesSource(bytes), engine);
    if (index.isTrained) await index.search(queries); // whatever is let in must not lead a search astray
    return 'an index';
  } catch (error) {
    return hasCode(error, 'bad-file') ? 'bad-file' : String(error);
  }
};

const descriptions = ['RR,IVF4,PQ4x4,RFlat', 'IVF4,SQ8', 'PQ4x4', 'IVF4,LVQ4'];

async function bytesFor(description: string, withKeys = false): Promise<Uint8Array> {
  using index = await filled(description, first(ROWS - 2), { nprobe: undefined });
  await index.add(first(2), withKeys ? { keys: ['a', 'bc'] } : {});
  return index.toBytes();
}

it.each(descriptions)('cuts at every 64th byte and flipped bits are bad-file, and leave nothing behind: %s', async (description) => {
  const used = engine.usedBytes;
  const bytes = await bytesFor(description, true);
  expect(await outcome(bytes)).toBe('an index');
  const wrong: string[] = [];
  const sections = parseFile(bytes).header.sections.length;
  expect(sections).toBeGreaterThan(6);
  for (let length = 0; length < bytes.length; length += 64) {
    if ((await outcome(bytes.subarray(0, length))) !== 'bad-file') wrong.push(`cut at ${length}`);
  }
  for (let bit = 0; bit < 8 * bytes.length; bit += bit < 8 * 1536 ? 5 : 211) {
    const came = await outcome(bytes.with(bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7))));
    if (came !== 'bad-file') wrong.push(`bit ${bit}: ${came}`);
  }
  expect(wrong).toEqual([]);
  await expect.poll(() => engine.usedBytes).toBe(used);
});

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
  ({ sections }) =>
    void (sections[section] = Uint8Array.from([...sections[section]!, ...new Uint8Array(by)]));
const floats =
  (section: string, value: number, at?: number): Change =>
  ({ sections }) => {
    const values = new Float32Array(sections[section]!.slice().buffer);
    if (at === undefined) values.fill(value);
    else values[at] = value;
    sections[section] = bytesOf(values);
  };
const named =
  (from: string, to: string): Change =>
  ({ header, sections }) => {
    header.sections.find(({ name }) => name === from)!.name = to;
    sections[to] = sections[from]!;
  };

const lies: Record<string, Change> = {
  'a list that is none': word('lists', 7, 4),
  'the last list far outside': word('lists', -1, 0xffffffff),
  'a list too few': shorter('lists', 4),
  'a list too many': longer('lists', 4),
  'a code too few': shorter('codes', 4),
  'a byte of codes too few': shorter('codes', 1),
  'a code too many': longer('codes', 4),
  'no codes': ({ sections }) => void (sections.codes = new Uint8Array(0)),
  'one row more': state({ count: ROWS + 1 }),
  'one row fewer': state({ count: ROWS - 1 }),
  'no count': ({ header }) => void delete header.state.count,
  'no next label': ({ header }) => void delete header.state.nextLabel,
  'a label that is the next one': word('labels', 3, ROWS),
  'a label below 0': word('labels', 3, 0xffffffff),
  'a label too few': shorter('labels', 4),
  'serials out of order': word('serials', 7, 3),
  'a serial twice': word('serials', 7, 6),
  'a serial beyond the next one': word('serials', -1, ROWS),
  'a next serial too low': state({ nextSerial: ROWS - 1 }),
  'no plan, though there are rows': state({ trained: 0 }),
  'a plan of another kind': state({ trained: 2 }),
  'a mean of NaN': floats('mean0', Number.NaN, 3),
  'a mean beyond all vectors': floats('mean0', 1e38),
  'a mean too short': shorter('mean0', 4),
  'a matrix too short': shorter('matrix0', 4),
  'a row of the matrix too long': word('matrix0', 0, 0x7fff7fff),
  'a list grid of NaN': floats('listShift', Number.NaN, 0),
  'a list grid of Infinity': floats('listShift', Number.POSITIVE_INFINITY, 0),
  'a list grid beyond all vectors': floats('listShift', 8e18),
  'a list scale of 0': floats('listScale', 0),
  'a list scale below 0': floats('listScale', -1),
  'a list scale of Infinity': floats('listScale', Number.POSITIVE_INFINITY),
  'a list scale that makes values vast': floats('listScale', 1e-30),
  'no list scale': ({ sections }) => void (sections.listScale = new Uint8Array(0)),
  'a list centroid too few': shorter('listCentroids', 2 * dim),
  'a list centroid outside its grid': word('listCentroids', 2, 0x7fff),
  'a code grid of NaN': floats('codeShift', Number.NaN, dim - 1),
  'a code grid too short': shorter('codeShift', 4),
  'a code scale of 0': floats('codeScale', 0),
  'a code scale of NaN': floats('codeScale', Number.NaN),
  'two code scales': longer('codeScale', 4),
  'a centroid too few': shorter('centroids', 4),
  'a centroid too many': longer('centroids', 4),
  'a centroid outside its grid': word('centroids', 5, 0x80000000),
  'no bits': state({ bits: 0 }),
  'a bit too many for codes': (file) => state({ bits: file.header.state.bits! + 16 })(file),
  'a bit too few for lists': (file) => state({ bits: file.header.state.bits! - 1 })(file),
  'bits that are far out': state({ bits: 2 ** 40 }),
  'an nprobe of 0': state({ nprobe: 0 }),
  'an nprobe above the lists': state({ nprobe: 5 }),
  'a refineFactor below 1': state({ refineThousandths: 999 }),
  'a refineFactor beyond all': state({ refineThousandths: 1_000_001 }),
  'no points for a centroid': state({ maxPointsPerCentroid: 0 }),
  'a vector too few': shorter('vectors', 4 * dim),
  'a value too few': shorter('vectors', 4),
  'a vector too many': longer('vectors', 4 * dim),
  'another number of lists': ({ header }) => void (header.description = header.description.replace('IVF4', 'IVF5')),
  'codes of other length': ({ header }) => void (header.description = header.description.replace('PQ4x4', 'PQ8x4')),
  'codes of other bits': ({ header }) => void (header.description = header.description.replace('PQ4x4', 'PQ4')),
  'no vectors, says the description': ({ header }) => void (header.description = header.description.replace(',RFlat', '')),
  'no transform, says the description': ({ header }) => void (header.description = header.description.replace('RR,', '')),
  'codes that are none': ({ header }) => void (header.description = 'LVQ8'),
  'what is no description': ({ header }) => void (header.description = 'IVF4,,PQ4x4'),
  'a description that does not fit the dimension': ({ header }) => void (header.description = 'RR,IVF4,PQ5x4,RFlat'),
  Flat: ({ header }) => void (header.description = 'Flat'),
  'another dim': ({ header }) => void (header.dim = dim - 4),
  'a metric that is none': ({ header }) => void (header.metric = 'hamming'),
  'sections in another order': ({ header }) => void header.sections.reverse(),
  'a section that has another name': named('codes', 'odes'),
  'a section that nobody knows': ({ header, sections }) => {
    header.sections.push({ name: 'more', dtype: 'i8', length: 64 });
    sections.more = new Uint8Array(64);
  },
};

it('a file that lies under a right checksum is bad-file', async () => {
  const used = engine.usedBytes;
  const bytes = await bytesFor('RR,IVF4,PQ4x4,RFlat');
  expectSameBytes(writeFile(parseFile(bytes)), bytes, 'as it was');
  const came: Record<string, string> = {};
  for (const [what, change] of Object.entries(lies)) {
    const file = parseFile(bytes);
    change(file);
    came[what] = await outcome(writeFile(file));
  }
  expect(came).toEqual(Object.fromEntries(Object.keys(lies).map((what) => [what, 'bad-file'])));
  await expect.poll(() => engine.usedBytes).toBe(used);
});

it('keys that are too few are bad-file', async () => {
  const file = parseFile(await bytesFor('PQ4x4', true));
  shorter('keyEnds', 8)(file);
  expect(await outcome(writeFile(file))).toBe('bad-file');
});

it('an untrained index has a file of its own, and one that lies is bad-file', async () => {
  using index = coded('IVF4,PQ4x4', { nprobe: 4 });
  const bytes = await index.toBytes();
  expect(await outcome(bytes)).toBe('an index');
  const file = parseFile(bytes);
  state({ trained: 1 })(file);
  expect(await outcome(writeFile(file))).toBe('bad-file');
});
