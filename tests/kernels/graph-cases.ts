/** Made-up rows, graphs and filters for the tests of the graph kernels. */
import { FORMS, isPq, isSq8, NONE, PAGE_ROWS } from '../../src/kernels/graph.ts';
import { type Kind, makeVectors, type Random, randomFrom } from '../contract/data.ts';

/** Slots of scratch: more than any engine of the tests has threads. */
export const SLOTS = 6;

/** Fills slots of links that no page names: a kernel that goes there goes out of memory. */
const NOWHERE = 0x7ffffff0;

/**
 * `few`: copies of five rows. `terms`: SQ8 rows whose terms are not what their codes say; tables of so few values that most
 * keys tie. `extremes`: sums of lookups up to 65535, codes at the ends of their range.
 */
export type RowKind = 'ordinary' | 'extremes' | 'few' | 'equal' | 'terms';

const FLOATS: Record<RowKind, Kind> = { ordinary: 'normal', extremes: 'mixed', few: 'normal', equal: 'normal', terms: 'zeros' };
const COPIES: Partial<Record<RowKind, number>> = { few: 5, equal: 1 };

/** Rows i8 [n, stride] of a form. */
export function makeRows(form: number, n: number, stride: number, kind: RowKind, offset: number): Int8Array {
  const rows = distinctRows(form, n, stride, kind, offset);
  for (let row = COPIES[kind] ?? n; row < n; row++) {
    const from = ((row * 7919) % COPIES[kind]!) * stride;
    rows.copyWithin(row * stride, from, from + stride);
  }
  return rows;
}

function distinctRows(form: number, n: number, stride: number, kind: RowKind, offset: number): Int8Array {
  if (isPq(form)) return pqRows(n * stride, kind, randomFrom(offset));
  return isSq8(form) ? sq8Rows(form, n, stride, kind, randomFrom(offset)) : floatRows(n, stride, kind, offset);
}

/** Any bytes, or, in `extremes`, those whose halves are all ones or zeros. */
function pqRows(length: number, kind: RowKind, random: Random): Int8Array {
  return Int8Array.from({ length }, () => (kind === 'extremes' ? [0, -1, 0x0f, -0x10][random.int(0, 3)]! : random.int(-128, 127)));
}

/** Queries i8 [nq, queryStride]: rows without terms, or tables. */
export function makeQueries(form: number, nq: number, stride: number, kind: RowKind, offset: number): Int8Array {
  if (isPq(form)) return makeTables(form, nq, stride, kind, randomFrom(offset));
  const queries = makeRows(form, nq, stride, kind === 'few' || kind === 'equal' ? 'ordinary' : kind, offset);
  return isSq8(form) ? withoutTerms(queries, stride) : queries;
}

/** Tables u16 [nq, m, ksub] as bytes: no sum of theirs passes 65535, and in `extremes` the first and the last code come to it. */
function makeTables(form: number, nq: number, stride: number, kind: RowKind, random: Random): Int8Array {
  const [m, ksub] = form === FORMS.pq8 ? [stride, 256] : [2 * stride, 16];
  const most = Math.floor(65535 / m);
  const tables = new Uint16Array(nq * m * ksub);
  for (let at = 0; at < tables.length; at++) {
    const code = at % ksub;
    const end = code === 0 || code === ksub - 1;
    const first = Math.floor(at / ksub) % m === 0;
    if (kind !== 'extremes') tables[at] = random.int(0, kind === 'terms' ? 1 : most);
    else if (end) tables[at] = most + (first ? 65535 - most * m : 0) - (random() < 0.1 ? 1 : 0);
  }
  return new Int8Array(tables.buffer);
}

function withoutTerms(rows: Int8Array, stride: number): Int8Array {
  for (let end = stride; end <= rows.length; end += stride) rows.fill(0, end - 4, end);
  return rows;
}

function floatRows(n: number, stride: number, kind: RowKind, offset: number): Int8Array {
  return new Int8Array(makeVectors(FLOATS[kind], n, stride / 4, offset).buffer);
}

function sq8Rows(form: number, n: number, stride: number, kind: RowKind, random: Random): Int8Array {
  const code = kind === 'extremes' ? () => (random() < 0.5 ? -128 : 127) : () => random.int(-128, 127);
  const rows = withoutTerms(Int8Array.from({ length: n * stride }, code), stride);
  const words = new DataView(rows.buffer);
  for (let row = 0; row < n; row++) {
    const squares = rows.subarray(row * stride, (row + 1) * stride).reduce((sum, c) => sum + c * c, 0);
    const term = form === 0 ? squares : 0;
    words.setInt32((row + 1) * stride - 4, kind === 'terms' ? random.int(-(2 ** 28), 2 ** 28) : term, true);
  }
  return rows;
}

/** What links each node has on each level: `links[node][level]`, one list more than the level of the node. */
export type LinkLists = readonly (readonly (readonly number[])[])[];

/** `ring`: every node is within reach of every other. `hub`: all link to one node alone. */
export type Shape = 'random' | 'full' | 'ring' | 'path' | 'isolated' | 'hub';

type Linking = (random: Random, peers: readonly number[], at: number, most: number) => number[];

const LINKING: Record<Shape, Linking> = {
  random: (random, peers, at, most) => others(random, peers, at, random.int(0, most)),
  full: (random, peers, at, most) => others(random, peers, at, most),
  ring: (random, peers, at, most) => {
    const next = peers[(at + 1) % peers.length]!;
    const rest = others(random, peers, at, random.int(0, most - 1)).filter((id) => id !== next);
    return next === peers[at] ? rest : shuffled([next, ...rest], random);
  },
  path: (_, peers, at) => peers.slice(at + 1, at + 2),
  isolated: () => [],
  hub: (random, peers, at, most) => (at ? [peers[0]!] : others(random, peers, at, most)),
};

/** At most `count` of the peers but for the one at `at`. */
function others(random: Random, peers: readonly number[], at: number, count: number): number[] {
  const found = new Set<number>();
  for (let tries = 0; found.size < Math.min(count, peers.length - 1) && tries < 20 * count; tries++) {
    found.add(peers[random.int(0, peers.length - 1)]!);
    found.delete(peers[at]!);
  }
  return [...found];
}

export function shuffled<T>(list: readonly T[], random: Random): T[] {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const j = random.int(0, i);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}

export interface GraphShape {
  readonly n: number;
  readonly degree: number;
  readonly shape: Shape;
  /** The highest level. */
  readonly top: number;
}

/** A graph's links, and the node where it is entered: one on the highest level. */
export function makeLinks({ n, degree, shape, top }: GraphShape, random: Random): { links: LinkLists; entry: number } {
  const entry = random.int(0, n - 1);
  const levels = Array.from({ length: n }, (_, node) => {
    let level = node === entry ? top : 0;
    while (level < top && random() < 0.3) level++;
    return level;
  });
  const links: number[][][] = levels.map(() => []);
  for (let level = 0; level <= top; level++) {
    const peers = levels.flatMap((highest, node) => (highest >= level ? [node] : []));
    const most = level === 0 ? degree : degree >> 1;
    for (const [at, node] of peers.entries()) links[node]!.push(LINKING[shape](random, peers, at, most));
  }
  return { links, entry };
}

/** Links as kernels take them, with pages in slots at random and upper rows in any order. */
export function layOut(lists: LinkLists, degree: number, random: Random) {
  const n = lists.length;
  const upperRows = new Uint32Array(n).fill(NONE);
  let upperCount = 0;
  for (const node of shuffled([...lists.keys()], random)) {
    const above = lists[node]!.length - 1;
    if (above === 0) continue;
    upperRows[node] = upperCount;
    upperCount += above;
  }
  const basePages = Math.ceil(n / PAGE_ROWS);
  const pageCount = basePages + Math.max(1, Math.ceil(upperCount / PAGE_ROWS));
  const spare = 3;
  const slots = shuffled([...new Uint32Array(pageCount + spare).keys()], random);
  const pages = Uint32Array.from(slots.slice(spare));
  const words = PAGE_ROWS * degree;
  const links = new Uint32Array(slots.length * words).fill(NOWHERE);
  for (const slot of pages) links.fill(NONE, slot * words, (slot + 1) * words);
  for (const [node, levels] of lists.entries()) {
    for (const [level, ids] of levels.entries()) {
      const row = level === 0 ? node : upperRows[node]! + level - 1;
      const page = pages[(level === 0 ? 0 : basePages) + Math.floor(row / PAGE_ROWS)]!;
      links.set(ids, page * words + (row % PAGE_ROWS) * degree);
    }
  }
  return { links, pages, upperRows, basePages };
}

/** Which nodes may be returned; undefined where there is no filter. */
export type Filter = 'none' | 'all' | 'half' | 'few' | 'entry excluded' | 'entry alone' | 'nobody';

const ADMITTED: Record<Exclude<Filter, 'none'>, (random: Random, node: number, entry: number) => boolean> = {
  all: () => true,
  half: (random) => random() < 0.5,
  few: (random) => random() < 0.03,
  'entry excluded': (random, node, entry) => random() < 0.8 && node !== entry,
  'entry alone': (_, node, entry) => node === entry,
  nobody: () => false,
};

/** Bits of the nodes that may be returned; behind them bits are set that belong to nobody. */
export function makeAdmitted(filter: Filter, n: number, entry: number, random: Random): Uint32Array {
  const bits = new Uint32Array(Math.ceil(n / 32)).fill(0xffffffff);
  if (filter === 'none') return bits.fill(0x12345678);
  for (let node = 0; node < n; node++) {
    if (!ADMITTED[filter](random, node, entry)) bits[node >> 5]! &= ~(1 << (node & 31));
  }
  return bits;
}

/** The forms that graphs are built on, with the strides that tests give them: rows of f32 forms are whole lines. */
export const FORM_STRIDES: readonly (readonly [form: number, stride: number])[] = [0, 1, 2, 3, 4].flatMap((form) =>
  (isSq8(form) ? [16, 32, 64, 128, 832] : [64, 128, 832]).map((stride) => [form, stride] as const),
);

/** The forms that graphs are searched on. */
export const SEARCH_STRIDES: typeof FORM_STRIDES = [
  ...FORM_STRIDES,
  ...[FORMS.pq8, FORMS.pq4].flatMap((form) => [4, 12, 32, 36, 64].map((stride) => [form, stride] as const)),
];
