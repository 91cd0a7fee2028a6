import { badFile } from '../util/errors.ts';
import { halvesToFloats } from './half.ts';

/** The type of one number in a file. */
export type Dtype = 'f16' | 'f32' | 'f64' | 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'u64' | 'i64';

const BYTES: Record<Dtype, number> = { f16: 2, f32: 4, f64: 8, u8: 1, i8: 1, u16: 2, i16: 2, u32: 4, i32: 4, u64: 8, i64: 8 };
const hostIsLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Bytes of one number. */
export function bytesOf(dtype: Dtype): number {
  return BYTES[dtype];
}

/** Whether a file of these numbers can only mean labels: integers that f32 does not hold exactly. */
export function isWideInteger(dtype: Dtype): boolean {
  return dtype === 'i32' || dtype === 'u32' || dtype === 'i64' || dtype === 'u64';
}

export function isInteger(dtype: Dtype): boolean {
  return !dtype.startsWith('f');
}

/** Turns numbers of the file's byte order into the machine's, in place; its own inverse. */
export function toHostOrder(bytes: Uint8Array, dtype: Dtype, littleEndian: boolean): Uint8Array {
  const size = BYTES[dtype];
  if (size === 1 || littleEndian === hostIsLittleEndian) return bytes;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else buffer.swap64();
  return bytes;
}

type NumberArray = Float32Array | Float64Array | Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array;

/** A view of `bytes` (in the machine's order, aligned) as the numbers that it holds; f16 as its bits. */
function view(bytes: Uint8Array, dtype: Dtype): NumberArray | BigUint64Array | BigInt64Array {
  const { buffer, byteOffset } = bytes;
  const n = bytes.byteLength / BYTES[dtype];
  switch (dtype) {
    case 'f32':
      return new Float32Array(buffer, byteOffset, n);
    case 'f64':
      return new Float64Array(buffer, byteOffset, n);
    case 'u8':
      return new Uint8Array(buffer, byteOffset, n);
    case 'i8':
      return new Int8Array(buffer, byteOffset, n);
    case 'f16':
    case 'u16':
      return new Uint16Array(buffer, byteOffset, n);
    case 'i16':
      return new Int16Array(buffer, byteOffset, n);
    case 'u32':
      return new Uint32Array(buffer, byteOffset, n);
    case 'i32':
      return new Int32Array(buffer, byteOffset, n);
    case 'u64':
      return new BigUint64Array(buffer, byteOffset, n);
    case 'i64':
      return new BigInt64Array(buffer, byteOffset, n);
  }
}

/**
 * The numbers in `bytes` as f32 `[n]`: f16 and narrow integers exactly, f64 rounded to nearest. May share memory with `bytes`,
 * and may reorder it in place. `describe(i)` says where number i stands in the file.
 *
 * @throws IsodexError `bad-file` when an integer is not a value of f32 (above 2^24)
 */
export function toFloats(bytes: Uint8Array, dtype: Dtype, littleEndian: boolean, describe: (index: number) => string): Float32Array {
  const numbers = view(toHostOrder(bytes, dtype, littleEndian), dtype);
  if (numbers instanceof Float32Array) return numbers;
  if (dtype === 'f16') return halvesToFloats(numbers as Uint16Array);
  if (!isWideInteger(dtype)) return new Float32Array(numbers as NumberArray);
  return wideToFloats(numbers, describe);
}

function wideToFloats(numbers: ArrayLike<number | bigint>, describe: (index: number) => string): Float32Array {
  const floats = new Float32Array(numbers.length);
  for (let i = 0; i < numbers.length; i++) {
    const value = Number(numbers[i]);
    floats[i] = value;
    if (floats[i] !== value) {
      throw badFile(`${describe(i)} is ${numbers[i]}, which 32-bit floats cannot hold exactly (they do up to 16777216): scale the vectors`);
    }
  }
  return floats;
}

/**
 * The integers in `bytes` as int32 `[n]`. An unsigned number of ones alone, which is how -1 pads unsigned labels, reads as -1.
 *
 * @throws IsodexError `bad-file` when a value is outside int32
 */
export function toInts(bytes: Uint8Array, dtype: Dtype, littleEndian: boolean, describe: (index: number) => string): Int32Array {
  const numbers = view(toHostOrder(bytes, dtype, littleEndian), dtype);
  if (numbers instanceof Int32Array) return numbers;
  const ints = new Int32Array(numbers.length);
  for (let i = 0; i < ints.length; i++) {
    const value = numbers[i]!;
    const label = isPadding(value, dtype) ? -1 : Number(value);
    ints[i] = label;
    if (ints[i] !== label) {
      throw badFile(`${describe(i)} is ${value}, outside the 32-bit integers that labels are (at most 2147483647)`);
    }
  }
  return ints;
}

function isPadding(value: number | bigint, dtype: Dtype): boolean {
  if (dtype === 'u32') return value === 0xffffffff;
  return dtype === 'u64' && value === 0xffffffffffffffffn;
}
