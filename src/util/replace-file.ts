import type { FileHandle } from 'node:fs/promises';
import { badArgument, badFile } from './errors.ts';
import { nodeModule } from './node-module.ts';

/** Writes all of `bytes`; `FileHandle.write` may write less than it is given. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, Math.min(bytes.length - at, 1 << 30));
    at += bytesWritten;
  }
}

async function writeTemporary(path: string, pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
  const file = await nodeModule('node:fs/promises').open(path, 'wx');
  try {
    for await (const bytes of pieces) await writeAll(file, bytes);
    // Without this a crash after the rename could leave a file of the right name and no content.
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Renaming over a pipe, a device or a link that leads nowhere would destroy it: only a file, or nothing, is replaced. */
async function checkReplaceable(path: string): Promise<void> {
  const { lstat, stat } = nodeModule('node:fs/promises');
  const link = await lstat(path).catch(() => undefined);
  if (!link || link.isFile()) return;
  const target = await stat(path).catch(() => undefined);
  if (target?.isFile()) return;
  const what = target ? 'it is not a regular file' : 'it is a link that leads nowhere';
  throw badFile(`cannot write ${path}: ${what}; name a file`);
}

/**
 * Writes a file as a whole or not at all: into a temporary file beside it, which then takes its name. When writing fails, or `pieces`
 * throws, the temporary file is removed and what had the name before is untouched.
 *
 * @throws what `pieces` throws; IsodexError `bad-file` when the operating system refuses
 */
export async function replaceFile(path: string, pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
  if (typeof path !== 'string' || path === '') throw badArgument('the path to write is empty; name a file');
  const { realpath, rename, rm } = nodeModule('node:fs/promises');
  await checkReplaceable(path);
  // Through a symbolic link to its target, so that the link stays one.
  const target = await realpath(path).catch(() => path);
  const temporary = `${target}.${globalThis.crypto.randomUUID()}.tmp`;
  try {
    await writeTemporary(temporary, pieces);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // where there is no folder there is nothing to remove
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof Error && 'syscall' in error) throw badFile(`cannot write ${path}: ${code} (${error.message})`, { cause: error });
    throw error;
  }
}
