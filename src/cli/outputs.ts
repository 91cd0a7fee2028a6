/** Writes index files. */
import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { IsodexError, type VectorIndex } from '../node.ts';
import type { Task } from './perform.ts';
import { Progress } from './progress.ts';
import { formatBytes } from './table.ts';

/** Finds out now, not after hours of building, that a file cannot be written. */
export async function checkTarget(out: string): Promise<void> {
  const folder = dirname(out);
  const isFolder = await stat(folder)
    .then((found) => found.isDirectory())
    .catch(() => false);
  if (!isFolder) throw new IsodexError('bad-argument', `cannot write ${out}: there is no folder ${folder}`);
  await access(folder, constants.W_OK).catch((cause) => {
    throw new IsodexError('bad-argument', `cannot write ${out}: the folder ${folder} may not be written to`, { cause });
  });
  const found = await stat(out).catch(() => undefined);
  if (found?.isDirectory()) throw new IsodexError('bad-argument', `cannot write ${out}: it is a folder`);
}

/** Saves an index; returns what was saved, for people. `note` follows the number of rows. */
export async function saveIndex(index: VectorIndex, out: string, { signal }: Task, note = ''): Promise<string> {
  using progress = new Progress('writing');
  await index.save(out, { signal, onProgress: progress.update });
  const { size } = await stat(out);
  return `${out}: ${index.description}, ${index.metric}, ${index.size} rows of dim ${index.dim}${note}, ${formatBytes(size)}`;
}
