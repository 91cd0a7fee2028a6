import { expect, it } from 'vitest';
import { sq8EncodeTwin } from '../../src/kernels/cpu/sq8-encode.ts';
import { sq8Stride } from '../../src/kernels/graph.ts';
import { sq8Limbs } from '../../src/kernels/sq8-limbs.ts';
import { type Kind, kinds, makeVectors } from '../contract/data.ts';
import { kernelContract } from '../contract/kernel.ts';

function limbCase(kind: Kind, dim: number, at: number) {
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

kernelContract(
  sq8Limbs,
  kinds.flatMap((kind, at) => [1, 3, 12, 16, 97].map((dim) => limbCase(kind, dim, at))),
);

it('loses a 250th of what codes alone lose', () => {
  const { params, arrays } = limbCase('normal', 97, 3);
  sq8Limbs.twin(arrays, params);
  const step = arrays.steps[0]!;
  expect(arrays.lengths[0]).toBeLessThan(Math.sqrt(97 / 12) * (step / 250) * 1.2);
  expect(arrays.lengths[0]).toBeGreaterThan(0);
});
