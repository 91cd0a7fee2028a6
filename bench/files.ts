/** Raw files of numbers, through which vectors and answers travel. */
import { readFileSync, writeFileSync } from 'node:fs';

export function readFloats(path: string): Float32Array {
  return new Float32Array(readAligned(path));
}

export function readInts(path: string): Int32Array {
  return new Int32Array(readAligned(path));
}

export function writeNumbers(path: string, numbers: Int32Array | Uint32Array | Float32Array): void {
  writeFileSync(path, new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
}

/** Small files share a pool, at any offset: those are copied. */
function readAligned(path: string): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = readFileSync(path);
  if (byteOffset === 0 && byteLength === buffer.byteLength) return buffer as ArrayBuffer;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}
