/**
 * The dot product of weights i16 [2 stride] and the numbers of a row, two in each byte, the first in its low half: i32, wrapping.
 */
export function nibbleDot(query: Int8Array, codes: Int8Array, row: number, stride: number): number {
  const weights = new Int16Array(query.buffer, query.byteOffset, 2 * stride);
  let sum = 0;
  for (let i = 0; i < stride; i++) {
    const byte = codes[row * stride + i]! & 255;
    sum = (sum + weights[2 * i]! * (byte & 15) + weights[2 * i + 1]! * (byte >> 4)) | 0;
  }
  return sum;
}
