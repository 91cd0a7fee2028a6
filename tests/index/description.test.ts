/** Index descriptions: what is understood, how it is printed again, and which dimensions it fits. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Codec,
  checkAgainstDim,
  type Description,
  type DescriptionConfig,
  parseDescription,
  printDescription,
  type Structure,
  type TransformPart,
} from '../../src/index/description.ts';
import { hasCode } from '../../src/util/errors.ts';
import { failsWith } from './helpers.ts';

const flat = { kind: 'Flat' } as const;
const pq32 = { kind: 'PQ', M: 32, nBits: 8 } as const;
const opq32 = { kind: 'OPQ', M: 32, dimOut: undefined } as const;
const hnsw = (M: number) => ({ kind: 'HNSW', M }) as const;
const ivf = (nlist: number) => ({ kind: 'IVF', nlist }) as const;

describe('a description is parsed, and printed as', () => {
  it.each<[string, string, Partial<Description>]>([
    ['Flat', 'Flat', {}],
    ['HNSW32', 'HNSW32', { structure: hnsw(32) }],
    ['HNSW32,Flat', 'HNSW32', { structure: hnsw(32) }],
    ['HNSW2,SQ8', 'HNSW2,SQ8', { structure: hnsw(2), codec: { kind: 'SQ', bits: 8 } }],
    ['HNSW512', 'HNSW512', { structure: hnsw(512) }],
    ['IVF1,Flat', 'IVF1,Flat', { structure: ivf(1) }],
    ['IVF1048576,PQ4096', 'IVF1048576,PQ4096', { structure: ivf(2 ** 20), codec: { kind: 'PQ', M: 4096, nBits: 8 } }],
    ['PQ32', 'PQ32', { codec: pq32 }],
    ['PQ32x8', 'PQ32', { codec: pq32 }],
    ['PQ32x4', 'PQ32x4', { codec: { ...pq32, nBits: 4 } }],
    ['PQ32x4fs', 'PQ32x4', { codec: { ...pq32, nBits: 4 } }],
    ['SQ4', 'SQ4', { codec: { kind: 'SQ', bits: 4 } }],
    ['SQfp16', 'SQfp16', { codec: { kind: 'f16' } }],
    ['f16', 'SQfp16', { codec: { kind: 'f16' } }],
    ['LVQ4', 'LVQ4', { codec: { kind: 'LVQ', bits: 4 } }],
    ['LVQ8,RFlat', 'LVQ8,RFlat', { codec: { kind: 'LVQ', bits: 8 }, refine: 'Flat' }],
    ['LSH64', 'LSH64', { structure: { kind: 'LSH', nBits: 64 } }],
    ['LSH,RFlat', 'LSH,RFlat', { structure: { kind: 'LSH', nBits: undefined }, refine: 'Flat' }],
    ['PQ32,Refine(Flat)', 'PQ32,RFlat', { codec: pq32, refine: 'Flat' }],
    ['PCA64,Flat,RFlat', 'PCA64,Flat,RFlat', { transforms: [{ kind: 'PCA', dimOut: 64 }], refine: 'Flat' }],
    ['PCA64,HNSW8,RFlat', 'PCA64,HNSW8,RFlat', { transforms: [{ kind: 'PCA', dimOut: 64 }], structure: hnsw(8), refine: 'Flat' }],
    ['OPQ32_768,IVF16,PQ32', 'OPQ32_768,IVF16,PQ32', { transforms: [{ ...opq32, dimOut: 768 }], structure: ivf(16), codec: pq32 }],
    [
      'L2norm,RR,RR64,LSH',
      'L2norm,RR,RR64,LSH',
      {
        transforms: [{ kind: 'L2norm' }, { kind: 'RR', dimOut: undefined }, { kind: 'RR', dimOut: 64 }],
        structure: { kind: 'LSH', nBits: undefined },
      },
    ],
    ['OPQ32,HNSW16,PQ32,RFlat', 'OPQ32,HNSW16,PQ32,RFlat', { transforms: [opq32], structure: hnsw(16), codec: pq32, refine: 'Flat' }],
  ])('%s: %s', (text, printed, tree) => {
    const parsed = parseDescription(text);
    expect(parsed).toEqual({ transforms: [], structure: flat, codec: flat, refine: undefined, ...tree });
    expect(printDescription(parsed)).toBe(printed);
  });

  it.each<[string, DescriptionConfig, string]>([
    ['HNSW', {}, 'HNSW32'],
    ['HNSW', { M: 7 }, 'HNSW7'],
    ['HNSW,SQ8', { M: 7 }, 'HNSW7,SQ8'],
    ['HNSW6', { M: 6 }, 'HNSW6'],
    ['IVF', {}, 'IVF1024,Flat'],
    ['IVF', { nlist: 5 }, 'IVF5,Flat'],
    ['IVF,PQ', { nlist: 5, nSubquantizers: 8, nBits: 4 }, 'IVF5,PQ8x4'],
    ['PCA3,IVF,RFlat', {}, 'PCA3,IVF1024,Flat,RFlat'],
    ['LSH', {}, 'LSH'],
    ['LSH', { nBits: 99 }, 'LSH99'],
    ['PQ', {}, 'PQ32'],
    ['PQ16', { nBits: 4 }, 'PQ16x4'],
    ['PQ16x8', { nBits: 8, nSubquantizers: 16 }, 'PQ16'],
    ['PQ', { refine: 'memory' }, 'PQ32,RFlat'],
    ['PQ', { refine: 'disk' }, 'PQ32,RFlat'],
    ['PQ,RFlat', { refine: 'disk' }, 'PQ32,RFlat'],
    ['PQ', { refine: false }, 'PQ32'],
    ['Flat', { M: -1, nlist: 0, nSubquantizers: 0, nBits: 3, refine: false }, 'Flat'],
    ['OPQ+HNSW', {}, 'OPQ32,HNSW16,PQ32'],
    ['OPQ+HNSW,RFlat', {}, 'OPQ32,HNSW16,PQ32,RFlat'],
    ['OPQ+HNSW', { nSubquantizers: 8, nBits: 4, M: 5, refine: 'disk' }, 'OPQ8,HNSW5,PQ8x4,RFlat'],
  ])('%s with %j: %s', (text, config, printed) => {
    const parsed = parseDescription(text, config);
    expect(printDescription(parsed)).toBe(printed);
    expect(parseDescription(printed)).toEqual(parsed);
  });
});

describe('random trees', () => {
  const upTo = (most: number, least = 1) => fc.integer({ min: least, max: most });
  const maybe = (most: number) => fc.option(upTo(most), { nil: undefined });
  const transform: fc.Arbitrary<TransformPart> = fc.oneof(
    fc.record({ kind: fc.constant('OPQ'), M: upTo(4096), dimOut: maybe(4096) }),
    fc.record({ kind: fc.constant('PCA'), dimOut: upTo(4096) }),
    fc.record({ kind: fc.constant('RR'), dimOut: maybe(4096) }),
    fc.constant({ kind: 'L2norm' } as const),
  );
  const lsh: fc.Arbitrary<Structure> = fc.record({ kind: fc.constant('LSH'), nBits: maybe(32_768) });
  const structure: fc.Arbitrary<Structure> = fc.oneof(
    fc.constant(flat),
    fc.record({ kind: fc.constant('IVF'), nlist: upTo(2 ** 20) }),
    fc.record({ kind: fc.constant('HNSW'), M: upTo(512, 2) }),
  );
  const codec: fc.Arbitrary<Codec> = fc.oneof(
    fc.constant(flat),
    fc.constant({ kind: 'f16' } as const),
    fc.record({ kind: fc.constantFrom('SQ', 'LVQ'), bits: fc.constantFrom(4, 8) }),
    fc.record({ kind: fc.constant('PQ'), M: upTo(4096), nBits: fc.constantFrom(4, 8) }),
  );
  const tree: fc.Arbitrary<Description> = fc
    .record({
      transforms: fc.array(transform, { maxLength: 4 }),
      body: fc.oneof(fc.tuple(structure, codec), fc.tuple(lsh, fc.constant(flat))),
      refined: fc.boolean(),
    })
    .map(({ transforms, body: [structure, codec], refined }) => {
      const loses = transforms.length > 0 || structure.kind === 'LSH' || codec.kind !== 'Flat';
      return { transforms, structure, codec, refine: refined && loses ? 'Flat' : undefined };
    });

  it('survive being printed and parsed', () => {
    fc.assert(
      fc.property(tree, (one) => {
        expect(parseDescription(printDescription(one))).toEqual(one);
      }),
      { numRuns: 1000 },
    );
  });

  it('with one character changed are understood, and print canonically, or fail with a caret inside', () => {
    const change = fc.record({ at: fc.nat(), by: fc.constantFrom('', ',', ' ', '0', '9', 'x', 'P', 'Q', '_', '-', 'é', '\n') });
    fc.assert(
      fc.property(tree, change, (one, { at, by }) => {
        const text = printDescription(one);
        const begin = at % (text.length + 1);
        expectUnderstoodOrPointed(`${text.slice(0, begin)}${by}${text.slice(begin + 1)}`);
      }),
      { numRuns: 1000 },
    );
  });

  it('have nothing to do with most strings', () => {
    fc.assert(fc.property(fc.string({ maxLength: 40, unit: 'binary' }), expectUnderstoodOrPointed));
  });

  function expectUnderstoodOrPointed(text: string): void {
    let parsed: Description;
    try {
      parsed = parseDescription(text);
    } catch (error) {
      expect(hasCode(error, 'bad-argument')).toBe(true);
      const { message } = error as Error;
      if (text === '') return;
      const caret = message.length - 1 - message.lastIndexOf('\n') - 3;
      expect(message).toMatch(/\^$/);
      expect(caret).toBeGreaterThanOrEqual(0);
      expect(caret).toBeLessThanOrEqual(text.length);
      expect(message).toContain(`at character ${caret + 1},`);
      return;
    }
    const printed = printDescription(parsed);
    expect(parseDescription(printed)).toEqual(parsed);
  }
});

describe('against the dimension of the vectors', () => {
  it.each<[string, number, number[]]>([
    ['Flat', 7, []],
    ['PQ25', 100, []],
    ['OPQ32,PQ32', 784, [768]],
    ['OPQ32,PQ32', 100, [96]],
    ['OPQ32,PQ16', 100, [96]],
    ['OPQ32,PQ32', 32, [32]],
    ['OPQ+HNSW', 63, [32]],
    ['OPQ32_64,PQ32', 100, [64]],
    ['PCA96,OPQ32,PQ32', 100, [96, 96]],
    ['RR,RR64,L2norm,PCA64,SQ8', 100, [100, 64, 64, 64]],
  ])('%s of %i', (text, dim, dims) => {
    expect(checkAgainstDim(parseDescription(text), dim)).toEqual({ dims });
  });

  it.each<[string, number, string]>([
    ['PQ32', 100, 'PQ32 needs a dim that is a multiple of 32, but it is 100; give PQ25 or OPQ32,PQ32'],
    ['PQ32', 20, 'PQ32 needs a dim that is a multiple of 32, but it is 20; give PQ20'],
    ['PQ5', 12, 'PQ5 needs a dim that is a multiple of 5, but it is 12; give PQ4 or OPQ5,PQ5'],
    ['IVF16,PQ32x4', 784, 'PQ32x4 needs a dim that is a multiple of 32, but it is 784; give IVF16,PQ28x4 or OPQ32,IVF16,PQ32x4'],
    ['PCA7,PQ2', 8, 'PQ2 needs a dim that is a multiple of 2, but it is 7 after PCA7; give PCA7,PQ1 or PCA7,OPQ2,PQ2'],
    ['OPQ32,PQ64', 100, 'PQ64 needs a dim that is a multiple of 64, but it is 96 after OPQ32; give OPQ32,PQ48 or OPQ64,PQ64'],
    ['OPQ32,Flat', 20, 'OPQ32 needs a dim of 32 at least, but it is 20; give OPQ20 or one with a smaller M'],
    ['OPQ32_40,Flat', 20, 'OPQ32_40 needs a dim of 32 at least, but it is 20; give OPQ20 or one with a smaller M'],
    ['OPQ32_100,Flat', 784, 'OPQ32_100 needs a d that is a multiple of 32; give OPQ32_96'],
    ['OPQ32_20,Flat', 784, 'OPQ32_20 needs a d that is a multiple of 32; give OPQ32_32'],
    [
      'OPQ32_128,Flat',
      100,
      'OPQ32_128 gives vectors more dimensions than their 100: FAISS would pad with zeros, which cost memory and time and say nothing; give OPQ32_96',
    ],
    ['PCA101,Flat', 100, 'PCA101 needs a dim of 101 at least, but it is 100'],
    ['PCA64,RR65,Flat', 100, 'RR65 needs a dim of 65 at least, but it is 64'],
  ])('%s does not fit %i', (text, dim, message) => {
    expect(() => checkAgainstDim(parseDescription(text), dim)).toThrow(failsWith('bad-argument', message));
  });
});
