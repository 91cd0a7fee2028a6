/** Numbers of a block. */
export const BLOCK = 32;
/** Bytes of a block of a query: 32 weights i16, then i32 what is added to their dot product, and i32 the bits of the block's numbers. */
export const QUERY_BLOCK = 72;

/**
 * A row of the form `lvq` and a query: the sum over blocks of the block's scale times (bias + Σ weight · number), i32, wrapping.
 *
 * A row's block has 4 bytes for each bit of its numbers. As long as there are 4 bits left, the next 4, from the highest on, lie side by
 * side in 16 bytes, the number 2 i + 1 above 2 i; then 2 in 8 bytes, then 1 in 4 bytes. Behind all blocks are their scales, u8.
 * Number n = 4 k + s is where lane k of eight finds it by a shift by s numbers, and its weight is [s, k] of the query's [4, 8].
 */
export function blockDot(query: Int8Array, codes: Int8Array, row: number, stride: number): number {
  const blocks = new DataView(query.buffer, query.byteOffset, query.byteLength);
  const count = query.byteLength / QUERY_BLOCK;
  const scales = row * stride + codeBytes(blocks, count);
  let at = row * stride;
  let sum = 0;
  for (let block = 0; block < count; block++) {
    const from = block * QUERY_BLOCK;
    const bits = blocks.getInt32(from + 68, true);
    let dot = blocks.getInt32(from + 64, true);
    for (let n = 0; n < BLOCK; n++) {
      const weight = blocks.getInt16(from + 2 * weightAt(n), true);
      dot = (dot + Math.imul(weight, numberAt(codes, at, placesOf(bits, n)))) | 0;
    }
    sum = (sum + Math.imul(codes[scales + block]! & 255, dot)) | 0;
    at += 4 * bits;
  }
  return sum;
}

/** Which of a block's weights belongs to number n. */
export function weightAt(n: number): number {
  return 8 * (n & 3) + (n >> 2);
}

/** Some bits of a number: `width` bits of a byte of its block, from bit `from` on, are those of the number from `shift` on. */
export interface Place {
  readonly byte: number;
  readonly from: number;
  readonly width: number;
  readonly shift: number;
}

/** Where the bits of number n of a block lie, the highest first. */
export function placesOf(bits: number, n: number): Place[] {
  const [lane, s] = [n >> 2, n & 3];
  const places: Place[] = [];
  let left = bits;
  for (; left >= 4; left -= 4) places.push({ byte: 4 * (bits - left) + (n >> 1), from: 4 * (n & 1), width: 4, shift: left - 4 });
  if (left & 2) places.push({ byte: 4 * (bits - left) + ((2 * lane) & 7) + (lane >> 2), from: 2 * s, width: 2, shift: left - 2 });
  const bit = 16 * (lane & 1) + 4 * (lane >> 1) + s;
  if (left & 1) places.push({ byte: 4 * (bits - 1) + (bit >> 3), from: bit & 7, width: 1, shift: 0 });
  return places;
}

/** Number n of the block that begins at a byte. */
export function numberAt(codes: Int8Array, at: number, places: readonly Place[]): number {
  let value = 0;
  for (const { byte, from, width, shift } of places) value |= ((codes[at + byte]! >> from) & ((1 << width) - 1)) << shift;
  return value;
}

function codeBytes(blocks: DataView, count: number): number {
  let bytes = 0;
  for (let block = 0; block < count; block++) bytes += 4 * blocks.getInt32(block * QUERY_BLOCK + 68, true);
  return bytes;
}
