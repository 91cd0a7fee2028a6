import { FORMS, isHalf, isSq8, NONE } from '../graph.ts';
import type { ParamsOf } from '../kernel.ts';
import { blockDot } from './block-dot.ts';
import { orderedBits, Scorer } from './graph-score.ts';
import { halfDistance } from './half-distance.ts';
import { nibbleDot } from './nibble-dot.ts';
import { pqSum } from './pq-sum.ts';

const NO_KEY = 0x7fffffff;

interface ListScanViews {
  queries: Int8Array;
  codes: Int8Array;
  rowTerms: Int32Array;
  rows: Uint32Array;
  offsets: Uint32Array;
  probes: Uint32Array;
  probeTerms: Int32Array;
  shifts: Uint32Array;
  admitted: Uint32Array;
  keys: Int32Array;
  ids: Uint32Array;
}

type ListScanParam = 'nq' | 'nprobe' | 'form' | 'stride' | 'queryStride' | 'keep' | 'withTerms' | 'filtered';

interface Found {
  key: number;
  id: number;
}

/** Specification of the kernel `list-scan`. */
export function listScanTwin(views: ListScanViews, params: ParamsOf<ListScanParam>): void {
  for (let q = 0; q < params.nq; q++) {
    const found = scan(views, params, q);
    found.sort((a, b) => a.key - b.key || a.id - b.id);
    for (let i = 0; i < params.keep; i++) {
      views.keys[q * params.keep + i] = found[i]?.key ?? NO_KEY;
      views.ids[q * params.keep + i] = found[i]?.id ?? NONE;
    }
  }
}

/** Every row that a query meets and that may be returned, with its key. */
function scan(views: ListScanViews, params: ParamsOf<ListScanParam>, q: number): Found[] {
  const { nprobe, queryStride, withTerms, filtered } = params;
  const { rows, offsets, admitted } = views;
  const query = views.queries.subarray(q * queryStride, (q + 1) * queryStride);
  const score = scorerOf(query, views.codes, params);
  const found: Found[] = [];
  for (let p = q * nprobe; p < (q + 1) * nprobe; p++) {
    const list = views.probes[p]!;
    if (list === NONE) continue;
    for (let at = offsets[list]!; at < offsets[list + 1]!; at++) {
      const id = rows[at]!;
      if (filtered && !((admitted[id >>> 5]! >>> (id & 31)) & 1)) continue;
      const term = withTerms ? views.rowTerms[at]! >> views.shifts[q]! : 0;
      found.push({ key: (views.probeTerms[p]! + term + score(at)) | 0, id });
    }
  }
  return found;
}

function scorerOf(query: Int8Array, codes: Int8Array, params: ParamsOf<ListScanParam>): (row: number) => number {
  const { stride, form } = params;
  if (isSq8(form)) {
    const scorer = new Scorer(codes, stride, form);
    return (row) => scorer.key(query, 0, row);
  }
  if (isHalf(form)) return (row) => orderedBits(halfDistance(query, codes, row, stride, form === FORMS.f16L2 ? 0 : 1));
  if (form === FORMS.lvq) return (row) => -blockDot(query, codes, row, stride);
  if (form === FORMS.sq4) return (row) => -nibbleDot(query, codes, row, stride);
  const tables = new DataView(query.buffer, query.byteOffset, query.byteLength);
  return (row) => pqSum(tables, 0, codes, row, stride, form);
}
