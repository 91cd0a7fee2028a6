import { type FileHandle, open } from 'node:fs/promises';
import { badFile } from '../util/errors.ts';

/** One read call asks for at most this, since Node refuses reads of 2 GiB and more. */
const LARGEST_READ = 1 << 30;

/** Why the operating system refused, in words. */
function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'this user may not read it';
  if (code === 'EISDIR') return 'it is a directory, not a file';
  return error instanceof Error ? error.message : String(error);
}

/** The error for a file that could not be opened or read, naming it. */
export function unreadable(path: string, error: unknown): Error {
  return badFile(`cannot read ${path}: ${reason(error)}`, { cause: error });
}

/** A file read at positions: bounded memory, and several readers of one file do not disturb one another. */
export class RandomFile {
  readonly path: string;
  readonly size: number;
  readonly #handle: FileHandle;

  private constructor(path: string, size: number, handle: FileHandle) {
    this.path = path;
    this.size = size;
    this.#handle = handle;
  }

  /** @throws IsodexError `bad-file` when the file is missing, not readable, not a regular file or empty */
  static async open(path: string): Promise<RandomFile> {
    const handle = await open(path, 'r').catch((error: unknown) => {
      throw unreadable(path, error);
    });
    try {
      const stats = await handle.stat();
      if (stats.isDirectory()) throw badFile(`cannot read ${path}: it is a directory, not a file`);
      if (!stats.isFile()) throw badFile(`cannot read ${path}: it is a pipe or device; only regular files can be read at positions`);
      if (stats.size === 0) throw badFile(`${path} is empty (0 bytes): there is nothing to read in it`);
      return new RandomFile(path, stats.size, handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Exactly `length` bytes from `position` on, in a buffer of their own. */
  async read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      const { bytesRead } = await this.#handle
        .read(bytes, at, Math.min(length - at, LARGEST_READ), position + at)
        .catch((error: unknown) => {
          throw unreadable(this.path, error);
        });
      if (bytesRead === 0) {
        throw badFile(
          `${this.path} was ${this.size} bytes when it was opened and now ends at byte ${position + at}: another program is changing it`,
        );
      }
      at += bytesRead;
    }
    return bytes;
  }

  /** The first bytes of the file, `length` of them or as many as there are. */
  head(length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.read(0, Math.min(length, this.size));
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** Opens a file and builds something on it; closes the file when building fails. */
export async function onFile<T>(path: string, build: (file: RandomFile) => Promise<T>): Promise<T> {
  const file = await RandomFile.open(path);
  try {
    return await build(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The first bytes of a file, `length` of them or as many as there are. */
export async function peek(path: string, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const file = await RandomFile.open(path);
  try {
    return await file.head(length);
  } finally {
    await file.close();
  }
}

/** The size of a file in bytes. */
export async function fileSize(path: string): Promise<number> {
  const file = await RandomFile.open(path);
  await file.close();
  return file.size;
}
