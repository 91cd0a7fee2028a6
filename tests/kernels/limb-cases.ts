/** Whole inputs of the kernel sq8-limbs. */
import { sq8EncodeTwin } from '../../src/kernels/cpu/sq8-encode.ts';
import { sq8Stride } from '../../src/kernels/graph.ts';
import { type Kind, makeVectors } from '../contract/data.ts';

export function limbCase(kind: Kind, dim: number, at: number) {
  const n = 12;
  const stride = sq8Stride(dim);
  const vectors = makeVectors(kind, n, dim, at);
  const scale = Math.fround(100 / Math.max(1e-30, ...vectors.map(Math.abs)));
  const arrays = {
    vectors,
    shift: makeVectors(kind, 1, dim, at + 50),
    scales: Float32Array.from({ length: n }, (_, i) => scale * (1 + i)),
    steps: Float64Array.from({ length: n }, (_, i) => 1 / Math.fround(scale * (1 + i))),
    codes: new Int8Array(n * stride),
    limbs: new Int8Array(n * stride).fill(99),
    lengths: new Float64Array(2 * n).fill(-999),
  };
  const rest = { sums: new Int32Array(2 * n), errors: new Float64Array(n) };
  sq8EncodeTwin({ ...arrays, ...rest }, { n, dim, words: stride / 4, layout: 0, low: -128, high: 127, bias: 0 });
  return { name: `${kind}, dim ${dim}`, params: { n, dim, stride }, arrays };
}
