import { sq8EncodeTwin } from './cpu/sq8-encode.ts';
import { defineKernel, reads, writes } from './kernel.ts';

/** Where encoded rows lie: row after row, or in panels of four (panels.ts). */
export const LAYOUT_ROWS = 0;
export const LAYOUT_PANELS = 1;

/**
 * SQ8: code[j] = clamp(roundTiesToEven(f32(f32(x[j] − shift[j]) · scale)), low, high) + bias, with what each row's
 * code lost. Host only. FAISS calls the uniform variant QT_8bit_uniform; ours shifts each dimension.
 *
 *   vectors f32 [n, dim]   shift f32 [dim]   scales f32 [n]   steps f64 [n], the inverse of each scale
 *   codes   i8  [n, 4·words] in the given layout; dimensions past dim are 0 + bias
 *   sums    i32 [n, 2]: Σ c² and Σ c, of the codes without bias
 *   errors  f64 [n]: ‖x − x̂‖ with x̂[j] = shift[j] + c[j] · step, in f64: four partial sums by j mod 4, then (0+2)+(1+3)
 *
 * low, high and bias are i32: −128, 127, 0 for rows; −64, 63, 64 for the seven-bit query codes of scans.
 */
export const sq8Encode = defineKernel({
  name: 'sq8-encode',
  bindings: {
    vectors: reads('f32'),
    shift: reads('f32'),
    scales: reads('f32'),
    steps: reads('f64'),
    codes: writes('i8'),
    sums: writes('i32'),
    errors: writes('f64'),
  },
  params: ['n', 'dim', 'words', 'layout', 'low', 'high', 'bias'],
  items: ({ n }) => n,
  terms: ({ n, dim }) => n * dim * 4,
  twin: sq8EncodeTwin,
});
