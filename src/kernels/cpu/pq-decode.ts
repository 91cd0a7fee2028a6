import type { ParamsOf } from '../kernel.ts';

interface PqDecodeViews {
  codes: Int8Array;
  places: Uint32Array;
  centroids: Uint32Array;
  lists: Uint32Array;
  shift: Float32Array;
  scale: Float32Array;
  rows: Float32Array;
}

/** One of two i16 values in a word. */
function half(word: number, at: number): number {
  return at % 2 ? word >> 16 : (word << 16) >> 16;
}

/** Specification of the kernel `pq-decode`. */
export function pqDecodeTwin(
  { codes, places, centroids, lists, shift, scale, rows }: PqDecodeViews,
  { n, stride, M, dsub, ksub, width, withLists }: ParamsOf<'n' | 'stride' | 'M' | 'dsub' | 'ksub' | 'width' | 'withLists'>,
): void {
  const pairs = Math.ceil(dsub / 2);
  for (let i = 0; i < n; i++) {
    const [position, list] = [places[2 * i]!, places[2 * i + 1]!];
    for (let j = 0; j < width; j++) {
      const sub = Math.floor(j / dsub);
      if (sub >= M) {
        rows[i * width + j] = 0;
        continue;
      }
      const byte = codes[position * stride + (ksub === 256 ? sub : sub >> 1)]! & 255;
      const code = ksub === 256 ? byte : (byte >> (4 * (sub & 1))) & 15;
      const word = centroids[(sub * pairs + ((j % dsub) >> 1)) * ksub + code]!;
      const middle = withLists ? half(lists[(list * width + j) >> 1]!, j) : 0;
      rows[i * width + j] = shift[j]! + Math.fround((half(word, j % dsub) + middle) / scale[0]!);
    }
  }
}
