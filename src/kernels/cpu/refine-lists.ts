import { NONE } from '../graph.ts';
import { canonicalDistance } from './canonical-distances.ts';
import { orderedBits } from './graph-score.ts';

const { fround } = Math;

interface RefineViews {
  queries: Float32Array;
  vectors: Float32Array;
  codes: Int8Array;
  shift: Float32Array;
  lists: Uint32Array;
  labels: Int32Array;
  best: Uint32Array;
}

/** Specification of the kernel `refine-lists`. */
export function refineListsTwin(views: RefineViews, params: Record<string, number>): void {
  const { nq, width, metric, listStride, listLength, k, coded, dim, stride } = params as Record<RefineParam, number>;
  const step = new Float32Array(Uint32Array.of(params.step!).buffer)[0]!;
  const decoded = new Float32Array(width);
  for (let q = 0; q < nq; q++) {
    const found: { label: number; distance: number }[] = [];
    for (const row of views.lists.subarray(q * listStride, q * listStride + listLength)) {
      if (row === NONE) break;
      if (coded) decode(views.codes, row * stride, views.shift, step, dim, decoded);
      const distance = canonicalDistance(views.queries, q, coded ? decoded : views.vectors, coded ? 0 : row, width, metric);
      found.push({ label: views.labels[row]!, distance });
    }
    found.sort((a, b) => a.distance - b.distance || a.label - b.label);
    for (let i = 0; i < k; i++) {
      views.best[2 * (q * k + i)] = found[i]?.label ?? NONE;
      views.best[2 * (q * k + i) + 1] = found[i] ? orderedBits(found[i]!.distance) : NONE;
    }
  }
}

/** x̂ of the SQ8 codes at `at`. */
export function decode(codes: Int8Array, at: number, shift: Float32Array, step: number, dim: number, out: Float32Array): void {
  for (let j = 0; j < dim; j++) out[j] = fround(shift[j]! + fround(codes[at + j]! * step));
}

type RefineParam = 'nq' | 'width' | 'metric' | 'listStride' | 'listLength' | 'k' | 'coded' | 'dim' | 'stride';
