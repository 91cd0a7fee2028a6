/** Where the bytes of an index file come from. */
import { badArgument } from '../util/errors.ts';

/** Random access to the bytes of a file, or to bytes in memory. */
export interface ByteSource {
  readonly name: string;
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

export function bytesSource(bytes: Uint8Array, name = 'the data'): ByteSource {
  if (!(bytes instanceof Uint8Array)) throw badArgument('bytes must be a Uint8Array; wrap an ArrayBuffer: new Uint8Array(buffer)');
  return { name, size: bytes.byteLength, read: async (offset, length) => bytes.subarray(offset, offset + length) };
}
