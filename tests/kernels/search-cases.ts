/** Whole inputs of the kernel graph-search. */
import { searchScratchWords } from '../../src/kernels/graph.ts';
import { randomFrom } from '../contract/data.ts';
import {
  type Filter,
  type GraphShape,
  layOut,
  makeAdmitted,
  makeLinks,
  makeQueries,
  makeRows,
  type RowKind,
  SLOTS,
} from './graph-cases.ts';

export interface SearchShape extends GraphShape {
  readonly nq: number;
  readonly form: number;
  readonly stride: number;
  readonly kind: RowKind;
  readonly filter: Filter;
  /** The level that is searched. */
  readonly level: number;
  readonly ef: number;
}

/** A case, and the links that its pages hold. */
export function searchCase(shape: SearchShape, offset: number) {
  const random = randomFrom(offset);
  const { nq, n, stride, form, degree, kind, filter, top, level, ef } = shape;
  const { links: lists, entry } = makeLinks(shape, random);
  const { basePages, ...blocks } = layOut(lists, degree, random);
  const filtered = filter === 'none' ? 0 : 1;
  const slotWords = searchScratchWords(n, form, stride, degree, ef, filtered === 1);
  return {
    name: JSON.stringify(shape),
    params: { nq, n, stride, form, degree, basePages, entry, entryLevel: top, level, ef, filtered, slots: SLOTS, slotWords },
    arrays: {
      queries: makeQueries(form, nq, stride, kind, offset + 1),
      codes: makeRows(form, n, stride, kind, offset + 2),
      ...blocks,
      admitted: makeAdmitted(filter, n, entry, random),
      keys: new Int32Array(nq * ef).fill(-999),
      ids: new Uint32Array(nq * ef).fill(999),
      stats: new Uint32Array(2 * nq).fill(999),
      scratch: new Uint32Array(SLOTS * slotWords),
    },
    lists,
  };
}
