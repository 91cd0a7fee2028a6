import { sq8EncodeTwin } from './cpu/sq8-encode.ts';
import { defineKernel, reads, writes } from './kernel.ts';

/** Where encoded rows lie: row after row, or in panels of four (panels.ts). */
export const LAYOUT_ROWS = 0;
export const LAYOUT_PANELS = 1;

/**
 * SQ8: code[j] = clamp(roundTiesToEven(f32(f32(x[j] − shift[j]) · scale)), low, high) + bias, with what each row's
 * code lost. Host only. FAISS calls the uniform variant QT_8bit_uniform; ours shifts each dimension.
 *
 *   vectors f32 [n, dim]     shift f32 [dim]
 *   codes   i8  [n, 4·words] in the given layout; dimensions past dim are 0 + bias
 *   sums    i32 [n, 2]: Σ c² and Σ c, of the codes without bias
 *   errors  f64 [n]: ‖x − x̂‖ with x̂[j] = shift[j] + c[j] · step, in f64: four partial sums by j mod 4, then (0+2)+(1+3)
 *
 * `scale` is an f32 and `step` its inverse in grid units: step = 1 / scale as f32 bits would lose, so it is an f64 in
 * `grid` [1]. low, high and bias are i32: −128, 127, 0 for rows; −64, 63, 64 for the seven-bit query codes of scans.
 */
export const sq8Encode = defineKernel({
  name: 'sq8-encode',
  bindings: {
    vectors: reads('f32'),
    shift: reads('f32'),
    grid: reads('f64'),
    codes: writes('i8'),
    sums: writes('i32'),
    errors: writes('f64'),
  },
  params: ['n', 'dim', 'words', 'layout', 'scale', 'low', 'high', 'bias'],
  items: ({ n }) => n,
  terms: ({ n, dim }) => n * dim * 4,
  twin: sq8EncodeTwin,
});
