/** Whole inputs of the kernel refine-lists. */
import { NONE, sq8Stride } from '../../src/kernels/graph.ts';
import { refineScratchWords } from '../../src/kernels/refine-lists.ts';
import { type Kind, makeVectors, randomFrom } from '../contract/data.ts';
import { SLOTS, shuffled } from './graph-cases.ts';

/** Where lists end: `none` has no NONE, `middle` has ids behind it that count no more, `start` is empty. */
export type ListEnd = 'none' | 'middle' | 'start' | 'any';

export interface RefineShape {
  readonly nq: number;
  readonly n: number;
  readonly dim: number;
  readonly kind: Kind;
  readonly metric: number;
  readonly coded: boolean;
  readonly listStride: number;
  readonly listLength: number;
  readonly k: number;
  readonly end: ListEnd;
}

export function refineCase(shape: RefineShape, offset: number) {
  const random = randomFrom(offset);
  const { nq, n, dim, kind, metric, coded, listStride, listLength, k, end } = shape;
  const width = Math.ceil(dim / 16) * 16;
  const stride = sq8Stride(dim);
  const ids = [...new Uint32Array(n).keys()];
  const lists = new Uint32Array(nq * listStride);
  for (let q = 0; q < nq; q++) {
    lists.set(shuffled(ids, random).slice(0, listStride), q * listStride);
    const cut = { none: listStride, middle: listLength >> 1, start: 0, any: random.int(0, listStride) }[end];
    if (cut < listStride) lists[q * listStride + cut] = NONE;
    // Lists shorter than their stride: what was not set is NONE as well.
    lists.fill(NONE, q * listStride + Math.min(n, listStride), (q + 1) * listStride);
  }
  const step = new Uint32Array(Float32Array.of(kind === 'huge' ? 1e13 : 0.0123).buffer)[0]!;
  const slotWords = refineScratchWords(width, k);
  return {
    name: JSON.stringify(shape),
    params: { nq, width, metric, listStride, listLength, k, coded: coded ? 1 : 0, dim, stride, step, slots: SLOTS, slotWords },
    arrays: {
      queries: padded(makeVectors(kind, nq, dim, offset), dim, width),
      vectors: coded ? new Float32Array() : padded(makeVectors(kind, n, dim, offset + 1), dim, width),
      codes: coded ? Int8Array.from({ length: n * stride }, () => random.int(-128, 127)) : new Int8Array(),
      shift: makeVectors(kind, 1, dim, offset + 2),
      lists,
      labels: Int32Array.from(shuffled(ids, random), (label) => label * 7),
      best: new Int32Array(nq * k).fill(999),
      distances: new Float32Array(nq * k).fill(999),
      scratch: new Uint32Array(SLOTS * slotWords),
    },
  };
}

function padded(vectors: Float32Array, dim: number, width: number): Float32Array {
  const out = new Float32Array((vectors.length / dim) * width);
  for (let row = 0; row < vectors.length / dim; row++) out.set(vectors.subarray(row * dim, (row + 1) * dim), row * width);
  return out;
}
