/** Files of graphs over codes: what goes in comes out and goes on as it would have; and what is damaged, or lies, is refused. */
import { describe, expect, it } from 'vitest';
import type { CodedGraphIndex } from '../../src/index/coded-graph.ts';
import { fromBytes, openIndex, readInfo } from '../../src/node.ts';
import { hasCode } from '../../src/util/errors.ts';
import { coded, descriptions, dim, engine, filled, many, queries, rows } from './coded-graph-fixture.ts';
import { copiesOf, freshNames } from './file-copies.ts';
import { expectSameBytes, expectSameNeighbors, metrics } from './helpers.ts';
import { bytesOf, type IndexFile, NONE, parseFile, u32, writeFile } from './hnsw-parse.ts';

const fresh = await freshNames('isodex-coded-graph-');
const copies = (index: CodedGraphIndex) => copiesOf(index, fresh(), engine);

/** Asserts that two indexes are one. */
async function expectAlike(copy: CodedGraphIndex, index: CodedGraphIndex, what: string): Promise<void> {
  const about = ({ config, size, isTrained, description }: CodedGraphIndex) => ({ ...config, size, isTrained, description });
  expect(about(copy), what).toEqual(about(index));
  expectSameBytes(await copy.toBytes(), await index.toBytes(), what);
  if (!index.isTrained) return;
  const filter = (label: number) => label % 2 === 0;
  for (const options of [{}, { k: 3, filter }, { k: 2000 }]) {
    const right = await index.search(queries, { ...options, stats: true });
    const actual = await copy.search(queries, { ...options, stats: true });
    expectSameNeighbors(actual, right, what);
    expect(actual.stats, what).toEqual(right.stats);
  }
  expectSameNeighbors(await copy.rangeSearch(queries, 1.5), await index.rangeSearch(queries, 1.5), what);
}

describe('a round trip', () => {
  it.each(descriptions.flatMap((description) => metrics.map((metric) => [description, metric] as const)))(
    'keeps all there is, and how it goes on: %s, %s',
    async (description, metric) => {
      const config = { metric, efSearch: 12, refineFactor: 2.5, seed: 4_294_967_295 };
      using index = await filled(description, rows(0, 900), config);
      await index.add(queries.subarray(0, 3 * dim), { keys: ['', 'café ☕ 𝕏', 'NUL \0'], labels: [5000, 3, 899] });
      await index.remove([0, 7, ...Array.from({ length: 100 }, (_, i) => 10 + 3 * i)]);
      const made = await copies(index);
      const steps: ((one: CodedGraphIndex) => Promise<unknown>)[] = [
        async () => {},
        (one) => one.add(rows(900, 960), { labels: Array.from({ length: 60 }, (_, i) => 11 * i) }),
        (one) => one.compact(),
        (one) => one.add(rows(960, 961)),
      ];
      for (const [i, step] of steps.entries()) {
        await step(index);
        for (const [name, copy] of Object.entries(made)) {
          await step(copy);
          await expectAlike(copy, index, `${name} after step ${i}`);
          expect([5000, 3, 1].map((label) => copy.keyOf(label))).toEqual(['', 'café ☕ 𝕏', undefined]);
          for (const label of [1, 3]) expect(await copy.reconstruct(label)).toEqual(await index.reconstruct(label));
        }
      }
      for (const copy of Object.values(made)) copy.close();
    },
  );

  const lives: Record<string, (index: CodedGraphIndex) => Promise<unknown>> = {
    'no training': async () => {},
    'no row': (index) => index.train(many),
    'one row': async (index) => {
      await index.train(many);
      await index.add(rows(0, 1));
    },
    'rows that are gone': async (index) => {
      await index.train(many);
      await index.remove(await index.add(rows(0, 3)));
      await index.compact();
    },
  };

  it.each(Object.keys(lives))('of an index with %s', async (life) => {
    for (const description of ['HNSW6,PQ4x4', 'OPQ4,HNSW6,PQ4x4,RFlat']) {
      using index = coded(description);
      await lives[life]!(index);
      for (const [name, copy] of Object.entries(await copies(index))) {
        await expectAlike(copy, index, name);
        copy.close();
      }
    }
  });

  it('is told about by readInfo', async () => {
    const path = fresh();
    using index = await filled('PCA12,HNSW6,PQ6x4,RFlat', rows(0, 300));
    await index.remove([1]);
    await index.save(path);
    const info = await readInfo(path);
    const graph = { M: 6, efConstruction: 24, efSearch: 16, traversal: 'pq', traversalBytes: 4 };
    expect(info).toMatchObject({ description: 'PCA12,HNSW6,PQ6x4,RFlat', size: 299, dead: 1, graph });
    const own = ['codeShift', 'codeScale', 'centroids', 'buildShift', 'buildScale', 'codes', 'upperLinks', 'links', 'vectors'];
    expect(info.sections.map(({ name }) => name)).toEqual(['labels', 'serials', 'live', 'mean0', 'matrix0', ...own]);
  });

  it('keeps vectors in the file, where they are asked for there', async () => {
    const path = fresh();
    using index = await filled('HNSW6,PQ8,RFlat', rows(0, 300));
    await index.save(path);
    using disk = await openIndex(path, { engine, originals: 'disk' });
    expect(disk.memory.originals).toBe(0);
    expect(index.memory.originals).toBe(300 * dim * 4);
    expectSameNeighbors(await disk.search(queries), await index.search(queries));
  });
});

const outcome = async (bytes: Uint8Array): Promise<string> => {
  try {
    (await fromBytes(bytes, { engine })).close();
    return 'an index';
  } catch (error) {
    return hasCode(error, 'bad-file') ? 'bad-file' : String(error);
  }
};

const victims = ['HNSW4,PQ4x4', 'PCA8,HNSW4,PQ2,RFlat'];

it.each(victims)('cuts and flipped bits are bad-file, and leave nothing behind: %s', async (description) => {
  const used = engine.usedBytes;
  const index = await filled(description, rows(0, 130));
  const bytes = await index.toBytes();
  index.close();
  const wrong: string[] = [];
  for (let length = 0; length < bytes.length; length += 320) {
    if ((await outcome(bytes.subarray(0, length))) !== 'bad-file') wrong.push(`cut at ${length}`);
  }
  for (let bit = 0; bit < 8 * bytes.length; bit += bit < 8 * 1536 ? 5 : 307) {
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
  (section: string, value: number): Change =>
  ({ sections }) =>
    void (sections[section] = bytesOf(new Float32Array(sections[section]!.length / 4).fill(value)));

const lies: Record<string, Change> = {
  'a link to the row behind the last': word('links', 8, 130),
  'a link just below none': word('links', 0, NONE - 1),
  'an upper link outside': word('upperLinks', 0, 130),
  'an upper link to a node below': word('upperLinks', 0, 129),
  'the entry outside': state({ entry: 130 }),
  'an entry level too high': state({ entryLevel: 9 }),
  'a live bit past the rows': word('live', -1, 1 << 31),
  'one row fewer live': state({ live: 129 }),
  'serials out of order': word('serials', 7, 3),
  'a serial beyond the next one': word('serials', -1, 130),
  'one row more': state({ count: 131 }),
  'one row fewer': state({ count: 129 }),
  'rows, and no training': state({ trained: 0 }),
  'a link row too few': shorter('links', 4 * 8),
  'a link too many': longer('links', 4),
  'an upper row too few': shorter('upperLinks', 4 * 4),
  'an upper row too many': longer('upperLinks', 4 * 4),
  'a code too few': shorter('codes', 4),
  'a code too many': longer('codes', 4),
  'a centroid too few': shorter('centroids', 8),
  'a shift too short': shorter('buildShift', 4),
  'no scale': ({ sections }) => void (sections.buildScale = new Uint8Array(0)),
  'a scale of 0': floats('buildScale', 0),
  'a scale of NaN': floats('codeScale', Number.NaN),
  'a shift of Infinity': floats('buildShift', Number.POSITIVE_INFINITY),
  'a form that the metric has not': state({ form: 1 }),
  'the form of no codes': state({ form: 2 }),
  'an unknown form': state({ form: 5 }),
  'an efConstruction of 0': state({ efConstruction: 0 }),
  'an efSearch of 65,537': state({ efSearch: 65_537 }),
  'a refineFactor below 1': state({ refineThousandths: 999 }),
  'another M': ({ header }) => void (header.description = header.description.replace('HNSW4', 'HNSW5')),
  'no graph': ({ header }) => void (header.description = header.description.replace('HNSW4,', '')),
  'no codec': ({ header }) => void (header.description = 'HNSW4'),
  'a codec that graphs do not take': ({ header }) => void (header.description = 'HNSW4,SQ4'),
  'another metric': ({ header }) => void (header.metric = 'ip'),
  'another dim': ({ header }) => void (header.dim = dim - 4),
  'another seed, which draws other levels': ({ header }) => void (header.seed = 2),
  'no sinceRepair': ({ header }) => void delete header.state.sinceRepair,
  'sections in another order': ({ header }) => void header.sections.reverse(),
};

it.each(victims)('a file that lies under a right checksum is bad-file: %s', async (description) => {
  const used = engine.usedBytes;
  const index = await filled(description, rows(0, 130));
  const bytes = await index.toBytes();
  index.close();
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
