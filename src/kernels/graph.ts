/**
 * What the kernels that walk, prune and join graphs share: how rows, links and their pages lie in memory.
 *
 *   codes  i8  [n, stride]: a row is what a node is scored by (graph-score.ts). SQ8 rows end in an i32, the row's term
 *   queries i8 [nq, queryStride(form, stride)]: rows without terms, or, in PQ forms, the lookup tables of queries
 *   links  u32 [slots · PAGE_ROWS, degree]: link rows, NONE behind the last link; upper levels use half of `degree` at most
 *   pages  u32 [⌈n / PAGE_ROWS⌉ + upper]: the slot of each page of 64 link rows. A write copies the pages that it changes,
 *          so a search that began before keeps its own. Row `node` of level 0 lies in page ⌊node / 64⌋; upper rows have
 *          pages of their own behind `basePages`
 *   upperRows u32 [n]: where a node's upper link rows begin, level 1 first; NONE for most nodes
 *
 * Node ids ascend with serials, so (key, id) orders as (key, serial) does. Ids are below 2^31.
 */
import { roundUp } from '../util/math.ts';

export const NONE = 0xffffffff;
export const PAGE_ROWS = 64;
/** Bytes at the end of an SQ8 row: its term. */
export const TERM_BYTES = 4;

/**
 * How rows are scored: the kernels' parameter `form`. `sq8` forms are exact i32, `f32` forms canonical distances. `pq` forms are
 * sums of lookups, within u16: byte i of a row is the code of subquantiser i (`pq8`), or holds the codes of 2i and 2i + 1,
 * the first in its low half (`pq4`). Their strides are multiples of 4. Graphs are searched on them, never built. `sq4` rows, of
 * lists alone, are numbers of 4 bits, scored by their dot product with a query's weights (cpu/nibble-dot.ts), and so
 * are `lvq` rows, whose blocks of 32 numbers have bits and scales of their own (cpu/block-dot.ts).
 * `f16` rows, of lists alone too, are 16-bit floats that queries f32 are compared with canonically (cpu/half-distance.ts).
 */
export const FORMS = { sq8L2: 0, sq8Ip: 1, f32L2: 2, f32Ip: 3, f32Cosine: 4, pq8: 5, pq4: 6, sq4: 7, lvq: 8, f16L2: 9, f16Ip: 10 } as const;
export type Form = (typeof FORMS)[keyof typeof FORMS];

export function isSq8(form: number): boolean {
  return form <= FORMS.sq8Ip;
}

export function isPq(form: number): boolean {
  return form === FORMS.pq8 || form === FORMS.pq4;
}

export function isHalf(form: number): boolean {
  return form === FORMS.f16L2 || form === FORMS.f16Ip;
}

/**
 * Bytes of a query: a row's, or its values as f32, or weights i16 of the numbers of 4 bits in one, or tables u16 [m, 256 (pq8) or 16 (pq4)] for the m
 * subquantisers of a row of `stride` bytes. Those of the form `lvq` do not follow from the stride.
 */
export function queryStride(form: number, stride: number): number {
  if (form === FORMS.sq4) return 4 * stride;
  if (isHalf(form)) return 2 * stride;
  if (!isPq(form)) return stride;
  return 2 * (form === FORMS.pq8 ? stride * 256 : 2 * stride * 16);
}

/** Bytes of an SQ8 row of `dim` codes: whole cache lines, or a part of one that rows do not straddle. */
export function sq8Stride(dim: number): number {
  const bytes = dim + TERM_BYTES;
  if (bytes > 32) return roundUp(bytes, 64);
  return bytes > 16 ? 32 : 16;
}

/** With rows that may be walked but not returned, the beam holds at most so many times `ef`: a constant of the specification. */
export const BEAM_FACTOR = 4;

/** Entries that a beam may hold. */
export function beamCapacity(ef: number, filtered: boolean): number {
  return filtered ? BEAM_FACTOR * ef : ef;
}

/** Bytes of a query made ready for scoring: SQ8 widened to i16, the tables of `pq4` joined in pairs to ones of 256 entries. */
function openedBytes(form: number, stride: number): number {
  return roundUp(stride * (form === FORMS.pq4 ? 512 : 2), 64);
}

/** Words of scratch of a search: a lock, the visited bits, the query made ready, a list of ids, their keys, the beam. */
export function searchScratchWords(n: number, form: number, stride: number, degree: number, ef: number, filtered: boolean): number {
  const visited = roundUp(Math.ceil(n / 8), 64);
  const list = roundUp(4 * (degree + 4), 64);
  const beam = roundUp(8 * (beamCapacity(ef, filtered) + 3), 64);
  return (64 + visited + openedBytes(form, stride) + 2 * list + beam) / 4;
}

/** Words of scratch for choosing among `most` candidates: a lock, a row widened, the sorted candidates, ids and keys. */
export function selectScratchWords(stride: number, most: number): number {
  return (64 + 2 * stride + roundUp(8 * (most + 2), 64) + roundUp(8 * (most + 8), 64)) / 4;
}
