import { roundTiesToEven } from '../../util/math.ts';
import { panelWord } from '../panels.ts';

interface EncodeViews {
  vectors: Float32Array;
  shift: Float32Array;
  scales: Float32Array;
  steps: Float64Array;
  codes: Int8Array;
  sums: Int32Array;
  errors: Float64Array;
}

/** Specification of the kernel `sq8-encode`. */
export function sq8EncodeTwin(
  { vectors, shift, scales, steps, codes, sums, errors }: EncodeViews,
  params: Record<'n' | 'dim' | 'words' | 'layout' | 'low' | 'high' | 'bias', number>,
): void {
  const { n, dim, words, layout } = params;
  const [low, high, bias] = [params.low | 0, params.high | 0, params.bias | 0];
  for (let row = 0; row < n; row++) {
    const scale = scales[row]!;
    const step = steps[row]!;
    let squares = 0;
    let sum = 0;
    const lost = [0, 0, 0, 0];
    for (let j = 0; j < words * 4; j++) {
      let code = 0;
      if (j < dim) {
        const x = vectors[row * dim + j]!;
        const scaled = Math.fround(Math.fround(x - shift[j]!) * scale);
        code = roundTiesToEven(Math.max(low, Math.min(high, scaled)));
        const e = x - (shift[j]! + code * step);
        lost[j & 3]! += e * e;
      }
      squares += code * code;
      sum += code;
      const word = layout ? panelWord(row, j >>> 2, words) : row * words + (j >>> 2);
      codes[word * 4 + (j & 3)] = code + bias;
    }
    sums[2 * row] = squares;
    sums[2 * row + 1] = sum;
    errors[row] = Math.sqrt(lost[0]! + lost[2]! + (lost[1]! + lost[3]!));
  }
}
