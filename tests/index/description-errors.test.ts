/** What is said of index descriptions that are none: each error points at the character that is wrong. */
import { describe, expect, it } from 'vitest';
import { type DescriptionConfig, parseDescription } from '../../src/index/description.ts';
import { failsWith } from './helpers.ts';

const TRANSFORMS = 'OPQ<M>, PCA<d>, RR';
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

describe('an error points at the character that is wrong', () => {
  it('under the description', () => {
    expectRefused(
      () => parseDescription('OPQ32,HNWS16,PQ32'),
      "the index description 'OPQ32,HNWS16,PQ32' is not understood at character 7, 'HNWS16': expected OPQ<M>, PCA<d>, RR, " +
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
