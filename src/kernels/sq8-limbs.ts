import { sq8LimbsTwin } from './cpu/sq8-limbs.ts';
import { defineKernel, reads, writes } from './kernel.ts';

/** Steps of the lower limb in one of the code's. */
export const LIMB_STEPS = 256;

/**
 * The lower limb of SQ8 codes in rows: limb[j] = roundTiesToEven(clamp((x[j] − (shift[j] + c[j] · step)) · 256 · scale, −128, 127)), in
 * f64, so that x̂[j] = shift[j] + (256 c[j] + limb[j]) · step / 256; and what both limbs together say of a row. Host only.
 *
 *   vectors f32 [n, dim]   shift f32 [dim]   scales f32 [n]   steps f64 [n], the inverse of each scale   codes i8 [n, stride]
 *   limbs   i8  [n, stride]: 0 past dim
 *   lengths f64 [n, 2]: ‖x − x̂‖, four partial sums by j mod 4, then (0+2)+(1+3); and Σ (256 c + limb)²
 */
export const sq8Limbs = defineKernel({
  name: 'sq8-limbs',
  bindings: {
    vectors: reads('f32'),
    shift: reads('f32'),
    scales: reads('f32'),
    steps: reads('f64'),
    codes: reads('i8'),
    limbs: writes('i8'),
    lengths: writes('f64'),
  },
  params: ['n', 'dim', 'stride'],
  items: ({ n }) => n,
  terms: ({ n, dim }) => n * dim * 4,
  twin: sq8LimbsTwin,
});
