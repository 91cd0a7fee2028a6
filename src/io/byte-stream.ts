import { createReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { badFile, IsodexError } from '../util/errors.ts';
import { peek, unreadable } from './random-file.ts';

const READ_BYTES = 1 << 18;

/** Whether a file is gzipped, told by its first bytes and not by its name. Also checks that it can be read and is not empty. */
export async function isGzipped(path: string): Promise<boolean> {
  const head = await peek(path, 2);
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** What a broken stream means for the reader of the file. */
function streamError(path: string, error: unknown): Error {
  if (error instanceof IsodexError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'Z_BUF_ERROR') return badFile(`${path} ends in the middle of its gzip data: the file is truncated`, { cause: error });
  if (code.startsWith('Z_')) return badFile(`${path}: its gzip data is corrupted (${(error as Error).message})`, { cause: error });
  return unreadable(path, error);
}

/** The bytes of a file in pieces, unpacked when it is gzipped. Leaving the loop closes the file. */
export async function* byteStream(path: string, gzipped: boolean): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: READ_BYTES });
  // `pipeline` hands errors of the file on to the stream that is read; the callback has nothing left to do.
  const stream: Readable = gzipped ? pipeline(file, createGunzip({ chunkSize: READ_BYTES }), () => undefined) : file;
  try {
    for await (const bytes of stream) yield bytes as Buffer;
  } catch (error) {
    throw streamError(path, error);
  } finally {
    stream.destroy();
    file.destroy();
  }
}
