/** The f32 bits of every f16, built once on first use: 256 KiB, and exact because every f16 is an f32. */
let table: Uint32Array | undefined;

/** The bits of the f32 that equals the f16 with these bits (NaN stays NaN, with its payload and sign). */
function widenBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal f16 is a normal f32: its highest set bit becomes the hidden one.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

function widenTable(): Uint32Array {
  return (table ??= Uint32Array.from({ length: 0x10000 }, (_, half) => widenBits(half)));
}

/** f16 bits `[n]` to the f32 of the same value `[n]`, exactly. */
export function halvesToFloats(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const bits = widenTable();
  const floats = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) floats[i] = bits[halves[i]!]!;
  return new Float32Array(floats.buffer);
}
