import { canonicalDistance } from './canonical-distances.ts';

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

/** The value of a 16-bit float, exact; the largest exponent counts on where IEEE 754 has infinities. */
export function halfToFloat(half: number): number {
  word[0] = (half & 0x7fff) << 13;
  const value = float[0]! * 2 ** 112;
  return half & 0x8000 ? -value : value;
}

/** The canonical distance (metric 0 l2, 1 ip) of a query f32 [stride / 2] and a row of as many 16-bit floats. */
export function halfDistance(query: Int8Array, codes: Int8Array, row: number, stride: number, metric: number): number {
  const width = stride / 2;
  const halves = new DataView(codes.buffer, codes.byteOffset + row * stride, stride);
  const values = Float32Array.from({ length: width }, (_, j) => halfToFloat(halves.getUint16(2 * j, true)));
  return canonicalDistance(new Float32Array(query.buffer, query.byteOffset, width), 0, values, 0, width, metric);
}
