/** What the twin of sq8-limbs says of rows, against its definition. */
import { expect, it } from 'vitest';
import { sq8Limbs } from '../../../src/kernels/sq8-limbs.ts';
import { kinds } from '../../contract/data.ts';
import { limbCase } from '../limb-cases.ts';

it.each(kinds)('limbs and lengths are those of the row: %s', (kind) => {
  const { params, arrays } = limbCase(kind, 21, 3);
  sq8Limbs.twin(arrays, params);
  const { dim, stride } = params;
  for (let row = 0; row < params.n; row++) {
    const step = arrays.steps[row]!;
    const both = Array.from({ length: dim }, (_, j) => 256 * arrays.codes[row * stride + j]! + arrays.limbs[row * stride + j]!);
    const lost = both.map((v, j) => arrays.vectors[row * dim + j]! - (arrays.shift[j]! + (v / 256) * step));
    expect(arrays.lengths[2 * row]).toBeCloseTo(Math.hypot(...lost), 9 - Math.log10(1e-30 + step));
    expect(arrays.lengths[2 * row + 1]).toBe(both.reduce((sum, v) => sum + v * v, 0));
    expect([...arrays.limbs.subarray(row * stride + dim, (row + 1) * stride)].every((limb) => limb === 0)).toBe(true);
  }
});

it('loses a 250th of what codes alone lose', () => {
  const { params, arrays } = limbCase('normal', 97, 3);
  sq8Limbs.twin(arrays, params);
  const step = arrays.steps[0]!;
  expect(arrays.lengths[0]).toBeLessThan(Math.sqrt(97 / 12) * (step / 250) * 1.2);
  expect(arrays.lengths[0]).toBeGreaterThan(0);
});
