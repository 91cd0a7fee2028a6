/** Whole inputs of the kernels that scan rows of any code: inverted lists, tables of product quantisers. */
import { BLOCK, QUERY_BLOCK } from '../../src/kernels/cpu/block-dot.ts';
import { FORMS, isHalf, isSq8, NONE } from '../../src/kernels/graph.ts';
import { listScanScratchWords } from '../../src/kernels/list-scan.ts';
import { makeVectors, type Random, randomFrom } from '../contract/data.ts';
import { makeAdmitted, makeQueries, makeRows, SLOTS, shuffled } from './graph-cases.ts';

/** `few`: copies of five rows, so that most keys tie. `extremes`: the largest sums that tables may have. */
export type Rows = 'ordinary' | 'few' | 'equal' | 'extremes';

export interface ListShape {
  readonly nq: number;
  readonly nprobe: number;
  readonly form: number;
  readonly stride: number;
  readonly keep: number;
  /** Of the form lvq: the bits of each block. */
  readonly bits?: readonly number[];
  /** Rows of each list. */
  readonly lists: readonly number[];
  readonly rows: Rows;
  readonly filter: 'none' | 'half' | 'few' | 'nobody' | 'all';
  readonly withTerms: number;
  /** `flat`: list 0 alone. `gaps`: some probes are none. `alike`: queries mostly probe the same list as the one before. */
  readonly probing: 'flat' | 'lists' | 'gaps' | 'alike';
  /** `edge`: probe terms near the ends of i32, so that keys wrap. */
  readonly terms: 'zero' | 'signed' | 'edge';
}

/** Tables u16 [nq, m, ksub] as bytes: the largest entries of each m sum to 65535 at most. */
function makeTables(form: number, nq: number, stride: number, rows: Rows, random: Random): Int8Array {
  const [m, ksub] = form === FORMS.pq8 ? [stride, 256] : [2 * stride, 16];
  const most = Math.floor(65535 / m);
  const extra = rows === 'extremes' ? 65535 - most * m : 0;
  const entry = (at: number) => {
    if (rows === 'equal') return 7;
    if (rows !== 'extremes') return random.int(0, most);
    return (random() < 0.9 ? most : 0) + (at % (m * ksub) < ksub ? extra : 0);
  };
  return new Int8Array(Uint16Array.from({ length: nq * m * ksub }, (_, at) => entry(at)).buffer);
}

/** Weights i16 [nq, 2 stride] of the form sq4, as bytes. */
function makeWeights(nq: number, stride: number, rows: Rows, random: Random): Int8Array {
  const weight = rows === 'extremes' ? () => (random() < 0.8 ? -32768 : 32767) : () => random.int(-32768, 32767);
  return new Int8Array(Int16Array.from({ length: nq * 2 * stride }, weight).buffer);
}

/** Blocks of queries of the form lvq, as bytes. */
function makeBlocks(nq: number, bits: readonly number[], rows: Rows, random: Random): Int8Array {
  const bytes = new Int8Array(nq * bits.length * QUERY_BLOCK);
  const view = new DataView(bytes.buffer);
  const extreme = rows === 'extremes';
  for (let block = 0; block < nq * bits.length; block++) {
    const at = block * QUERY_BLOCK;
    for (let i = 0; i < BLOCK; i++)
      view.setInt16(at + 2 * i, extreme ? [-32768, 32767][random.int(0, 1)]! : random.int(-32768, 32767), true);
    view.setInt32(at + 64, extreme ? -(2 ** 31) : random.int(-(2 ** 24), 2 ** 24), true);
    view.setInt32(at + 68, bits[block % bits.length]!, true);
  }
  return bytes;
}

/** Codes of product quantisers use every byte, which SQ8 rows with their terms do not. */
function makePqCodes(n: number, stride: number, rows: Rows, random: Random): Int8Array {
  const codes = Int8Array.from({ length: n * stride }, () => random.int(-128, 127));
  const different = { ordinary: n, extremes: n, few: 5, equal: 1 }[rows];
  for (let row = different; row < n; row++) codes.copyWithin(row * stride, (row % different) * stride, ((row % different) + 1) * stride);
  return codes;
}

const TERMS: Record<ListShape['terms'], (random: Random) => number> = {
  zero: () => 0,
  signed: (random) => random.int(-(2 ** 20), 2 ** 20),
  edge: (random) => [2 ** 31 - 1, 2 ** 31 - 30_000, -(2 ** 31), 2 ** 31 - 70_000][random.int(0, 3)]!,
};

const PROBES: Record<ListShape['probing'], (random: Random, nlist: number, before: number) => number> = {
  flat: () => 0,
  lists: (random, nlist) => random.int(0, nlist - 1),
  gaps: (random, nlist) => (random() < 0.4 ? NONE : random.int(0, nlist - 1)),
  alike: (random, nlist, before) => (random() < 0.8 ? before : random() < 0.3 ? NONE : random.int(0, nlist - 1)),
};

/** Ids at random over the lists, in ascending order within each. */
function rowsOfLists(lists: readonly number[], random: Random): Uint32Array {
  const ids = shuffled(
    Array.from({ length: lists.reduce((sum, size) => sum + size, 0) }, (_, i) => i),
    random,
  );
  return Uint32Array.from(lists.flatMap((size) => ids.splice(0, size).sort((a, b) => a - b)));
}

function queriesOf(shape: ListShape, offset: number, random: Random): Int8Array {
  const { form, nq, stride, rows } = shape;
  if (isHalf(form)) return new Int8Array(makeVectors(rows === 'extremes' ? 'mixed' : 'normal', nq, stride / 2, offset).buffer);
  if (form === FORMS.lvq) return makeBlocks(nq, shape.bits!, rows, random);
  if (form === FORMS.sq4) return makeWeights(nq, stride, rows, random);
  return isSq8(form) ? makeQueries(form, nq, stride, rows, offset) : makeTables(form, nq, stride, rows, random);
}

export function listCase(shape: ListShape, offset: number) {
  const { nq, nprobe, form, stride, keep, lists, filter, withTerms, probing } = shape;
  const random = randomFrom(offset);
  const rows = rowsOfLists(lists, random);
  const n = rows.length;
  const sq8 = isSq8(form);
  const queries = queriesOf(shape, offset + 1, random);
  const filtered = filter === 'none' ? 0 : 1;
  const probes = new Uint32Array(nq * nprobe);
  for (let at = 0; at < probes.length; at++) probes[at] = PROBES[probing](random, lists.length, probes[at - 1] ?? 0);
  const offsets = new Uint32Array(lists.length + 1);
  for (const [i, size] of lists.entries()) offsets[i + 1] = offsets[i]! + size;
  const params = { nq, nprobe, form, stride, queryStride: queries.length / nq, keep, withTerms, filtered };
  const slotWords = listScanScratchWords(params);
  return {
    name: JSON.stringify({ ...shape, lists: lists.length > 8 ? `${lists.length} lists` : lists }),
    params: { ...params, slots: SLOTS, slotWords },
    arrays: {
      queries,
      codes: sq8 ? makeRows(form, n, stride, shape.rows, offset + 2) : makePqCodes(n, stride, shape.rows, random),
      rowTerms: withTerms ? Int32Array.from({ length: n }, () => random.int(-(2 ** 31), 2 ** 31 - 1)) : new Int32Array(1),
      rows,
      offsets,
      probes,
      probeTerms: Int32Array.from(probes, () => TERMS[shape.terms](random)),
      shifts: Uint32Array.from({ length: nq }, () => random.int(0, 31)),
      admitted: makeAdmitted(filter, Math.max(1, n), 0, random),
      keys: new Int32Array(nq * keep).fill(-999),
      ids: new Uint32Array(nq * keep).fill(999),
      scratch: new Uint32Array(SLOTS * slotWords),
    },
  };
}
