/** Index descriptions: what is understood and how it is printed again, and what is said of everything else. */
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

const TRANSFORMS = 'OPQ<M>, PCA<d>, RR, L2norm';
const STRUCTURES = 'IVF<nlist>, HNSW<M>, LSH';
const CODECS = 'Flat, SQ8, SQ4, SQfp16, PQ<M>, LVQ4';
const AFTER_TRANSFORM = `expected ${TRANSFORMS}, ${STRUCTURES}, ${CODECS} or LVQ8`;
const AT_START = `expected OPQ+HNSW, ${TRANSFORMS}, ${STRUCTURES}, ${CODECS} or LVQ8`;
const A_CODEC = `expected ${CODECS} or LVQ8`;
const CODEC_OR_END = `expected ${CODECS}, LVQ8 or the end`;
const NOTHING = 'there is nothing to refine, for the vectors are kept as they are';

/** The whole message of an error at a character, counted from 1. */
function messageAt(text: string, character: number, found: string, reason: string): string {
  return `the index description '${text}' is not understood at character ${character}, ${found}: ${reason}\n  ${text}\n  ${' '.repeat(character - 1)}^`;
}

function expectRefused(work: () => unknown, message: string): void {
  expect(work).toThrow(failsWith('bad-argument', message));
}

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

describe('an error points at the character that is wrong', () => {
  it('under the description', () => {
    expectRefused(
      () => parseDescription('OPQ32,HNWS16,PQ32'),
      "the index description 'OPQ32,HNWS16,PQ32' is not understood at character 7, 'HNWS16': expected OPQ<M>, PCA<d>, RR, L2norm, " +
        "IVF<nlist>, HNSW<M>, LSH, Flat, SQ8, SQ4, SQfp16, PQ<M>, LVQ4 or LVQ8; did you mean 'HNSW16'?\n" +
        '  OPQ32,HNWS16,PQ32\n' +
        '        ^',
    );
  });

  it.each<[string, number, string, string]>([
    // unknown parts
    ['XYZ', 1, "'XYZ'", AT_START],
    ['IVF16,XX', 7, "'XX'", A_CODEC],
    ['IVF,XX', 5, "'XX'", CODEC_OR_END],
    ['HNSW16,X', 8, "'X'", CODEC_OR_END],
    ['Flat,X', 6, "'X'", 'expected the end'],
    ['PQ8,X', 5, "'X'", 'expected RFlat or the end'],
    ['LSH,X', 5, "'X'", 'expected RFlat or the end'],
    ['PQ8,RFlat,X', 11, "'X'", 'expected the end'],
    ['PCA8,HNSW8,RFlat,X', 18, "'X'", 'expected the end'],
    // misspelled ones
    ['QP32', 1, "'QP32'", `${AT_START}; did you mean 'PQ32'?`],
    ['OQP32_64,PQ32', 1, "'OQP32_64'", `${AT_START}; did you mean 'OPQ<M>'?`],
    ['IFV1024,Flat', 1, "'IFV1024'", `${AT_START}; did you mean 'IVF1024'?`],
    ['PCAR64,Flat', 1, "'PCAR64'", `${AT_START}; did you mean 'PCA64'?`],
    ['SQ6', 1, "'SQ6'", `${AT_START}; did you mean 'SQ8'?`],
    ['fp16', 1, "'fp16'", `${AT_START}; did you mean 'f16'?`],
    ['PQ32,RFlt', 6, "'RFlt'", "expected RFlat or the end; did you mean 'RFlat'?"],
    ['PQ32,Refine(flat)', 6, "'Refine(flat)'", "expected RFlat or the end; did you mean 'Refine(Flat)'? Capitals matter"],
    // lower case
    ['hnsw32', 1, "'hnsw32'", `${AT_START}; did you mean 'HNSW32'? Capitals matter`],
    ['flat', 1, "'flat'", `${AT_START}; did you mean 'Flat'? Capitals matter`],
    ['opq+hnsw', 1, "'opq+hnsw'", `${AT_START}; did you mean 'OPQ+HNSW'? Capitals matter`],
    ['IVF16,pq8x4', 7, "'pq8x4'", `${A_CODEC}; did you mean 'PQ<M>'? Capitals matter`],
    // parts that are missing
    ['OPQ32', 6, 'its end', AFTER_TRANSFORM],
    ['OPQ32,', 7, 'its end', AFTER_TRANSFORM],
    ['IVF1024', 8, 'its end', A_CODEC],
    [',Flat', 1, 'where a part is missing', AT_START],
    ['IVF16,,RFlat', 7, 'where a part is missing', A_CODEC],
    ['HNSW16,', 8, 'its end', CODEC_OR_END],
    ['Flat,', 6, 'its end', 'expected the end'],
    // numbers
    ['OPQ', 4, 'its end', 'expected M, a number from 1 to 4096'],
    ['OPQ,PQ32', 4, "','", 'expected M, a number from 1 to 4096'],
    ['OPQ32_,PQ32', 7, "','", 'expected d, a number from 1 to 4096'],
    ['PCA,Flat', 4, "','", 'expected d, a number from 1 to 4096'],
    ['HNSW-3', 5, "'-3'", 'expected M, a number from 2 to 512'],
    ['HNSW+3', 5, "'+3'", 'expected M, a number from 2 to 512'],
    ['HNSWx', 5, "'x'", 'expected M, a number from 2 to 512'],
    ['OPQ+HNSW16', 4, "'+HNSW16'", 'expected M, a number from 1 to 4096'],
    ['HNSW6.5', 6, "'.5'", 'expected a comma or the end'],
    ['IVF1024_HNSW32,Flat', 8, "'_HNSW32'", 'expected a comma or the end'],
    ['HNSW016', 5, "'016'", 'numbers have no zeros in front'],
    ['PQ32,PQ00', 6, "'PQ00'", 'there is a codec already; expected RFlat or the end'],
    ['HNSW0', 5, "'0'", 'M must be from 2 to 512'],
    ['HNSW1,SQ8', 5, "'1'", 'M must be from 2 to 512'],
    ['HNSW513', 5, "'513'", 'M must be from 2 to 512'],
    ['IVF0,Flat', 4, "'0'", 'nlist must be from 1 to 1048576'],
    ['IVF1048577,Flat', 4, "'1048577'", 'nlist must be from 1 to 1048576'],
    ['IVF99999999999999999999,Flat', 4, "'99999999999999999999'", 'nlist must be from 1 to 1048576'],
    ['PQ0', 3, "'0'", 'M must be from 1 to 4096'],
    ['PQ4097x4', 3, "'4097'", 'M must be from 1 to 4096'],
    ['OPQ4097,Flat', 4, "'4097'", 'M must be from 1 to 4096'],
    ['OPQ8_4097,PQ8', 6, "'4097'", 'd must be from 1 to 4096'],
    ['PCA0,Flat', 4, "'0'", 'd must be from 1 to 4096'],
    ['RR4097,Flat', 3, "'4097'", 'd must be from 1 to 4096'],
    ['LSH0', 4, "'0'", 'nBits must be from 1 to 32768'],
    ['PQ32x5', 5, "'x5'", 'expected x4, x8, x4fs, a comma or the end'],
    ['PQ32x', 5, "'x'", 'expected x4, x8, x4fs, a comma or the end'],
    ['PQ32x44', 5, "'x44'", 'expected x4, x8, x4fs, a comma or the end'],
    // spaces
    ['HNSW6, SQ8', 7, "' '", 'there are no spaces in a description'],
    [' HNSW6', 1, "' '", 'there are no spaces in a description'],
    // order
    ['IVF16,HNSW16,Flat', 7, "'HNSW16'", `there is a structure already; ${A_CODEC}`],
    ['HNSW16,HNSW16', 8, "'HNSW16'", `there is a structure already; ${CODEC_OR_END}`],
    ['PQ32,IVF16', 6, "'IVF16'", 'the structure comes before the codec; expected RFlat or the end'],
    ['PQ32,OPQ32', 6, "'OPQ32'", 'transforms come before structure and codec; expected RFlat or the end'],
    ['IVF16,OPQ32,PQ32', 7, "'OPQ32'", `transforms come before structure and codec; ${A_CODEC}`],
    ['Flat,PQ32', 6, "'PQ32'", 'there is a codec already; expected the end'],
    ['LSH,PQ32', 5, "'PQ32'", 'LSH keeps bits of its own and takes no codec; expected RFlat or the end'],
    ['PCA3,HNSW4,RFlat,SQ8', 18, "'SQ8'", 'the codec comes before RFlat; expected the end'],
    ['PQ32,RFlat,RFlat', 12, "'RFlat'", 'RFlat comes once, after what it refines; expected the end'],
    ['RFlat', 1, "'RFlat'", `RFlat comes once, after what it refines; ${AT_START}`],
    ['HNSW32,OPQ+HNSW', 8, "'OPQ+HNSW'", `OPQ+HNSW is a whole description; ${CODEC_OR_END}`],
    ['PCA3,OPQ+HNSW', 6, "'OPQ+HNSW'", `OPQ+HNSW is a whole description; ${AFTER_TRANSFORM}`],
    ['OPQ+HNSW,PQ32', 10, "'PQ32'", 'there is a codec already; expected RFlat or the end'],
    // nothing to refine
    ['Flat,RFlat', 6, "'RFlat'", `${NOTHING}; expected the end`],
    ['IVF16,Flat,RFlat', 12, "'RFlat'", `${NOTHING}; expected the end`],
    ['HNSW16,RFlat', 8, "'RFlat'", `${NOTHING}; ${CODEC_OR_END}`],
    ['HNSW16,Flat,Refine(Flat)', 13, "'Refine(Flat)'", `${NOTHING}; expected the end`],
  ])('%j at %i', (text, character, found, reason) => {
    expectRefused(() => parseDescription(text), messageAt(text, character, found, reason));
  });

  it('in a description of two lines', () => {
    const message = "the index description 'Flat\nFlat' is not understood at character 5, '\n': there are no spaces in a description";
    expectRefused(() => parseDescription('Flat\nFlat'), `${message}\n  Flat Flat\n      ^`);
  });
});

describe('refused as a whole:', () => {
  it.each<[unknown, string]>([
    ['', "the index description is empty; give one such as 'Flat', 'HNSW32' or 'OPQ32,HNSW16,PQ32'"],
    [undefined, "the index description is undefined; give a string such as 'HNSW32'"],
    [32, "the index description is 32; give a string such as 'HNSW32'"],
    ['L2norm,'.repeat(40), 'the index description is 280 characters long; 256 are the most'],
  ])('%j', (text, message) => {
    expectRefused(() => parseDescription(text as string), message);
  });

  it.each<[string, DescriptionConfig, string]>([
    ['HNSW16', { M: 32 }, "the description 'HNSW16' says M 16, but M is 32; give one of them"],
    ['OPQ8,HNSW16,PQ8', { M: 15 }, "the description 'OPQ8,HNSW16,PQ8' says M 16, but M is 15; give one of them"],
    ['IVF16,Flat', { nlist: 8 }, "the description 'IVF16,Flat' says nlist 16, but nlist is 8; give one of them"],
    ['PQ32', { nSubquantizers: 16 }, "the description 'PQ32' says nSubquantizers 32, but nSubquantizers is 16; give one of them"],
    ['PQ32x4', { nBits: 8 }, "the description 'PQ32x4' says nBits 4, but nBits is 8; give one of them"],
    ['PQ32x8', { nBits: 4 }, "the description 'PQ32x8' says nBits 8, but nBits is 4; give one of them"],
    ['LSH64', { nBits: 8 }, "the description 'LSH64' says nBits 64, but nBits is 8; give one of them"],
    ['PQ32,RFlat', { refine: false }, "the description 'PQ32,RFlat' says RFlat, but refine is false; give one of them"],
    ['HNSW', { M: 1 }, 'M is 1; give an integer from 2 to 512'],
    ['HNSW', { M: 2.5 }, 'M is 2.5; give an integer from 2 to 512'],
    ['OPQ+HNSW', { M: Number.NaN }, 'M is NaN; give an integer from 2 to 512'],
    ['IVF', { nlist: 0 }, 'nlist is 0; give an integer from 1 to 1048576'],
    ['PQ', { nSubquantizers: 4097 }, 'nSubquantizers is 4097; give an integer from 1 to 4096'],
    ['PQ', { nBits: 5 }, 'nBits is 5; give 4 or 8'],
    ['PQ', { nBits: '8' as unknown as number }, 'nBits is 8; give 4 or 8'],
    ['LSH', { nBits: 0 }, 'nBits is 0; give an integer from 1 to 32768'],
    ['PQ', { refine: true as unknown as false }, "refine is true; give false, 'memory' or 'disk'"],
    ['HNSW', { refine: 'memory' }, `refine is given, but of 'HNSW' ${NOTHING}`],
  ])('%s with %j', (text, config, message) => {
    expectRefused(() => parseDescription(text, config), message);
  });
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
    ['IVF16,PQ32x4', 784, 'PQ32 needs a dim that is a multiple of 32, but it is 784; give IVF16,PQ28x4 or OPQ32,IVF16,PQ32x4'],
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
    expectRefused(() => checkAgainstDim(parseDescription(text), dim), message);
  });
});
