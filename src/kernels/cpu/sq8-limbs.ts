import { roundTiesToEven } from '../../util/math.ts';
import type { ParamsOf } from '../kernel.ts';

interface LimbViews {
  vectors: Float32Array;
  shift: Float32Array;
  scales: Float32Array;
  steps: Float64Array;
  codes: Int8Array;
  limbs: Int8Array;
  lengths: Float64Array;
}

/** Specification of the kernel `sq8-limbs`. */
export function sq8LimbsTwin(
  { vectors, shift, scales, steps, codes, limbs, lengths }: LimbViews,
  { n, dim, stride }: ParamsOf<'n' | 'dim' | 'stride'>,
): void {
  limbs.fill(0, 0, n * stride);
  for (let row = 0; row < n; row++) {
    const fineScale = scales[row]! * 256;
    const fineStep = steps[row]! / 256;
    const lost = [0, 0, 0, 0];
    let squares = 0;
    for (let j = 0; j < dim; j++) {
      const code = codes[row * stride + j]!;
      const left = vectors[row * dim + j]! - (shift[j]! + code * steps[row]!);
      const limb = roundTiesToEven(Math.max(-128, Math.min(127, left * fineScale)));
      const e = left - limb * fineStep;
      lost[j & 3]! += e * e;
      squares += (256 * code + limb) ** 2;
      limbs[row * stride + j] = limb;
    }
    lengths[2 * row] = Math.sqrt(lost[0]! + lost[2]! + (lost[1]! + lost[3]!));
    lengths[2 * row + 1] = squares;
  }
}
