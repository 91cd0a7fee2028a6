import { NONE } from '../graph.ts';
import type { ParamsOf } from '../kernel.ts';
import { canonicalDistance } from './canonical-distances.ts';

const { fround } = Math;

interface RefineViews {
  queries: Float32Array;
  vectors: Float32Array;
  codes: Int8Array;
  shift: Float32Array;
  lists: Uint32Array;
  labels: Int32Array;
  best: Int32Array;
  distances: Float32Array;
}

/** Specification of the kernel `refine-lists`. */
export function refineListsTwin(views: RefineViews, params: ParamsOf<RefineParam>): void {
  const { nq, width, metric, listStride, listLength, k, coded, dim, stride } = params;
  const step = new Float32Array(Uint32Array.of(params.step).buffer)[0]!;
  const decoded = new Float32Array(width);
  const distanceOf = (q: number, row: number) => {
    if (!coded) return canonicalDistance(views.queries, q, views.vectors, row, width, metric);
    decode(views.codes, row * stride, views.shift, step, dim, decoded);
    return canonicalDistance(views.queries, q, decoded, 0, width, metric);
  };
  for (let q = 0; q < nq; q++) {
    const list = [...views.lists.subarray(q * listStride, q * listStride + listLength)];
    const rows = list.includes(NONE) ? list.slice(0, list.indexOf(NONE)) : list;
    const found = rows.map((row) => ({ label: views.labels[row]!, distance: distanceOf(q, row) }));
    found.sort((a, b) => a.distance - b.distance || a.label - b.label);
    for (let i = 0; i < k; i++) {
      views.best[q * k + i] = found[i]?.label ?? -1;
      views.distances[q * k + i] = found[i]?.distance ?? Infinity;
    }
  }
}

/** x̂ of the SQ8 codes at `at`. */
export function decode(codes: Int8Array, at: number, shift: Float32Array, step: number, dim: number, out: Float32Array): void {
  for (let j = 0; j < dim; j++) out[j] = fround(shift[j]! + fround(codes[at + j]! * step));
}

type RefineParam = 'nq' | 'width' | 'metric' | 'listStride' | 'listLength' | 'k' | 'coded' | 'dim' | 'stride' | 'step';
